// SPDX-License-Identifier: Apache-2.0
// The service as a program: users, projects, clusters, datasets and tasks behind one address.
// On a fresh machine `server` alone will do: everything is kept in ./hanami-data, and the password
// of the administrator is printed once.

#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include <csignal>
#include <pthread.h>

#include <hanami/service/server.hpp>

namespace {

constexpr const char* usage = R"(server [--config FILE] [--<name> VALUE]... [--list]

Serves clusters to many users over REST and WebSocket.
  --config FILE   a TOML file
  --<name> VALUE  sets one setting: --http.port 8080 --data /var/lib/hanami
  --list          prints all settings with their values, and ends
  --help          this text

Settings come from the file, then from the environment (HANAMI_HTTP_PORT for http.port), then from
the command line. SIGINT and SIGTERM end the server, SIGHUP reads the TLS certificate anew.
)";

using namespace hanami::service;

/// Returns false where the program is to end at once.
bool read_arguments(server_config& config, const std::vector<std::string>& arguments) {
  const auto value_of = [&](std::size_t i) -> const std::string& {
    if (i + 1 == arguments.size()) {
      throw std::invalid_argument(arguments[i] + " needs a value; --help lists all");
    }
    return arguments[i + 1];
  };
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--help" || arguments[i] == "-h") {
      std::cout << usage;
      return false;
    }
    if (arguments[i] == "--config") {
      read_config_file(config, value_of(i));
      ++i;
    }
  }
  read_config_environment(config);
  bool list = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--list") {
      list = true;
    } else if (arguments[i].starts_with("--")) {
      if (arguments[i] != "--config") {
        set_config(config, arguments[i].substr(2), value_of(i));
      }
      ++i;
    } else {
      throw std::invalid_argument("unknown argument " + arguments[i] + "; --help lists all");
    }
  }
  if (list) {
    for (const auto& [name, value] : list_config(config)) {
      std::cout << name << " = " << value << '\n';
    }
  }
  return !list;
}

int serve(const server_config& config) {
  // Signals are waited for here and nowhere else; threads made from now on inherit that.
  sigset_t awaited;
  sigemptyset(&awaited);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    sigaddset(&awaited, number);
  }
  pthread_sigmask(SIG_BLOCK, &awaited, nullptr);

  server running(config);
  if (const auto password = running.take_admin_password()) {
    std::cout << "administrator: " << config.admin_id << ", password: " << *password
              << "  (told only this once)\n";
  }
  std::cout << running.greeting() << std::flush;

  for (int number = 0; sigwait(&awaited, &number) == 0 && number == SIGHUP;) {
    try {
      running.reload_certificate();
    } catch (const std::exception& why) {
      std::cerr << "server: the certificate stays as it was: " << why.what() << '\n';
    }
  }
  std::cout << "ending\n";
  return EXIT_SUCCESS;
}

} // namespace

int main(int argc, char** argv) {
  try {
    server_config config;
    if (!read_arguments(config, {argv + 1, argv + argc})) {
      return EXIT_SUCCESS;
    }
    return serve(config);
  } catch (const std::invalid_argument& why) {
    std::cerr << "server: " << why.what() << '\n';
    return 2;
  } catch (const std::exception& why) {
    std::cerr << "server: " << why.what() << '\n';
    return EXIT_FAILURE;
  }
}
