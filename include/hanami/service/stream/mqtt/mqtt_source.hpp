// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "../../base/runtime.hpp"
#include "../../base/settings.hpp"
#include "../../store/resources.hpp"
#include "../streams.hpp"

namespace hanami::service::streams {

struct mqtt_statistics {
  bool connected = false;
  std::uint64_t messages = 0; ///< that came
  std::uint64_t lost = 0;     ///< of them, of which no row could be kept
};

/// Rows that come from a broker of MQTT (3.1.1), as the settings map topics to streams: a message
/// is a batch, counted for the owner of the stream. The session is kept by the broker, with QoS 1,
/// so that what is published while this service is away comes when it is back. libmosquitto
/// confirms a message before it hands it on: one that is under way while the process is killed is
/// lost. Where a stream can take no more for the moment, nothing is read from the broker until it
/// can. A lost connection is made again, after 1 to 60 seconds. Safe from any thread.
class mqtt_source {
 public:
  /// Does nothing where no broker is set. Throws `errc::invalid_argument` for settings that cannot
  /// be, and where the program was built without libmosquitto.
  mqtt_source(const mqtt_settings& settings, runtime& common, store::resources& resources,
              streams& to);
  ~mqtt_source();
  mqtt_source(const mqtt_source&) = delete;
  mqtt_source& operator=(const mqtt_source&) = delete;

  mqtt_statistics statistics() const;

 private:
  struct state;
  std::unique_ptr<state> state_; ///< nullptr: there is no broker
};

} // namespace hanami::service::streams
