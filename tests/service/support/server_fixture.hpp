// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <hanami/service/base/json.hpp>
#include <hanami/service/server.hpp>

#include "service/support/http_socket_peer.hpp"
#include "support/scratch_folder.hpp"

/// A whole server in a folder of its own, and somebody who talks to it.

namespace server_test {

namespace json = hanami::service::json;
using hanami::service::server;
using hanami::service::server_config;

struct heard {
  unsigned status = 0;
  std::string body;

  json::value content() const { return json::parse(body); }
  std::string text(std::string_view key) const {
    const json::value parsed = content();
    const json::string& found = parsed.at(key).as_string();
    return {found.data(), found.size()};
  }
};

inline std::string bearer(const std::string& token) {
  return token.empty() ? token : "Authorization: Bearer " + token + "\r\n";
}

/// Asks a server of this machine, a connection each time. `fields`: more of the head, each with its
/// line's end.
inline heard_response ask_with(std::uint16_t port, const std::string& method,
                               const std::string& target, const std::string& fields,
                               const std::string& body = {}) {
  client connection(port);
  return connection.ask(method + ' ' + target + " HTTP/1.1\r\nHost: here\r\n" + fields +
                        "Connection: close\r\nContent-Length: " + std::to_string(body.size()) +
                        "\r\n\r\n" + body);
}

/// The same for who looks at status and body alone. Status 0: it is not there (any more).
inline heard ask_at(std::uint16_t port, const std::string& method, const std::string& target,
                    const std::string& body = {}, const std::string& token = {}) {
  const heard_response answer = ask_with(port, method, target, bearer(token), body);
  return {answer.whole ? answer.status : 0, answer.body};
}

class server_fixture {
 public:
  /// `adjust` changes the configuration.
  explicit server_fixture(std::function<void(server_config&)> adjust = {})
      : adjust_(std::move(adjust)) {
    open();
  }

  server_config config() const {
    server_config made;
    made.data = folder_.path / "data";
    made.http.port = 0;
    made.http.threads = 1;
    made.engine.threads = 1;
    made.auth.light_passwords = true;
    made.auth.logins_per_second = 1000;
    made.admin_password = "the first password";
    made.log_level = "off";
    if (adjust_) {
      adjust_(made);
    }
    return made;
  }
  void open() { server_ = std::make_unique<server>(config()); }
  void close() { server_.reset(); }
  std::uint16_t port() const { return server_->port(); }
  server& running() { return *server_; }

  heard ask(const std::string& method, const std::string& target, const std::string& body = {},
            const std::string& token = {}) const {
    return ask_at(port(), method, target, body, token);
  }
  std::string log_in(const std::string& user, const std::string& password) const {
    const heard answer =
        ask("POST", "/v1/sessions",
            json::serialize(json::object{{"user_id", user}, {"password", password}}));
    return answer.status == 201 ? answer.text("access_token") : std::string();
  }
  std::string admin() const { return log_in("admin", "the first password"); }
  /// A user in a project of that name, both made where they are missing; the token.
  std::string member(const std::string& user, const std::string& project,
                     const std::string& role = "member") const {
    const std::string token = admin();
    ask("POST", "/v1/projects", R"({"id":")" + project + R"(","name":"a project"})", token);
    ask("POST", "/v1/users",
        R"({"id":")" + user + R"(","name":"a user","password":"some password"})", token);
    ask("PUT", "/v1/projects/" + project + "/members/" + user, R"({"role":")" + role + "\"}",
        token);
    return log_in(user, "some password");
  }

 private:
  scratch_folder folder_;
  std::function<void(server_config&)> adjust_;
  std::unique_ptr<server> server_;
};

} // namespace server_test
