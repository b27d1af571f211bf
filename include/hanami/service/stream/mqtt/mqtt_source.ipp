// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mqtt_source.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "../../../foundation/error.hpp"
#include "../../base/clock.hpp"
#include "../../base/compile.hpp"
#include "../../base/refusal.hpp"
#include "mqtt_topics.hpp"

/// 1 where libmosquitto is linked; CMake says so.
#ifndef HANAMI_MQTT
#define HANAMI_MQTT 0
#endif

#if HANAMI_MQTT
#include <mosquitto.h>
#endif

namespace hanami::service::streams {

#if HANAMI_MQTT

namespace detail {

inline std::vector<topic_mapping> mappings_of(const mqtt_settings& settings) {
  std::vector<topic_mapping> all;
  for (const std::string& each : settings.topics) {
    auto mapping = topic_mapping::parse(each);
    if (!mapping) {
      raise(errc::invalid_argument, "mqtt.topics: '" + each +
                                        "' is not PATTERN=STREAM_ID or PATTERN=STREAM_ID=FORMAT, "
                                        "with json or line_protocol as FORMAT");
    }
    all.push_back(*std::move(mapping));
  }
  if (all.empty()) {
    raise(errc::invalid_argument, "mqtt.broker needs mqtt.topics");
  }
  return all;
}

/// What came and what was lost of it; batches under way hold it beyond the end of their source.
struct mqtt_tally {
  explicit mqtt_tally(logger& to) : log(to) {}

  /// Says so at most once in ten seconds.
  void lose(std::string_view topic, const std::string& why) noexcept {
    const std::uint64_t count = ++lost;
    const std::int64_t now = steady_ms();
    std::int64_t last = said_at;
    if (now - last >= 10'000 && said_at.compare_exchange_strong(last, now)) {
      log.warning("mqtt", "a message of " + std::string(topic.substr(0, 200)) +
                              " is no row: " + why + "; lost so far: " + std::to_string(count));
    }
  }

  logger& log;
  std::atomic<std::uint64_t> messages{0};
  std::atomic<std::uint64_t> lost{0};
  std::atomic<std::int64_t> said_at{-10'000};
};

/// Most of a message.
inline constexpr std::size_t most_message = std::size_t{16} << 20;

} // namespace detail

struct mqtt_source::state {
  state(const mqtt_settings& with, runtime& common, store::resources& all_resources,
        streams& all_streams)
      : settings(with), log(common.log), resources(all_resources), to(all_streams),
        mappings(detail::mappings_of(with)) {
    ::mosquitto_lib_init();
    client = ::mosquitto_new(settings.client_id.c_str(), false, this);
    if (client == nullptr) {
      ::mosquitto_lib_cleanup();
      raise(errc::invalid_argument, "mqtt.client_id: '" + settings.client_id + "' cannot be one");
    }
    try {
      configure();
      expect_good(::mosquitto_loop_start(client), "start");
    } catch (...) {
      end();
      throw;
    }
  }
  ~state() {
    stopping = true;
    ::mosquitto_disconnect(client);
    ::mosquitto_loop_stop(client, false);
    end();
  }

  void end() {
    ::mosquitto_destroy(client);
    ::mosquitto_lib_cleanup();
  }

  void configure() {
    ::mosquitto_connect_callback_set(client, [](::mosquitto*, void* self, int code) {
      static_cast<state*>(self)->hear_connected(code);
    });
    ::mosquitto_disconnect_callback_set(client, [](::mosquitto*, void* self, int code) {
      static_cast<state*>(self)->hear_disconnected(code);
    });
    ::mosquitto_message_callback_set(client,
                                     [](::mosquitto*, void* self, const ::mosquitto_message* came) {
                                       static_cast<state*>(self)->hear_message(*came);
                                     });
    expect_good(::mosquitto_reconnect_delay_set(client, 1, 60, true), "reconnect");
    if (!settings.user.empty()) {
      expect_good(::mosquitto_username_pw_set(
                      client, settings.user.c_str(),
                      settings.password.empty() ? nullptr : settings.password.c_str()),
                  "user");
    }
    if (settings.tls) {
      const std::string file = settings.authorities.string();
      expect_good(::mosquitto_tls_set(client, file.empty() ? nullptr : file.c_str(),
                                      file.empty() ? "/etc/ssl/certs" : nullptr, nullptr, nullptr,
                                      nullptr),
                  "authorities");
      expect_good(::mosquitto_tls_opts_set(client, 1, "tlsv1.2", nullptr), "tls");
    }
    const int port = settings.port > 0 ? settings.port : settings.tls ? 8883 : 1883;
    // A broker that is not there yet is tried again by the loop.
    const int code = ::mosquitto_connect_async(client, settings.broker.c_str(), port, 60);
    if (code != MOSQ_ERR_SUCCESS) {
      log.warning("mqtt", "no connection to " + settings.broker + ": " + text_of_code(code) +
                              "; tried again");
    }
  }

