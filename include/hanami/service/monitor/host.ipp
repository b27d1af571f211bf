// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "host.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <numeric>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "../base/compile.hpp"
#include "../base/refusal.hpp"

namespace hanami::service::monitor {

namespace detail {

namespace fs = std::filesystem;

/// The first line of a small file of the system's, at most 255 bytes of it.
inline std::optional<std::string> read_line(const fs::path& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return std::nullopt;
  }
  char text[255];
  const ::ssize_t size = ::read(fd, text, sizeof text);
  ::close(fd);
  if (size <= 0) {
    return std::nullopt;
  }
  const std::string_view all(text, static_cast<std::size_t>(size));
  return std::string(all.substr(0, all.find('\n')));
}

inline std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, trouble] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (trouble != std::errc() || end == text.data()) {
    return std::nullopt;
  }
  return value;
}

inline std::optional<std::int64_t> read_integer(const fs::path& file) {
  const std::optional<std::string> line = read_line(file);
  return line ? parse_integer(*line) : std::nullopt;
}

inline std::uint64_t read_amount(const fs::path& file) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, read_integer(file).value_or(0)));
}

/// What follows `prefix` in the names of a folder's entries, where it is a number; ascending.
inline std::vector<std::uint32_t> numbered_entries(const fs::path& folder,
                                                   std::string_view prefix) {
  std::vector<std::uint32_t> numbers;
  std::error_code trouble;
  for (fs::directory_iterator it(folder, trouble), end; !trouble && it != end;
       it.increment(trouble)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with(prefix)) {
      continue;
    }
    std::uint32_t number = 0;
    const char* const last = name.data() + name.size();
    const auto parsed = std::from_chars(name.data() + prefix.size(), last, number);
    if (parsed.ec == std::errc() && parsed.ptr == last) {
      numbers.push_back(number);
    }
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

inline fs::path cpu_folder(const fs::path& root) { return root / "sys/devices/system/cpu"; }

inline cpu_core read_core(const fs::path& root, std::uint32_t id, std::uint32_t first_thread) {
  const fs::path speed = cpu_folder(root) / ("cpu" + std::to_string(first_thread)) / "cpufreq";
  cpu_core core;
  core.id = id;
  core.minimum_khz = read_amount(speed / "cpuinfo_min_freq");
  core.maximum_khz = read_amount(speed / "cpuinfo_max_freq");
  core.current_minimum_khz = read_amount(speed / "scaling_min_freq");
  core.current_maximum_khz = read_amount(speed / "scaling_max_freq");
  core.current_khz = read_amount(speed / "scaling_cur_freq");
  return core;
}

/// Packages, cores and threads, each ascending. A thread that is off line shows no topology.
inline std::vector<cpu_package> read_packages(const fs::path& root) {
  std::map<std::uint32_t, std::map<std::uint32_t, cpu_core>> found;
  for (const std::uint32_t thread : numbered_entries(cpu_folder(root), "cpu")) {
    const fs::path topology = cpu_folder(root) / ("cpu" + std::to_string(thread)) / "topology";
    const auto core = read_integer(topology / "core_id");
    const auto package = read_integer(topology / "physical_package_id");
    if (!core || !package || *core < 0) {
      continue;
    }
    const auto core_id = static_cast<std::uint32_t>(*core);
    // Some machines, virtual ones above all, know no package: -1.
    auto& cores = found[static_cast<std::uint32_t>(std::max<std::int64_t>(*package, 0))];
    auto place = cores.find(core_id);
    if (place == cores.end()) {
      place = cores.emplace(core_id, read_core(root, core_id, thread)).first;
    }
    place->second.threads.push_back(thread);
  }
  std::vector<cpu_package> packages;
  for (auto& [id, cores] : found) {
    packages.push_back({id, {}});
    for (auto& [core_id, core] : cores) {
      packages.back().cores.push_back(std::move(core));
    }
  }
  return packages;
}

/// The control of one processor's clock.
struct clock_control {
  fs::path folder;
  std::uint64_t can_least = 0;
  std::uint64_t can_most = 0;
  std::uint64_t least = 0; ///< at present
  std::uint64_t most = 0;

  void write(const char* name, std::uint64_t khz) const {
    const fs::path file = folder / name;
    const std::string text = std::to_string(khz);
    const int fd = ::open(file.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
    const bool written =
        fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<::ssize_t>(text.size());
    const int why = errno;
    if (fd >= 0) {
      ::close(fd);
    }
    if (!written) {
      throw conflict("the machine does not let this server set clocks: " + file.string() + ": " +
                     std::generic_category().message(why));
    }
  }
  /// In the order in which the least is never above the most.
  void set(std::uint64_t new_least, std::uint64_t new_most) const {
    if (new_least > most) {
      write("scaling_max_freq", new_most);
      write("scaling_min_freq", new_least);
    } else {
      write("scaling_min_freq", new_least);
      write("scaling_max_freq", new_most);
    }
  }
};

/// Throws `conflict` where there is none.
inline std::vector<clock_control> find_clock_controls(const fs::path& root) {
  std::vector<clock_control> found;
  for (const std::uint32_t thread : numbered_entries(cpu_folder(root), "cpu")) {
    clock_control one;
    one.folder = cpu_folder(root) / ("cpu" + std::to_string(thread)) / "cpufreq";
    one.can_least = read_amount(one.folder / "cpuinfo_min_freq");
    one.can_most = read_amount(one.folder / "cpuinfo_max_freq");
    one.least = read_amount(one.folder / "scaling_min_freq");
    one.most = read_amount(one.folder / "scaling_max_freq");
    if (one.can_most > 0 && one.most > 0) {
      found.push_back(std::move(one));
    }
  }
  if (found.empty()) {
    throw conflict("the machine shows no control of its clocks (cpufreq); virtual ones seldom do");
  }
  return found;
}

/// `wanted(control)`: the new least and most. All of them, or none.
template <class Wanted>
void set_clocks(const std::vector<clock_control>& all, Wanted wanted) {
  std::size_t done = 0;
  try {
    for (const clock_control& each : all) {
      const auto [least, most] = wanted(each);
      each.set(least, most);
      ++done;
    }
  } catch (const refusal&) {
    for (std::size_t i = 0; i <= done && i < all.size(); ++i) {
      clock_control changed = all[i];
      changed.most = read_amount(changed.folder / "scaling_max_freq");
      try {
        changed.set(all[i].least, all[i].most);
      } catch (const refusal&) { // it has refused before
      }
    }
    throw;
  }
}

/// "MemTotal:  16314868 kB" as bytes; 0: not there.
inline std::uint64_t memory_field(const fs::path& root, std::string_view name) {
  std::ifstream in(root / "proc/meminfo");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name) && line.size() > name.size() && line[name.size()] == ':') {
      const std::size_t number = line.find_first_of("0123456789", name.size());
      const auto kib = number == std::string::npos
                           ? std::nullopt
                           : parse_integer(std::string_view(line).substr(number));
      return static_cast<std::uint64_t>(kib.value_or(0)) * 1024;
    }
  }
  return 0;
}

