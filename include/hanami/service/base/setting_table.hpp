// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "../../foundation/error.hpp"
#include "ip_network.hpp"
#include "settings.hpp"

/// How a setting is described, read and shown.

namespace hanami::service::detail {

/// What a setting is in TOML.
enum class setting_type : std::uint8_t { boolean, integer, number, text };

struct setting {
  std::string name;
  std::string about; ///< what it is for, or its unit
  setting_type type = setting_type::text;
  std::string accepts; ///< in words
  bool secret = false;
  std::function<std::string(const server_config&)> show;
  /// False for a text that is not accepted; changes nothing then.
  std::function<bool(server_config&, std::string_view)> set;
};

template <class Number>
std::optional<Number> parse_setting(std::string_view text) {
  Number value{};
  const char* const end = text.data() + text.size();
  const auto [behind, trouble] = std::from_chars(text.data(), end, value);
  return trouble == std::errc() && behind == end ? std::optional(value) : std::nullopt;
}

template <class Number>
std::string show_number(Number value) {
  std::array<char, 64> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

inline bool is_setting_text(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      return false;
    }
  }
  return text.size() <= 4096;
}

inline std::vector<std::string> setting_words(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(", "), text.size());
    if (end > 0) {
      words.emplace_back(text.substr(0, end));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

/// As browsers write it: scheme, host in lower case, and a port that is not the scheme's own.
inline bool is_origin(std::string_view text) {
  if (text == "*") {
    return true;
  }
  const bool secure = text.starts_with("https://");
  if (!secure && !text.starts_with("http://")) {
    return false;
  }
  const std::string_view place = text.substr(secure ? 8 : 7);
  return !place.empty() && place.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-_:[]") ==
                               std::string_view::npos;
}

/// Makes the settings of one group; `Path...` are the members that lead to a value.
class setting_table {
 public:
  std::vector<setting> rows;

  template <class... Path>
  void boolean(std::string name, std::string about, Path... path) {
    add(
        std::move(name), std::move(about), setting_type::boolean, "true or false",
        [=](const server_config& c) { return at(c, path...) ? "true" : "false"; },
        [=](server_config& c, std::string_view text) {
          const bool good = text == "true" || text == "false";
          if (good) {
            at(c, path...) = text == "true";
          }
          return good;
        });
  }

  /// Whole numbers, and times in their own unit.
  template <class... Path>
  void integer(std::string name, std::string about, std::uint64_t least, std::uint64_t most,
               Path... path) {
    using value_type = std::remove_cvref_t<decltype(at(std::declval<server_config&>(), path...))>;
    add(
        std::move(name), std::move(about), setting_type::integer,
        "a whole number from " + show_number(least) + " to " + show_number(most),
        [=](const server_config& c) {
          if constexpr (std::integral<value_type>) {
            return show_number(at(c, path...));
          } else {
            return show_number(at(c, path...).count());
          }
        },
        [=](server_config& c, std::string_view text) {
          const auto value = parse_setting<std::uint64_t>(text);
          const bool good = value && *value >= least && *value <= most;
          if (good) {
            if constexpr (std::integral<value_type>) {
              at(c, path...) = static_cast<value_type>(*value);
            } else {
              at(c, path...) = value_type(static_cast<typename value_type::rep>(*value));
            }
          }
          return good;
        });
  }

  template <class... Path>
  void number(std::string name, std::string about, double least, double most, Path... path) {
    add(
        std::move(name), std::move(about), setting_type::number,
        "a number from " + show_number(least) + " to " + show_number(most),
        [=](const server_config& c) { return show_number(at(c, path...)); },
        [=](server_config& c, std::string_view text) {
          const auto value = parse_setting<double>(text);
          const bool good = value && *value >= least && *value <= most;
          if (good) {
            at(c, path...) = *value;
          }
          return good;
        });
  }

  /// Texts and paths that may be empty.
  template <class... Path>
  void path(std::string name, std::string about, Path... path) {
    add(
        std::move(name), std::move(about), setting_type::text,
        "a path of at most 4096 bytes, or nothing",
        [=](const server_config& c) { return std::string(at(c, path...)); },
        [=](server_config& c, std::string_view text) {
          const bool good = is_setting_text(text);
          if (good) {
            at(c, path...) = text;
          }
          return good;
        });
  }

  template <class... Path>
  void text(std::string name, std::string about, Path... path) {
    add(
        std::move(name), std::move(about), setting_type::text,
        "a text of 1 to 4096 bytes without control characters",
        [=](const server_config& c) { return std::string(at(c, path...)); },
        [=](server_config& c, std::string_view text) {
          const bool good = !text.empty() && is_setting_text(text);
          if (good) {
            at(c, path...) = text;
          }
          return good;
        });
  }

  template <class... Path>
  void choice(std::string name, std::string about, const std::vector<std::string>& allowed,
              Path... path) {
    std::string words = "one of";
    for (const std::string& word : allowed) {
      words += " " + word;
    }
    add(
        std::move(name), std::move(about), setting_type::text, std::move(words),
        [=](const server_config& c) { return at(c, path...); },
        [=](server_config& c, std::string_view text) {
          const bool good = std::find(allowed.begin(), allowed.end(), text) != allowed.end();
          if (good) {
            at(c, path...) = text;
          }
          return good;
        });
  }

  /// Origins of web pages, with commas or blanks between.
  template <class... Path>
  void origins(std::string name, std::string about, Path... path) {
    words(std::move(name), std::move(about),
          "origins as https://lab.example or http://localhost:8080, with commas between, or *, or "
          "nothing",
          is_origin, path...);
  }

  /// Addresses and networks, with commas or blanks between.
  template <class... Path>
  void networks(std::string name, std::string about, Path... path) {
    words(
        std::move(name), std::move(about),
        "addresses and networks as 192.0.2.7 or 10.0.0.0/8, with commas between, or nothing",
        [](const std::string& each) { return ip_network::parse(each).has_value(); }, path...);
  }

  /// A text that is never shown; nothing for an empty one.
  template <class... Path>
  void secret(std::string name, std::string about, Path... path) {
    add(
        std::move(name), std::move(about), setting_type::text,
        "16 to 4096 bytes without blanks, or nothing",
        [](const server_config&) { return std::string(); },
        [=](server_config& c, std::string_view text) {
          const bool good = text.empty() || (text.size() >= 16 && is_setting_text(text) &&
                                             text.find(' ') == std::string_view::npos);
          if (good) {
            at(c, path...) = text;
          }
          return good;
        });
    rows.back().secret = true;
  }

  /// A text of somebody else's making that is never shown.
  template <class... Path>
  void hidden(std::string name, std::string about, Path... path) {
    this->path(std::move(name), std::move(about), path...);
    rows.back().accepts = "at most 4096 bytes, or nothing";
    rows.back().show = [](const server_config&) { return std::string(); };
    rows.back().secret = true;
  }

  /// A password: never shown; nothing for an empty text.
  void password(std::string name, std::string about,
                std::optional<std::string> server_config::*where) {
    add(
        std::move(name), std::move(about), setting_type::text, "8 to 4096 bytes, or nothing",
        [](const server_config&) { return std::string(); },
        [=](server_config& c, std::string_view text) {
          const bool good = text.empty() || (text.size() >= 8 && text.size() <= 4096);
          if (good) {
            c.*where = text.empty() ? std::nullopt : std::optional<std::string>(text);
          }
          return good;
        });
    rows.back().secret = true;
  }

  /// A list of words, each of which is good.
  template <class IsGood, class... Path>
  void words(std::string name, std::string about, std::string accepts, IsGood is_good,
             Path... path) {
    add(
        std::move(name), std::move(about), setting_type::text, std::move(accepts),
        [=](const server_config& c) {
          std::string shown;
          for (const std::string& word : at(c, path...)) {
            shown += (shown.empty() ? "" : ", ") + word;
          }
          return shown;
        },
        [=](server_config& c, std::string_view text) {
          const std::vector<std::string> given = setting_words(text);
          const bool good = text.size() <= 4096 && std::all_of(given.begin(), given.end(), is_good);
          if (good) {
            at(c, path...) = given;
          }
          return good;
        });
  }

 private:
  template <class From, class First>
  static auto& at(From& from, First first) {
    return from.*first;
  }
  template <class From, class First, class Second>
  static auto& at(From& from, First first, Second second) {
    return from.*first.*second;
  }

  template <class Show, class Set>
  void add(std::string name, std::string about, setting_type type, std::string accepts, Show show,
           Set set) {
    rows.push_back({std::move(name), std::move(about), type, std::move(accepts), false,
                    std::move(show), std::move(set)});
  }
};

} // namespace hanami::service::detail
