// SPDX-License-Identifier: Apache-2.0
#include <fstream>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <hanami/foundation/error.hpp>

#include <catch2/catch.hpp>

#include "service/support/certificate.hpp"
#include "service/support/http_socket_peer.hpp"
#include "support/scratch_folder.hpp"

using namespace hanami;

namespace {

/// A client through TLS that trusts whoever answers.
class tls_client : public client {
 public:
  explicit tls_client(std::uint16_t port, int most_version = TLS1_3_VERSION)
      : client(port), context_(SSL_CTX_new(TLS_client_method())), ssl_(SSL_new(context_)) {
    SSL_set_min_proto_version(ssl_, most_version < TLS1_2_VERSION ? TLS1_VERSION : 0);
    SSL_set_max_proto_version(ssl_, most_version);
    SSL_set_security_level(ssl_, 0);
    static constexpr unsigned char offered[] = "\x02h2\x08http/1.1";
    SSL_set_alpn_protos(ssl_, offered, sizeof offered - 1);
    SSL_set_fd(ssl_, fd());
    connected_ = SSL_connect(ssl_) == 1;
  }
  ~tls_client() override {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }

  bool connected() const noexcept { return connected_; }
  std::string version() const { return SSL_get_version(ssl_); }
  std::string protocol() const {
    const unsigned char* chosen = nullptr;
    unsigned length = 0;
    SSL_get0_alpn_selected(ssl_, &chosen, &length);
    return {chosen, chosen + length};
  }
  std::string peer_name() const {
    X509* const peer = SSL_get1_peer_certificate(ssl_);
    char name[64] = {};
    X509_NAME_get_text_by_NID(X509_get_subject_name(peer), NID_commonName, name, sizeof name);
    X509_free(peer);
    return name;
  }

 protected:
  ::ssize_t write_bytes(std::string_view text) override {
    return SSL_write(ssl_, text.data(), static_cast<int>(text.size()));
  }
  ::ssize_t read_bytes(char* to, std::size_t size) override {
    return SSL_read(ssl_, to, static_cast<int>(size));
  }

 private:
  SSL_CTX* context_;
  SSL* ssl_;
  bool connected_ = false;
};

std::string refusal(const service::tls_settings& files) {
  small_application app;
  try {
    lone_server server(app, any_port(), files);
  } catch (const error& why) {
    return why.what();
  }
  return {};
}

void write_text(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file) << text;
}

/// A port that was free a moment ago.
std::uint16_t some_free_port() {
  small_application app;
  return lone_server(app, any_port()).port();
}

} // namespace

TEST_CASE("requests and WebSockets go through TLS", "[service]") {
  const scratch_folder folder;
  small_application app;
  app.paths["/"] = [](const http::request& r, const std::shared_ptr<http::admitted_request>&,
                      const http::responder& give) {
    give(small_application::plain(r.secure ? "secure " + r.body : "not secure"));
  };
  app.sockets["/echo"] = [](std::shared_ptr<http::socket> peer) {
    return std::make_shared<echo_handler>(std::move(peer));
  };
  lone_server server(app, any_port(), make_certificate(folder.path, "garden"));
  {
    tls_client c(server.port());
    REQUIRE(c.connected());
    CHECK(c.version() == "TLSv1.3");
    CHECK(c.protocol() == "http/1.1");
    CHECK(c.peer_name() == "garden");
    CHECK(c.get("/").body == "secure ");
    const std::string body(50'000, 'x');
    CHECK(c.ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 50000\r\n\r\n" + body).body ==
          "secure " + body);
    CHECK(c.ask("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").status == 200);
    CHECK(c.is_closed());
  }
  {
    tls_client older(server.port(), TLS1_2_VERSION);
    CHECK(older.version() == "TLSv1.2");
    CHECK(older.get("/").status == 200);
  }
  CHECK_FALSE(tls_client(server.port(), TLS1_1_VERSION).connected());
  socket_client_over<tls_client> s(server.port());
  REQUIRE(s.open("/echo").status == 101);
  CHECK(s.ask_socket("hello") == "hello");
  const std::string large(200'000, 'y');
  CHECK(s.ask_socket(large) == large);
  s.send(s.frame(8, "\x03\xe8"));
  CHECK(s.hear().close_code() == 1000);
}

TEST_CASE("who does not speak TLS gets nowhere, and does not stay", "[service]") {
  const scratch_folder folder;
  small_application app;
  app.answer("/", "hello");
  service::http_settings settings = any_port();
  settings.header_timeout = std::chrono::milliseconds(100);
  lone_server server(app, settings, make_certificate(folder.path, "garden"));
  client plain(server.port());
  plain.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(plain.read().status == 0);
  client silent(server.port());
  CHECK(silent.is_closed());
  CHECK(comes_true([&] { return server.statistics().connections == 0; }));
  CHECK(server.statistics().requests == 0);
}

TEST_CASE("a certificate is read anew without a restart", "[service]") {
  const scratch_folder folder;
  small_application app;
  app.answer("/", "hello");
  lone_server server(app, any_port(), make_certificate(folder.path, "first"));
  tls_client before(server.port());
  CHECK(before.peer_name() == "first");
  const service::tls_settings files = make_certificate(folder.path, "second");
  CHECK(tls_client(server.port()).peer_name() == "first");
  server.reload_certificate();
  CHECK(tls_client(server.port()).peer_name() == "second");
  CHECK(before.get("/").body == "hello");
  write_text(files.key, "no key");
  CHECK_THROWS_AS(server.reload_certificate(), error);
  CHECK(tls_client(server.port()).peer_name() == "second");
}

TEST_CASE("certificates that cannot serve are refused with the file's name", "[service]") {
  const scratch_folder folder;
  const scratch_folder other;
  const service::tls_settings files = make_certificate(folder.path, "garden");
  const service::tls_settings others = make_certificate(other.path, "other");
  CHECK(refusal(files).empty());
  CHECK(refusal({files.certificate, folder.path / "none.pem", 0}).find("none.pem") !=
        std::string::npos);
  CHECK(refusal({files.certificate, others.key, 0}).find("key.pem") != std::string::npos);
  CHECK(refusal({files.key, files.key, 0}).find("not a certificate") != std::string::npos);
  CHECK(refusal({files.certificate, {}, 0}).find("key") != std::string::npos);
  write_text(files.certificate, "nonsense");
  CHECK(refusal(files).find("certificate.pem") != std::string::npos);
}

TEST_CASE("the plain port sends everybody to https", "[service]") {
  const scratch_folder folder;
  small_application app;
  app.answer("/a b", "never seen");
  service::tls_settings files = make_certificate(folder.path, "garden");
  std::optional<lone_server> server;
  for (int attempt = 0; attempt < 20 && !server; ++attempt) { // another may take it in between
    files.redirect_port = some_free_port();
    try {
      server.emplace(app, any_port(), files);
    } catch (const error&) {
    }
  }
  REQUIRE(server);
  const std::string port = std::to_string(server->port());
  client c(files.redirect_port);
  const auto location = [&](const std::string& target, const std::string& host) {
    const heard_response heard = c.ask("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    CHECK(heard.status == 308);
    return heard.headers.count("location") == 1 ? heard.headers.at("location") : std::string();
  };
  CHECK(location("/a%20b?c=d", "garden.test:80") == "https://garden.test:" + port + "/a%20b?c=d");
  CHECK(location("/", "[::1]:8080") == "https://[::1]:" + port + "/");
  CHECK(location("http://x/y", "garden.test") == "https://garden.test:" + port + "/y");
  CHECK(c.ask("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n").status == 400);
}
