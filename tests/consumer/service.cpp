// SPDX-License-Identifier: Apache-2.0
#if CONSUMER_COMPILES_SERVICE
#include <hanami/service/src.hpp>
#else
#include <hanami/service/server.hpp>
#endif

#include <exception>
#include <filesystem>
#include <iostream>
#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

/// What a server of this machine answers; empty: nothing.
std::string ask(std::uint16_t port, const std::string& path) {
  const int peer = ::socket(AF_INET, SOCK_STREAM, 0);
  ::sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string heard;
  if (::connect(peer, reinterpret_cast<const ::sockaddr*>(&to), sizeof to) == 0) {
    const std::string request =
        "GET " + path + " HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";
    ::send(peer, request.data(), request.size(), MSG_NOSIGNAL);
    char piece[4096];
    for (::ssize_t size = 0; (size = ::recv(peer, piece, sizeof piece, 0)) > 0;) {
      heard.append(piece, static_cast<std::size_t>(size));
    }
  }
  ::close(peer);
  return heard;
}

} // namespace

/// Starts a server in a folder of its own, asks it how it is, and ends it.
int main() {
  const std::filesystem::path folder = "consumer-data";
  try {
    std::filesystem::remove_all(folder);
    hanami::service::server_config config;
    config.data = folder;
    config.http.port = 0;
    config.auth.light_passwords = true;
    std::string answer;
    {
      const hanami::service::server running(config);
      answer = ask(running.port(), "/readyz");
    }
    std::filesystem::remove_all(folder);
    std::cout << answer << '\n';
    return answer.starts_with("HTTP/1.1 200 ") ? 0 : 1;
  } catch (const std::exception& why) {
    std::cerr << why.what() << '\n';
    return 1;
  }
}
