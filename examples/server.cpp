// SPDX-License-Identifier: Apache-2.0
// The service as a program: users, projects, clusters, datasets and tasks behind one address.
// On a fresh machine `server` alone will do: everything is kept in ./hanami-data, and the password
// of the administrator is printed once.

#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

#include <hanami/service/operate/backup.hpp>
#include <hanami/service/operate/check.hpp>
#include <hanami/service/operate/serve.hpp>
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

int report(const backup_report& done, const std::string& to) {
  std::cout << done.files << " files, " << done.bytes << " bytes are in " << to << '\n';
  for (const std::string& name : done.left_out) {
    std::cout << "left out: " << name << '\n';
  }
  if (!done.key.empty()) {
    std::cout << "files are encrypted, and their key is not among them: keep " << done.key.string()
              << " elsewhere\n";
  }
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
  std::string backup;
  app.add_option("--backup", backup,
                 "copies the data to a new or empty folder, and ends; a server may run on it")
      ->type_name("DIR");
  std::string from;
  app.add_option("--restore", from,
                 "brings a backup to the data folder, which must be new or empty")
      ->type_name("DIR");
  bool look = false;
  app.add_flag("--check", look,
               "says whether settings and data are in order, a line each, and ends: with 1 if not");
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
    if (look) {
      return check(config, std::cout) ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    if (!backup.empty()) {
      return report(back_up(config, backup), backup);
    }
    if (!from.empty()) {
      return report(restore(config, from), config.data.string());
    }
    serve(config, std::cout);
    return EXIT_SUCCESS;
  } catch (const CLI::ParseError& why) {
    return app.exit(why) == 0 ? EXIT_SUCCESS : 2;
  } catch (const std::exception& why) {
    std::cerr << "server: " << why.what() << '\n';
    return EXIT_FAILURE;
  }
}