/// Files that show a processor's clock, in kHz.
inline std::vector<fs::path> find_clocks(const fs::path& root) {
  std::vector<fs::path> found;
  for (const std::uint32_t thread : numbered_entries(cpu_folder(root), "cpu")) {
    fs::path file =
        cpu_folder(root) / ("cpu" + std::to_string(thread)) / "cpufreq/scaling_cur_freq";
    if (read_integer(file)) {
      found.push_back(std::move(file));
    }
  }
  return found;
}

/// Files that show the temperatures of processor packages, in thousandths of a degree; those of all
/// zones, where none says that it is a package.
inline std::vector<fs::path> find_temperatures(const fs::path& root) {
  const fs::path folder = root / "sys/class/thermal";
  std::vector<fs::path> packages;
  std::vector<fs::path> all;
  for (const std::uint32_t zone : numbered_entries(folder, "thermal_zone")) {
    const fs::path place = folder / ("thermal_zone" + std::to_string(zone));
    if (read_integer(place / "temp")) {
      all.push_back(place / "temp");
      if (read_line(place / "type").value_or("") == "x86_pkg_temp") {
        packages.push_back(place / "temp");
      }
    }
  }
  return packages.empty() ? all : packages;
}

/// Folders with the energy counter of a package; "psys" and the like measure what the packages do,
/// once more.
inline std::vector<fs::path> find_energies(const fs::path& root) {
  const fs::path folder = root / "sys/class/powercap";
  std::vector<fs::path> found;
  for (const std::uint32_t package : numbered_entries(folder, "intel-rapl:")) {
    fs::path place = folder / ("intel-rapl:" + std::to_string(package));
    if (read_line(place / "name").value_or("package").starts_with("package")) {
      found.push_back(std::move(place));
    }
  }
  return found;
}

