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

/// The table of all settings: files, the environment, flags and listings go by it.

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

inline constexpr std::uint64_t most_setting = std::numeric_limits<std::int64_t>::max();
inline constexpr std::uint64_t ten_years_s = std::uint64_t{3650} * 24 * 3600;

inline void add_main_settings(setting_table& to) {
  using c = server_config;
  to.text("data", "the folder where everything is kept", &c::data);
  to.boolean("encrypt_files", "datasets and checkpoints are encrypted at rest", &c::encrypt_files);
  to.path("file_key", "a file with the key for that, best outside of data; empty: beside it",
          &c::file_key);
  to.integer("upload_timeout", "seconds until an unfinished upload is removed", 1, ten_years_s,
             &c::upload_timeout);
  to.choice("log_level", "trace, debug, info, warning, error or off",
            {"trace", "debug", "info", "warning", "error", "off"}, &c::log_level);
  to.path("log_file", "empty: the standard error stream", &c::log_file);
  to.boolean("log_json", "a JSON object a line", &c::log_json);
  to.text("admin_id", "made when there is no administrator", &c::admin_id);
  to.text("admin_name", "the administrator's name", &c::admin_name);
  to.password("admin_password", "empty: generated, and printed once", &c::admin_password);
}

inline void add_http_settings(setting_table& to) {
  constexpr auto g = &server_config::http;
  using s = http_settings;
  constexpr std::uint64_t day_ms = std::uint64_t{24} * 3600 * 1000;
  to.text("http.address", "to listen at; 0.0.0.0 or :: for all of the machine", g, &s::address);
  to.integer("http.port", "0: any free one", 0, 65535, g, &s::port);
  to.integer("http.threads", "that talk to sockets; 0: half of the machine's", 0, 1024, g,
             &s::threads);
  to.integer("http.workers", "threads for what waits for the disk or takes long; 0: four at least",
             0, 1024, g, &s::workers);
  to.integer("http.body_bytes", "most of a JSON body", 1024, std::uint64_t{1} << 32, g,
             &s::body_bytes);
  to.integer("http.chunk_bytes", "most of one piece of an upload by REST", 1024,
             std::uint64_t{1} << 32, g, &s::chunk_bytes);
  to.integer("http.message_bytes", "most of a WebSocket message", 1024, std::uint64_t{1} << 32, g,
             &s::message_bytes);
  to.integer("http.connections", "open at once; more are refused with 503", 1, 1'000'000, g,
             &s::connections);
  to.integer("http.connections_per_address",
             "of them, from other machines: an IPv6 network of 64 bits counts as one address", 1,
             1'000'000, g, &s::connections_per_address);
  to.integer("http.header_timeout_ms", "for a request's head to be complete", 1, day_ms, g,
             &s::header_timeout);
  to.integer("http.body_timeout_ms", "for each piece of a body to arrive", 1, day_ms, g,
             &s::body_timeout);
  to.integer("http.body_rate", "bytes a second, at which a body as a whole has to arrive", 1,
             1'000'000'000, g, &s::body_rate);
  to.integer("http.idle_timeout_ms", "between the requests of a connection", 1, day_ms, g,
             &s::idle_timeout);
  to.origins("http.allowed_origins",
             "web pages that may call the API from a browser, as https://lab.example; *: all", g,
             &s::allowed_origins);
  to.networks("http.trusted_proxies",
              "whose X-Forwarded-For and X-Forwarded-Proto are believed, as 10.0.0.0/8", g,
              &s::trusted_proxies);

  constexpr auto tls = &server_config::tls;
  to.path("tls.certificate", "PEM, the chain; empty: plain HTTP", tls, &tls_settings::certificate);
  to.path("tls.key", "PEM", tls, &tls_settings::key);
  to.integer("tls.redirect_port", "plain HTTP that only redirects; 0: none", 0, 65535, tls,
             &tls_settings::redirect_port);
  to.integer("tls.remember", "seconds, for which browsers come by https only; 0: not told", 0,
             ten_years_s, tls, &tls_settings::remember);
}

inline void add_auth_settings(setting_table& to) {
  constexpr auto g = &server_config::auth;
  using s = auth_settings;
  to.integer("auth.token_lifetime", "seconds", 1, ten_years_s, g, &s::token_lifetime);
  to.integer("auth.refresh_lifetime", "seconds", 1, ten_years_s, g, &s::refresh_lifetime);
  to.integer("auth.refresh_grace",
             "seconds, for which a refresh whose answer got lost may be repeated once; 0: never", 0,
             3600, g, &s::refresh_grace);
  to.choice("auth.second_factor", "who has to set one up before doing anything else",
            {"optional", "admins", "everybody"}, g, &s::second_factor);
  to.path("auth.token_key", "a file of at least 32 bytes; empty: generated in data", g,
          &s::token_key);
  to.path("auth.policies", "a file; empty: the built-in roles admin, member and viewer", g,
          &s::policies);
  to.integer("auth.failed_logins", "in a row, before a user is locked out for a while", 1,
             1'000'000, g, &s::failed_logins);
  to.integer("auth.lockout", "seconds", 1, ten_years_s, g, &s::lockout);
  to.number("auth.logins_per_second", "of one address, on average", 0.001, 1e9, g,
            &s::logins_per_second);
  to.boolean("auth.light_passwords", "hashes with the least memory and time; for tests", g,
             &s::light_passwords);
  to.secret("auth.metrics_token",
            "who asks for /metrics needs it; empty: only this machine itself, by no proxy", g,
            &s::metrics_token);
}

inline void add_engine_settings(setting_table& to) {
  constexpr auto g = &server_config::engine;
  using s = engine_settings;
  to.integer("engine.threads", "that train and answer; 0: all of the machine", 0, 4096, g,
             &s::threads);
  to.integer("engine.memory_budget", "bytes of all clusters", 1 << 20, most_setting, g,
             &s::memory_budget);
  to.integer("engine.cluster_memory", "most bytes of one cluster", 1 << 16, most_setting, g,
             &s::cluster_memory);
  to.integer("engine.idle_time",
             "seconds without use, after which a cluster leaves memory until its next use; 0: only "
             "where memory is short",
             0, ten_years_s, g, &s::idle_time);
  to.integer("engine.label_time", "seconds that what was asked with an id waits for its label", 1,
             ten_years_s, g, &s::label_time);
  to.integer("engine.snapshot_interval",
             "seconds, at most, between writing a cluster that learns in full", 1, ten_years_s, g,
             &s::snapshot_interval);
  to.integer("engine.journal_bytes", "of one cluster, before it is written in full", 1 << 16,
             most_setting, g, &s::journal_bytes);
  to.boolean("engine.sync_journal",
             "each sample is on disk before it is acknowledged: survives a loss of power", g,
             &s::sync_journal);

  constexpr auto t = &server_config::stream;
  to.integer("stream.memory_budget", "bytes of all streams in memory", 1 << 20, most_setting, t,
             &stream_settings::memory_budget);
  to.integer("stream.stream_memory", "most bytes of one stream, about", 1 << 20, most_setting, t,
             &stream_settings::stream_memory);
  to.integer("stream.idle_timeout", "seconds after which a stream that is not used leaves memory",
             1, ten_years_s, t, &stream_settings::idle_timeout);

  constexpr auto w = &server_config::webhook;
  using hooks = webhook_settings;
  to.networks("webhook.private_networks",
              "that webhooks may reach beside the open internet, as 10.0.0.0/8", w,
              &hooks::private_networks);
  to.path("webhook.authorities",
          "PEM, whose certificates are trusted beside those that the system trusts", w,
          &hooks::authorities);
  to.integer("webhook.timeout_ms", "from connecting to the answer", 1, 600'000, w, &hooks::timeout);
  to.integer("webhook.retry_ms",
             "until a message is sent a second time; then six times as long each time", 1,
             std::uint64_t{24} * 3600 * 1000, w, &hooks::retry);
  to.integer("webhook.tries", "of one message", 1, 100, w, &hooks::tries);
  to.integer("webhook.disable_after", "seconds, in which a webhook only fails", 0, ten_years_s, w,
             &hooks::disable_after);

  constexpr auto m = &server_config::mqtt;
  using broker = mqtt_settings;
  to.path("mqtt.broker", "host of a broker whose messages become rows of streams; empty: none", m,
          &broker::broker);
  to.integer("mqtt.port", "0: 1883, or 8883 with TLS", 0, 65535, m, &broker::port);
  to.boolean("mqtt.tls", "the broker is spoken to by TLS, and its certificate checked", m,
             &broker::tls);
  to.path("mqtt.authorities", "PEM to check it with; empty: whom the system trusts", m,
          &broker::authorities);
  to.path("mqtt.user", "empty: none", m, &broker::user);
  to.hidden("mqtt.password", "the user's", m, &broker::password);
  to.text("mqtt.client_id", "by which the broker keeps what comes while the server is away", m,
          &broker::client_id);
  to.words(
      "mqtt.topics", "which messages go to which stream",
      "PATTERN=STREAM_ID or PATTERN=STREAM_ID=line_protocol, with commas between, or nothing",
      [](const std::string& each) { return each.find('=') != std::string::npos; }, m,
      &broker::topics);

  constexpr auto q = &server_config::quota;
  to.integer("quota.clusters", "most that one user may own, as are those below; 0: none", 0,
             most_setting, q, &quota::clusters);
  to.integer("quota.streams", "0: none", 0, most_setting, q, &quota::streams);
  to.integer("quota.datasets", "0: none", 0, most_setting, q, &quota::datasets);
  to.integer("quota.checkpoints", "0: none", 0, most_setting, q, &quota::checkpoints);
  to.integer("quota.open_tasks", "0: none", 0, most_setting, q, &quota::open_tasks);
  to.integer("quota.bytes", "of clusters, datasets, uploads and checkpoints on disk", 0,
             most_setting, q, &quota::bytes);
  to.integer("quota.memory", "bytes of clusters and streams that are in memory", 0, most_setting, q,
             &quota::memory);
}

inline const std::vector<setting>& all_settings() {
  static const std::vector<setting> rows = [] {
    setting_table table;
    add_main_settings(table);
    add_http_settings(table);
    add_auth_settings(table);
    add_engine_settings(table);
    return table.rows;
  }();
  return rows;
}

} // namespace hanami::service::detail
