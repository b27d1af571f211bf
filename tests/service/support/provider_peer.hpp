// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <catch2/catch.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hanami/service/access/oidc/provider.hpp>
#include <hanami/service/api/request_values.hpp>
#include <hanami/service/base/clock.hpp>

#include "service/support/http_peer.hpp"
#include "service/support/server_fixture.hpp"
#include "service/support/token_signer.hpp"

/// A provider of OpenID Connect that can be made to do what none should, and a browser.

namespace server_test {

using value_map = std::map<std::string, std::string>;

/// The values of a query or a form.
inline value_map values_in(std::string_view text) {
  const auto list = hanami::service::api::parse_query(text);
  return {list.begin(), list.end()};
}

/// What a server is told of a provider.
inline void sign_on_by(server_config& config, std::string issuer) {
  config.oidc.issuer = std::move(issuer);
  config.oidc.client_id = "lab";
  config.oidc.client_secret = "a secret & more";
  config.oidc.redirect_uri = "http://lab.example/v1/oidc/callback";
  config.oidc.create_users = true;
  config.oidc.return_to = {"https://dash.example"};
}

/// Tests change what it says by its members; its log-in is a redirect that comes back at once.
class provider_peer {
 public:
  token_signer key{"RS256", "one"};
  json::object claims;                                          ///< of the user, more or others
  std::function<std::string(const json::object& claims)> token; ///< instead of what `key` signs
  std::function<http::response()> answer_token;                 ///< instead of tokens
  std::function<http::response()> answer_keys;
  std::function<http::response()> answer_description;
  json::object userinfo{{"sub", "subject-1"}};

  /// `tls`: of a host "localhost".
  explicit provider_peer(const hanami::service::tls_settings& tls = {})
      : host_(tls.certificate.empty() ? "http://127.0.0.1:" : "https://localhost:") {
    app_.paths["/.well-known/openid-configuration"] = told([this] {
      if (answer_description) {
        return answer_description();
      }
      json::object all = description();
      return as_json(all);
    });
    app_.paths["/keys"] = told([this] {
      ++keys_asked;
      return answer_keys ? answer_keys() : as_text(key_set_of({key.jwk()}));
    });
    app_.paths["/userinfo"] = told([this] { return as_json(userinfo); });
    app_.paths["/token"] = [this](const http::request& got,
                                  const std::shared_ptr<http::admitted_request>&,
                                  const http::responder& give) { give(token_answer(got)); };
    server_ = std::make_unique<lone_server>(app_, any_port(), tls);
  }

  std::string issuer() const { return host_ + std::to_string(server_->port()); }
  json::object description() const {
    return {{"issuer", issuer()},
            {"authorization_endpoint", issuer() + "/authorize"},
            {"token_endpoint", issuer() + "/token"},
            {"jwks_uri", issuer() + "/keys"},
            {"userinfo_endpoint", issuer() + "/userinfo"}};
  }
  void set_up(server_config& config) const {
    sign_on_by(config, issuer());
    config.oidc.project = "admin";
    config.oidc.timeout = std::chrono::seconds(5);
  }

  /// Logs in whoever came to `location`; the target to come back to.
  std::string log_in(const std::string& location) {
    REQUIRE(location.starts_with(issuer() + "/authorize?"));
    const value_map asked = values_in(location.substr(location.find('?') + 1));
    CHECK(asked.at("response_type") == "code");
    CHECK(asked.at("client_id") == "lab");
    CHECK(asked.at("redirect_uri") == "http://lab.example/v1/oidc/callback");
    CHECK(asked.at("scope") == "openid profile email");
    CHECK(asked.at("code_challenge_method") == "S256");
    const std::string code = "code" + std::to_string(++count_);
    codes_[code] = asked;
    return "/v1/oidc/callback?code=" + code + "&state=" + asked.at("state") + "&session_state=x";
  }
  int keys_asked = 0;

  static http::response as_text(std::string text) {
    http::response made = small_application::plain(std::move(text));
    made.content_type = "application/json";
    return made;
  }
  static http::response as_json(const json::object& content) {
    return as_text(json::serialize(content));
  }

 private:
  small_application::answering told(std::function<http::response()> what) {
    return [what](const http::request&, const std::shared_ptr<http::admitted_request>&,
                  const http::responder& give) { give(what()); };
  }

  http::response token_answer(const http::request& got) {
    if (answer_token) {
      return answer_token();
    }
    const value_map asked = values_in(got.body);
    const auto code = codes_.find(asked.at("code"));
    // base64 of "lab:a%20secret%20%26%20more"
    if (code == codes_.end() ||
        got.headers.get("Authorization") != "Basic bGFiOmElMjBzZWNyZXQlMjAlMjYlMjBtb3Jl" ||
        hanami::service::access::oidc::challenge_of(asked.at("code_verifier")) !=
            code->second.at("code_challenge")) {
      http::response refused = as_text(R"({"error":"invalid_grant"})");
      refused.status = 400;
      return refused;
    }
    const std::int64_t now = hanami::service::now_ms() / 1000;
    json::object said{{"iss", issuer()},
                      {"sub", "subject-1"},
                      {"aud", "lab"},
                      {"nonce", code->second.at("nonce")},
                      {"exp", now + 300},
                      {"iat", now},
                      {"preferred_username", "anna"}};
    codes_.erase(code); // good once
    for (const auto& each : claims) {
      if (each.value().is_null()) {
        said.erase(each.key());
      } else {
        said[each.key()] = each.value();
      }
    }
    return as_json({{"access_token", "an-access-token"},
                    {"token_type", "Bearer"},
                    {"id_token", token ? token(said) : key.sign(said)}});
  }

  std::string host_;
  small_application app_;
  std::map<std::string, value_map> codes_;
  int count_ = 0;
  std::unique_ptr<lone_server> server_;
};

/// Keeps cookies, and goes where it is sent only when told to.
class browser {
 public:
  explicit browser(std::uint16_t port) : port_(port) {}

  heard_response get(const std::string& target) { return visit("GET", target, {}); }
  heard_response visit(const std::string& method, const std::string& target,
                       const std::string& fields, const std::string& body = {}) {
    std::string cookies;
    for (const auto& [name, value] : cookies_) {
      cookies += (cookies.empty() ? "Cookie: " : "; ") + name + '=' + value;
    }
    const heard_response answer = ask_with(
        port_, method, target, fields + (cookies.empty() ? cookies : cookies + "\r\n"), body);
    for (const std::string& field : answer.cookies) {
      const std::size_t equals = field.find('=');
      const std::string value = field.substr(equals + 1, field.find(';') - equals - 1);
      if (value.empty()) {
        cookies_.erase(field.substr(0, equals));
      } else {
        cookies_[field.substr(0, equals)] = value;
      }
    }
    return answer;
  }
  value_map& cookies() { return cookies_; }

 private:
  std::uint16_t port_;
  value_map cookies_;
};

/// A program that logs in by a browser.
struct asking_peer {
  std::string verifier = std::string(43, 'v');
  std::string return_to = "https://dash.example/in?x=1";

  std::string start() const {
    return "/v1/oidc/start?code_challenge=" +
           hanami::service::access::oidc::challenge_of(verifier) + "&state=mine" +
           (return_to.empty() ? ""
                              : "&return_to=" + hanami::service::access::oidc::in_query(return_to));
  }
  std::string redemption(const std::string& code) const {
    return json::serialize(json::object{{"code", code}, {"code_verifier", verifier}});
  }
};

} // namespace server_test