/// Mean of the values above `least` of some files, in units of which a thousand make one; nothing:
/// there are none.
inline std::optional<double> mean_of_thousandths(const std::vector<fs::path>& files,
                                                 std::int64_t least) {
  double sum = 0;
  std::size_t count = 0;
  for (const fs::path& file : files) {
    const auto value = read_integer(file);
    if (value && *value > least) {
      sum += static_cast<double>(*value) / 1000;
      ++count;
    }
  }
  return count == 0 ? std::nullopt : std::optional(sum / static_cast<double>(count));
}

/// Moves a ring on by one.
template <std::size_t Size>
void push_value(std::array<double, Size>& ring, double value) {
  std::rotate(ring.begin(), ring.begin() + 1, ring.end());
  ring.back() = value;
}

template <std::size_t Size>
double mean_of(const std::array<double, Size>& ring) {
  return std::accumulate(ring.begin(), ring.end(), 0.0) / static_cast<double>(Size);
}

/// `second` counts from 1; a ring that is full gives its mean to the next.
inline void push_second(series& to, double value, std::uint64_t second) {
  push_value(to.seconds, value);
  if (second % 60 == 0) {
    push_value(to.minutes, mean_of(to.seconds));
  }
  if (second % 3600 == 0) {
    push_value(to.hours, mean_of(to.minutes));
  }
  if (second % 86400 == 0) {
    push_value(to.days, mean_of(to.hours));
  }
}

} // namespace detail

HANAMI_SERVICE_INLINE host_info read_host(const std::filesystem::path& root) {
  host_info host;
  host.host_name = detail::read_line(root / "proc/sys/kernel/hostname").value_or("");
  host.packages = detail::read_packages(root);
  host.hyper_threading =
      detail::read_integer(detail::cpu_folder(root) / "smt/active").value_or(0) == 1;
  host.memory_bytes = detail::memory_field(root, "MemTotal");
  host.memory_available_bytes = detail::memory_field(root, "MemAvailable");
  return host;
}

HANAMI_SERVICE_INLINE std::map<std::string, std::vector<std::uint32_t>> thread_placement() {
  std::map<std::string, std::vector<std::uint32_t>> placed;
  const std::filesystem::path folder = "/proc/self/task";
  for (const std::uint32_t thread : detail::numbered_entries(folder, "")) {
    const auto name = detail::read_line(folder / std::to_string(thread) / "comm");
    ::cpu_set_t allowed;
    if (!name || ::sched_getaffinity(static_cast<::pid_t>(thread), sizeof allowed, &allowed) != 0) {
      continue; // it has ended in between
    }
    std::vector<std::uint32_t> processors;
    for (std::uint32_t i = 0; i < CPU_SETSIZE; ++i) {
      if (CPU_ISSET(i, &allowed)) {
        processors.push_back(i);
      }
    }
    // Threads of one name are told apart by a number.
    std::string unique = *name;
    for (int i = 2; placed.count(unique) > 0; ++i) {
      unique = *name + "#" + std::to_string(i);
    }
    placed.emplace(std::move(unique), std::move(processors));
  }
  return placed;
}

