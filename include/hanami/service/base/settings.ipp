// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "settings.hpp"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include <toml++/toml.h>

#include "../../io/file.hpp"
#include "compile.hpp"
#include "settings_table.hpp"

namespace hanami::service {

namespace detail {

inline const setting* find_setting(std::string_view name) {
  const std::vector<setting>& all = all_settings();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const setting& s) { return s.name == name; });
  return found == all.end() ? nullptr : &*found;
}

inline std::string_view group_of(std::string_view name) {
  const std::size_t dot = name.find('.');
  return name.substr(0, dot == std::string_view::npos ? 0 : dot);
}

inline bool is_group(std::string_view name) {
  const std::vector<setting>& all = all_settings();
  return std::any_of(all.begin(), all.end(),
                     [&](const setting& s) { return !name.empty() && group_of(s.name) == name; });
}

/// Those of the name's group, or all that there are.
inline std::string known_names(std::string_view name) {
  std::string of_group;
  std::string all;
  for (const setting& s : all_settings()) {
    std::string& list = group_of(s.name) == group_of(name) ? of_group : all;
    list += (list.empty() ? "" : ", ") + s.name;
  }
  return of_group.empty() ? all : of_group;
}

/// `where`: what the message begins with. Values are not in the message: some are secret.
[[noreturn]] inline void refuse_setting(const std::string& where, std::string_view name) {
  const setting* known = find_setting(name);
  throw error(errc::invalid_argument,
              where + (known == nullptr
                           ? "there is no setting '" + std::string(name.substr(0, 80)) +
                                 "'; there are " + known_names(name)
                           : known->name + " takes " + known->accepts));
}

inline void set_from_text(server_config& config, std::string_view name, std::string_view value,
                          const std::string& where) {
  const setting* known = find_setting(name);
  if (known == nullptr || !known->set(config, value)) {
    refuse_setting(where, name);
  }
}

/// The value as a text, if it has the type of the setting.
inline std::optional<std::string> toml_text(const toml::node& node, setting_type type) {
  if (type == setting_type::text && node.is_string()) {
    return **node.as_string();
  }
  if (type == setting_type::boolean && node.is_boolean()) {
    return **node.as_boolean() ? "true" : "false";
  }
  if (node.is_integer() && (type == setting_type::integer || type == setting_type::number)) {
    return std::to_string(**node.as_integer());
  }
  if (type == setting_type::number && node.is_floating_point()) {
    return show_number(**node.as_floating_point());
  }
  return std::nullopt;
}

inline std::string toml_place(std::string_view file, const toml::source_position& at) {
  return std::string(file) + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": ";
}

/// `group`: "" or "http.".
inline void read_toml_table(server_config& config, const toml::table& table,
                            const std::string& group, std::string_view file) {
  for (const auto& [key, node] : table) {
    const std::string name = group + std::string(key.str());
    const std::string where = toml_place(file, key.source().begin);
    if (group.empty() && node.is_table()) {
      if (!is_group(name)) {
        refuse_setting(where, name + ".*");
      }
      read_toml_table(config, *node.as_table(), name + ".", file);
      continue;
    }
    const setting* known = find_setting(name);
    const auto text = known == nullptr ? std::nullopt : toml_text(node, known->type);
    if (!text) {
      refuse_setting(where, name);
    }
    set_from_text(config, name, *text, where);
  }
}

/// HANAMI_HTTP_PORT for http.port.
inline std::string variable_of(std::string_view name) {
  std::string variable = "HANAMI_";
  for (const char c : name) {
    variable += c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return variable;
}

inline void read_variable(server_config& config, const std::string& variable,
                          std::string_view name) {
  if (const char* value = std::getenv(variable.c_str())) {
    set_from_text(config, name, value, variable + ": ");
  }
}

} // namespace detail

HANAMI_SERVICE_INLINE void read_config_text(server_config& config, std::string_view toml,
                                            std::string_view name) {
  server_config changed = config;
  try {
    const toml::table table = toml::parse(toml, name);
    detail::read_toml_table(changed, table, "", name);
  } catch (const toml::parse_error& why) {
    throw error(errc::invalid_argument,
                detail::toml_place(name, why.source().begin) + std::string(why.description()));
  }
  config = std::move(changed);
}

HANAMI_SERVICE_INLINE void read_config_file(server_config& config,
                                            const std::filesystem::path& file) {
  const std::vector<std::uint8_t> bytes = read_file(file, std::size_t{1} << 20);
  read_config_text(config, {reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                   file.string());
}

HANAMI_SERVICE_INLINE void read_config_environment(server_config& config) {
  server_config changed = config;
  detail::read_variable(changed, "HANAMI_ADMIN_USER_ID", "admin_id");
  detail::read_variable(changed, "HANAMI_ADMIN_USER_NAME", "admin_name");
  for (const detail::setting& s : detail::all_settings()) {
    detail::read_variable(changed, detail::variable_of(s.name), s.name);
  }
  config = std::move(changed);
}

HANAMI_SERVICE_INLINE void set_config(server_config& config, std::string_view name,
                                      std::string_view value) {
  detail::set_from_text(config, name, value, "");
}

HANAMI_SERVICE_INLINE setting_map list_config(const server_config& config) {
  setting_map list;
  for (const detail::setting& s : detail::all_settings()) {
    if (!s.secret) {
      list.emplace(s.name, s.show(config));
    }
  }
  return list;
}

HANAMI_SERVICE_INLINE std::vector<setting_note> known_settings() {
  std::vector<setting_note> all;
  for (const detail::setting& s : detail::all_settings()) {
    all.push_back({s.name, s.about});
  }
  return all;
}

HANAMI_SERVICE_INLINE std::filesystem::path file_key_of(const server_config& config) {
  if (!config.file_key.empty()) {
    return config.file_key;
  }
  std::filesystem::path data = std::filesystem::absolute(config.data).lexically_normal();
  if (!data.has_filename()) { // "data/"
    data = data.parent_path();
  }
  return data.string() + ".file_key";
}

} // namespace hanami::service