  static std::string text_of_code(int code) { return ::mosquitto_strerror(code); }
  static void expect_good(int code, const char* what) {
    if (code != MOSQ_ERR_SUCCESS) {
      raise(errc::invalid_argument, std::string("mqtt: ") + what + ": " + text_of_code(code));
    }
  }

  // --- On the library's thread. Nothing may be thrown through it.

  void hear_connected(int code) noexcept {
    if (code != 0) {
      log.warning("mqtt", settings.broker + " refuses: " + ::mosquitto_connack_string(code));
      return;
    }
    for (const topic_mapping& each : mappings) {
      const int trouble = ::mosquitto_subscribe(client, nullptr, each.pattern.c_str(), 1);
      if (trouble != MOSQ_ERR_SUCCESS) {
        log.warning("mqtt", "cannot subscribe to " + each.pattern + ": " + text_of_code(trouble));
      }
    }
    connected = true;
    log.info("mqtt", "connected to " + settings.broker);
  }

  void hear_disconnected(int code) noexcept {
    connected = false;
    if (code != 0) {
      log.warning("mqtt", "the connection to " + settings.broker + " is lost; tried again");
    }
  }

  void hear_message(const ::mosquitto_message& came) noexcept {
    ++tally->messages;
    const std::string_view topic = came.topic == nullptr ? "" : came.topic;
    const std::string_view payload(static_cast<const char*>(came.payload),
                                   static_cast<std::size_t>(came.payloadlen));
    for (const topic_mapping& each : mappings) {
      if (each.matches(topic)) {
        try {
          feed(each, topic, payload);
        } catch (...) {
          tally->lose(topic, text_of(std::current_exception()));
        }
      }
    }
  }

  /// Waits while the stream can take nothing, so that the broker keeps what comes.
  void feed(const topic_mapping& by, std::string_view topic, std::string_view payload) {
    const auto row = resources.find(store::resource_kind::stream, by.stream_id);
    if (!row) {
      throw not_found("stream", by.stream_id);
    }
    if (payload.size() > detail::most_message) {
      throw refusal(refusal_code::too_large, "a message has at most 16 MiB");
    }
    const std::string text = rows_of_message(topic, payload, by.syntax);
    constexpr std::chrono::milliseconds pause{50};
    constexpr std::int64_t most_ms = 30'000; // the connection would end after another 60 s
    const std::int64_t begun = steady_ms();
    for (;;) {
      try {
        to.feed(by.stream_id, row->owner_id, {by.syntax, now_ms(), text}, wanted_answers::none,
                [counts = tally, topic = std::string(topic)](const batch_result& result,
                                                             const std::exception_ptr& why) {
                  if (why) {
                    counts->lose(topic, text_of(why));
                  } else if (result.rows == 0) {
                    counts->lose(topic, why_not(result));
                  }
                });
        return;
      } catch (const refusal& why) {
        const bool passes = why.code() == refusal_code::busy ||
                            why.code() == refusal_code::no_memory ||
                            why.code() == refusal_code::no_space;
        if (!passes || stopping || steady_ms() - begun > most_ms) {
          throw;
        }
      }
      std::this_thread::sleep_for(pause);
    }
  }

  static std::string why_not(const batch_result& result) {
    return !result.refusal.empty() ? result.refusal
           : result.notes.empty()  ? std::string("there is no row in it")
                                   : result.notes.front().message();
  }

  const mqtt_settings& settings;
  logger& log;
  store::resources& resources;
  streams& to;
  const std::vector<topic_mapping> mappings;
  std::atomic<bool> connected{false};
  std::atomic<bool> stopping{false};
  const std::shared_ptr<detail::mqtt_tally> tally = std::make_shared<detail::mqtt_tally>(log);
  ::mosquitto* client = nullptr;
};

HANAMI_SERVICE_INLINE mqtt_source::mqtt_source(const mqtt_settings& settings, runtime& common,
                                               store::resources& resources, streams& to) {
  if (!settings.broker.empty()) {
    state_ = std::make_unique<state>(settings, common, resources, to);
  }
}

HANAMI_SERVICE_INLINE mqtt_statistics mqtt_source::statistics() const {
  return state_ ? mqtt_statistics{state_->connected, state_->tally->messages, state_->tally->lost}
                : mqtt_statistics{};
}

#else

struct mqtt_source::state {};

HANAMI_SERVICE_INLINE mqtt_source::mqtt_source(const mqtt_settings& settings, runtime&,
                                               store::resources&, streams&) {
  if (!settings.broker.empty()) {
    raise(errc::invalid_argument, "mqtt.broker: this program was built without libmosquitto "
                                  "(libmosquitto-dev)");
  }
}

HANAMI_SERVICE_INLINE mqtt_statistics mqtt_source::statistics() const { return {}; }

#endif

HANAMI_SERVICE_INLINE mqtt_source::~mqtt_source() = default;

} // namespace hanami::service::streams