HANAMI_SERVICE_INLINE void set_clock_bounds(std::optional<std::uint64_t> least_khz,
                                            std::optional<std::uint64_t> most_khz,
                                            const std::filesystem::path& root) {
  const std::vector<detail::clock_control> all = detail::find_clock_controls(root);
  for (const detail::clock_control& each : all) {
    const auto check = [&](const char* where, const std::optional<std::uint64_t>& khz) {
      if (khz && (*khz < each.can_least || *khz > each.can_most)) {
        throw invalid_value_at(where, "the processors can do " + std::to_string(each.can_least) +
                                          " to " + std::to_string(each.can_most) + " kHz");
      }
    };
    check("/minimum_speed", least_khz);
    check("/maximum_speed", most_khz);
    if (least_khz.value_or(each.least) > most_khz.value_or(each.most)) {
      throw invalid_value_at(least_khz ? "/minimum_speed" : "/maximum_speed",
                             "the least is above the most");
    }
  }
  detail::set_clocks(all, [&](const detail::clock_control& each) {
    return std::pair(least_khz.value_or(each.least), most_khz.value_or(each.most));
  });
}

HANAMI_SERVICE_INLINE void reset_clock_bounds(const std::filesystem::path& root) {
  detail::set_clocks(detail::find_clock_controls(root), [](const detail::clock_control& each) {
    return std::pair(each.can_least, each.can_most);
  });
}

HANAMI_SERVICE_INLINE sampler::sampler(maintenance_timer& timer, std::filesystem::path root,
                                       std::chrono::milliseconds period)
    : root_(std::move(root)), sampling_(timer, [this] { sample(); }) {
  sampling_.every(period);
  sampling_.set(std::chrono::milliseconds(0));
}

HANAMI_SERVICE_INLINE measurements sampler::read() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

/// Looks for what the machine shows; counters that were known keep their values.
HANAMI_SERVICE_INLINE void sampler::find_sensors() {
  clocks_ = detail::find_clocks(root_);
  temperatures_ = detail::find_temperatures(root_);
  std::vector<energy_counter> found;
  for (std::filesystem::path& folder : detail::find_energies(root_)) {
    const auto known = std::find_if(energies_.begin(), energies_.end(),
                                    [&](const energy_counter& e) { return e.folder == folder; });
    found.push_back({std::move(folder), known == energies_.end() ? std::nullopt : known->last_uj});
  }
  energies_ = std::move(found);
}

HANAMI_SERVICE_INLINE std::optional<double> sampler::read_power_watt() {
  const auto now = std::chrono::steady_clock::now();
  const std::chrono::duration<double> passed = now - energy_read_;
  energy_read_ = now;
  double joules = 0;
  bool known = false;
  for (energy_counter& counter : energies_) {
    const auto read = detail::read_integer(counter.folder / "energy_uj");
    if (!read || *read < 0) {
      continue;
    }
    const auto energy = static_cast<std::uint64_t>(*read);
    const std::uint64_t last = counter.last_uj.value_or(energy);
    const std::uint64_t wrap =
        energy < last ? detail::read_amount(counter.folder / "max_energy_range_uj") : 0;
    // A counter that fell without having come to its end has been set anew: no knowledge of it.
    if (counter.last_uj && energy + wrap >= last) {
      joules += static_cast<double>(energy + wrap - last) * 1e-6;
      known = true;
    }
    counter.last_uj = energy;
  }
  return known && passed.count() > 0 ? std::optional(joules / passed.count()) : std::nullopt;
}

HANAMI_SERVICE_INLINE void sampler::sample() {
  constexpr std::uint64_t samples_a_search = 60; // sensors come and go, but seldom
  if (count_++ % samples_a_search == 0) {
    find_sensors();
  }
  // The files are read before the lock, which readers wait for.
  const auto speed = detail::mean_of_thousandths(clocks_, 0);
  const auto temperature =
      detail::mean_of_thousandths(temperatures_, std::numeric_limits<std::int64_t>::min());
  const auto power = read_power_watt();
  const std::lock_guard lock(mutex_);
  seen_.has_speed = seen_.has_speed || speed;
  seen_.has_temperature = seen_.has_temperature || temperature;
  seen_.has_power = seen_.has_power || power;
  detail::push_second(seen_.speed_mhz, speed.value_or(0), count_);
  detail::push_second(seen_.temperature_celsius, temperature.value_or(0), count_);
  detail::push_second(seen_.power_watt, power.value_or(0), count_);
}

} // namespace hanami::service::monitor
