// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "../base/timer.hpp"

/// What the machine says of itself: topology, clock, temperature, power. What it does not show is
/// left out, never made up.

namespace hanami::service::monitor {

struct cpu_core {
  std::uint32_t id = 0;
  std::vector<std::uint32_t> threads;
  std::uint64_t minimum_khz = 0; ///< 0: not shown, as below
  std::uint64_t maximum_khz = 0;
  std::uint64_t current_minimum_khz = 0;
  std::uint64_t current_maximum_khz = 0;
  std::uint64_t current_khz = 0;
};

struct cpu_package {
  std::uint32_t id = 0;
  std::vector<cpu_core> cores;
};

struct host_info {
  std::string host_name;
  bool hyper_threading = false;
  std::vector<cpu_package> packages;
  std::uint64_t memory_bytes = 0;
  std::uint64_t memory_available_bytes = 0;
};

/// Read from `root` ("/sys" and "/proc" below it), so that tests can lay out a machine.
host_info read_host(const std::filesystem::path& root = "/");
/// Between which clocks all processors are kept from now on, in kHz; what is left out stays. The
/// machine may take the nearest that it knows. Throws `refusal`: `invalid_value` beyond what the
/// processors can do, and where the least would be above the most; `conflict` where the machine has
/// no such control or does not let this process use it, with why, and all is as it was then.
void set_clock_bounds(std::optional<std::uint64_t> least_khz, std::optional<std::uint64_t> most_khz,
                      const std::filesystem::path& root = "/");
/// The same with all that each processor can do.
void reset_clock_bounds(const std::filesystem::path& root = "/");
/// Names of this process's threads and the processors each may run on. Of several threads of one
/// name, the second is called "name#2", and so on.
std::map<std::string, std::vector<std::uint32_t>> thread_placement();

/// A series, oldest first; each ring is the mean of the one before it. Values that could not be
/// read are 0.
struct series {
  std::array<double, 60> seconds{};
  std::array<double, 60> minutes{};
  std::array<double, 24> hours{};
  std::array<double, 365> days{};
};

struct measurements {
  series speed_mhz;           ///< mean of the cores
  series temperature_celsius; ///< mean of the packages
  series power_watt;          ///< sum of the packages, from RAPL's energy counters
  bool has_speed = false;
  bool has_temperature = false;
  bool has_power = false;
};

/// Samples at once and then once a second, or once a `period`. Safe from any thread.
class sampler {
 public:
  explicit sampler(maintenance_timer& timer, std::filesystem::path root = "/",
                   std::chrono::milliseconds period = std::chrono::seconds(1));
  sampler(const sampler&) = delete;
  sampler& operator=(const sampler&) = delete;

  measurements read() const;

 private:
  struct energy_counter {
    std::filesystem::path folder;
    std::optional<std::uint64_t> last_uj; ///< as last read
  };

  void find_sensors();
  void sample();
  std::optional<double> read_power_watt();

  const std::filesystem::path root_;
  mutable std::mutex mutex_;
  measurements seen_;
  // Of one sample at a time:
  std::uint64_t count_ = 0; ///< samples so far
  std::vector<std::filesystem::path> clocks_;
  std::vector<std::filesystem::path> temperatures_;
  std::vector<energy_counter> energies_;
  std::chrono::steady_clock::time_point energy_read_;
  timed_work sampling_;
};

} // namespace hanami::service::monitor
