// SPDX-License-Identifier: Apache-2.0
// The service as a program: users, projects, clusters, datasets and tasks behind one address.
// On a fresh machine `server` alone will do: everything is kept in ./hanami-data, and the password
// of the administrator is printed once.

#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

#include <csignal>
#include <pthread.h>

#include <CLI/CLI.hpp>

#include <hanami/service/server.hpp>

namespace {

using namespace hanami::service;

/// An option for each setting, in the groups of the configuration file. What is given goes to
/// `given`, to be set after the file and the environment.
void add_settings(CLI::App& app, setting_map& given) {
  const setting_map defaults = list_config({});
  for (const setting_note& setting : known_settings()) {
    CLI::Option* const option = app.add_option("--" + setting.name, given[setting.name]);
    option->description(setting.about)->type_name("");
    const std::size_t dot = setting.name.find('.');
    if (dot != std::string::npos) {
      option->group(setting.name.substr(0, dot));
    }
    if (const auto value = defaults.find(setting.name);
        value != defaults.end() && !value->second.empty()) {
      option->default_str(value->second);
    }
  }
}

server_config configured(const CLI::App& app, const std::string& file, const setting_map& given) {
  server_config config;
  if (!file.empty()) {
    read_config_file(config, file);
  }
  read_config_environment(config);
  for (const auto& [name, value] : given) {
    if (app.count("--" + name) > 0) {
      set_config(config, name, value);
    }
  }
  return config;
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
              << "  (told only this once; it stands in " << running.admin_password_file().string()
              << ", too, until you delete that)\n";
  }
  std::cout << running.greeting() << std::flush;

  for (int number = 0; sigwait(&awaited, &number) == 0 && number == SIGHUP;) {
    running.reload_certificate(); // the log says what came of it
  }
  std::cout << "ending\n";
  return EXIT_SUCCESS;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app("Serves clusters to many users over REST and WebSocket.", "server");
  app.footer("\nSettings come from the file, then from the environment (HANAMI_HTTP_PORT for "
             "http.port), then\nfrom here. SIGINT and SIGTERM end the server, SIGHUP reads the TLS "
             "certificate anew.");
  app.get_formatter()->column_width(36);
  std::string file;
  app.add_option("--config", file, "settings, a TOML file")->type_name("FILE");
  bool list = false;
  app.add_flag("--list", list, "prints all settings with their values, and ends");
  bool reset = false;
  app.add_flag("--reset-admin", reset,
               "gives the administrator a new password (admin_password, or a generated one),\n"
               "and ends; no server may run on the data meanwhile");
  setting_map given;
  add_settings(app, given);
  try {
    app.parse(argc, argv);
    const server_config config = configured(app, file, given);
    if (list) {
      for (const auto& [name, value] : list_config(config)) {
        std::cout << name << " = " << value << '\n';
      }
      return EXIT_SUCCESS;
    }
    if (reset) {
      std::cout << "administrator: " << config.admin_id << ", password: " << reset_admin(config)
                << '\n';
      return EXIT_SUCCESS;
    }
    return serve(config);
  } catch (const CLI::ParseError& why) {
    return app.exit(why) == 0 ? EXIT_SUCCESS : 2;
  } catch (const std::exception& why) {
    std::cerr << "server: " << why.what() << '\n';
    return EXIT_FAILURE;
  }
}
