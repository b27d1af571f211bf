// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/monitor/host.hpp>

#include <fstream>

#include <pthread.h>

#include <catch2/catch.hpp>

#include "../support/refusal_of.hpp"
#include "../support/runtime_fixture.hpp"
#include "support/scratch_folder.hpp"

using namespace hanami::service::monitor;

namespace {

/// A machine of files.
class paper_machine {
 public:
  void write(const std::string& file, const std::string& text) {
    const std::filesystem::path place = folder_.path / file;
    std::filesystem::create_directories(place.parent_path());
    // In one step, as the kernel's files change.
    std::ofstream(place.string() + ".new") << text << '\n';
    std::filesystem::rename(place.string() + ".new", place);
  }
  void thread(int number, int core, int package) {
    const std::string cpu = "sys/devices/system/cpu/cpu" + std::to_string(number);
    write(cpu + "/topology/core_id", std::to_string(core));
    write(cpu + "/topology/physical_package_id", std::to_string(package));
  }
  const std::filesystem::path& root() const { return folder_.path; }

 private:
  scratch_folder folder_;
};

/// With clocks of 800 to 4000 MHz, kept between 900 and 3000.
struct clocked_machine : paper_machine {
  explicit clocked_machine(int threads) {
    for (int i = 0; i < threads; ++i) {
      thread(i, i, 0);
      write(file(i, "cpuinfo_min_freq"), "800000");
      write(file(i, "cpuinfo_max_freq"), "4000000");
      write(file(i, "scaling_min_freq"), "900000");
      write(file(i, "scaling_max_freq"), "3000000");
    }
  }
  static std::string file(int thread, const std::string& name) {
    return "sys/devices/system/cpu/cpu" + std::to_string(thread) + "/cpufreq/" + name;
  }
  /// The bounds of a processor as the machine has them now.
  std::pair<std::uint64_t, std::uint64_t> bounds(std::size_t core) const {
    const auto now = read_host(root());
    const cpu_core& c = now.packages.at(0).cores.at(core);
    return {c.current_minimum_khz, c.current_maximum_khz};
  }
};

using bounds_khz = std::pair<std::uint64_t, std::uint64_t>;

template <class Condition>
bool comes_true(const Condition& condition) {
  for (int i = 0; i < 5000 && !condition(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return condition();
}

} // namespace

TEST_CASE("a machine's topology and clocks are read", "[service]") {
  paper_machine machine;
  for (int i = 0; i < 8; ++i) {
    machine.thread(i, i % 2, i % 4 / 2);
  }
  const std::string speed = "sys/devices/system/cpu/cpu1/cpufreq/";
  machine.write(speed + "cpuinfo_min_freq", "800000");
  machine.write(speed + "cpuinfo_max_freq", "4000000");
  machine.write(speed + "scaling_min_freq", "900000");
  machine.write(speed + "scaling_max_freq", "3000000");
  machine.write(speed + "scaling_cur_freq", "1234000");
  machine.write("sys/devices/system/cpu/cpu9/online", "0");
  machine.write("sys/devices/system/cpu/cpufreq/boost", "1");
  machine.write("sys/devices/system/cpu/smt/active", "1");
  machine.write("proc/sys/kernel/hostname", "garden");
  machine.write("proc/meminfo", "MemTotalX: 3 kB\nMemTotal:       16314868 kB\n"
                                "MemFree: 1 kB\nMemAvailable:    8000000 kB");
  const host_info host = read_host(machine.root());
  CHECK(host.host_name == "garden");
  CHECK(host.hyper_threading);
  CHECK(host.memory_bytes == std::uint64_t{16314868} * 1024);
  CHECK(host.memory_available_bytes == std::uint64_t{8000000} * 1024);
  REQUIRE(host.packages.size() == 2);
  for (std::uint32_t p = 0; p < 2; ++p) {
    CHECK(host.packages[p].id == p);
    REQUIRE(host.packages[p].cores.size() == 2);
    for (std::uint32_t c = 0; c < 2; ++c) {
      CHECK(host.packages[p].cores[c].id == c);
      const std::uint32_t first = 2 * p + c;
      CHECK(host.packages[p].cores[c].threads == std::vector<std::uint32_t>{first, first + 4});
    }
  }
  const cpu_core& known = host.packages[0].cores[1];
  CHECK(known.minimum_khz == 800000);
  CHECK(known.maximum_khz == 4000000);
  CHECK(known.current_minimum_khz == 900000);
  CHECK(known.current_maximum_khz == 3000000);
  CHECK(known.current_khz == 1234000);
  CHECK(host.packages[0].cores[0].current_khz == 0);
}

TEST_CASE("what a machine does not show is left out", "[service]") {
  paper_machine machine;
  machine.write("proc/meminfo", "MemTotal: lots");
  machine.thread(0, 0, -1);
  machine.write("sys/devices/system/cpu/cpu1/topology/core_id", "nonsense");
  machine.write("sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "-5");
  const host_info host = read_host(machine.root());
  CHECK(host.host_name.empty());
  CHECK(host.memory_bytes == 0);
  CHECK_FALSE(host.hyper_threading);
  REQUIRE(host.packages.size() == 1);
  REQUIRE(host.packages[0].cores.size() == 1);
  CHECK(host.packages[0].cores[0].maximum_khz == 0);
  CHECK(read_host(machine.root() / "nowhere").packages.empty());

  quiet_runtime common;
  sampler nothing(common.timer, machine.root(), std::chrono::milliseconds(1));
  CHECK_FALSE(nothing.read().has_speed);
  CHECK_FALSE(nothing.read().has_temperature);
  CHECK_FALSE(nothing.read().has_power);
}

TEST_CASE("this machine has processors and memory", "[service]") {
  const host_info host = read_host();
  CHECK_FALSE(host.host_name.empty());
  CHECK(host.memory_bytes > host.memory_available_bytes);
  CHECK(host.memory_available_bytes > 0);
}

TEST_CASE("clocks, temperatures and power are sampled", "[service]") {
  paper_machine machine;
  machine.thread(0, 0, 0);
  machine.thread(1, 1, 0);
  machine.write("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "1000000");
  machine.write("sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq", "3000000");
  const std::string zones = "sys/class/thermal/thermal_zone";
  machine.write(zones + "0/type", "acpitz");
  machine.write(zones + "0/temp", "20000");
  machine.write(zones + "1/type", "x86_pkg_temp");
  machine.write(zones + "1/temp", "45500");
  const std::string energy = "sys/class/powercap/intel-rapl:";
  machine.write(energy + "0/name", "package-0");
  machine.write(energy + "0/energy_uj", "999000000");
  machine.write(energy + "0/max_energy_range_uj", "1000000000");
  machine.write(energy + "1/name", "psys");
  machine.write(energy + "1/energy_uj", "0");
  machine.write(energy + "0:0/energy_uj", "5");

  quiet_runtime common;
  sampler sampled(common.timer, machine.root(), std::chrono::milliseconds(5));
  REQUIRE(comes_true([&] { return sampled.read().has_power; }));
  const measurements first = sampled.read();
  CHECK(first.speed_mhz.seconds.back() == 2000);
  CHECK(first.temperature_celsius.seconds.back() == 45.5);
  CHECK(first.power_watt.seconds.back() == 0);
  CHECK(first.speed_mhz.hours.back() == 0);
  // The counter goes around: 2 J more, and never less than none.
  machine.write(energy + "0/energy_uj", "1000000");
  REQUIRE(comes_true([&] {
    const measurements now = sampled.read();
    return std::any_of(now.power_watt.seconds.begin(), now.power_watt.seconds.end(),
                       [](double watt) { return watt > 0; });
  }));
  const measurements then = sampled.read();
  for (const double watt : then.power_watt.seconds) {
    CHECK(watt >= 0);
    CHECK(watt < 1e9); // as it would not be, had the counter been taken for a falling one
  }
  // A minute is the mean of its sixty seconds.
  REQUIRE(comes_true([&] { return sampled.read().speed_mhz.minutes.back() > 0; }));
  CHECK(sampled.read().speed_mhz.minutes.back() == 2000);
}

TEST_CASE("threads are known by their names", "[service]") {
  std::atomic<bool> stop{false};
  const auto wait = [&stop] { stop.wait(false); };
  std::thread one(wait);
  std::thread two(wait);
  for (std::thread* each : {&one, &two}) {
    REQUIRE(::pthread_setname_np(each->native_handle(), "gardener") == 0);
  }
  const auto placed = thread_placement();
  stop = true;
  stop.notify_all();
  one.join();
  two.join();
  REQUIRE(placed.count("gardener") == 1);
  CHECK(placed.count("gardener#2") == 1);
  CHECK_FALSE(placed.at("gardener").empty());
}

TEST_CASE("clocks are kept between bounds, and set free again", "[service]") {
  const clocked_machine machine(3);
  set_clock_bounds(1'000'000, 2'000'000, machine.root());
  for (std::size_t core = 0; core < 3; ++core) {
    CHECK(machine.bounds(core) == bounds_khz{1'000'000, 2'000'000});
  }
  set_clock_bounds(3'000'000, 3'500'000, machine.root()); // all above what was the most
  CHECK(machine.bounds(2) == bounds_khz{3'000'000, 3'500'000});
  set_clock_bounds(800'000, 900'000, machine.root()); // and below what was the least
  CHECK(machine.bounds(0) == bounds_khz{800'000, 900'000});
  set_clock_bounds({}, 1'500'000, machine.root());
  CHECK(machine.bounds(1) == bounds_khz{800'000, 1'500'000});
  reset_clock_bounds(machine.root());
  CHECK(machine.bounds(0) == bounds_khz{800'000, 4'000'000});
}

TEST_CASE("clocks that cannot be, or that a machine does not allow, are refused with why",
          "[service]") {
  clocked_machine machine(3);
  using hanami::service::refusal_code;
  const auto refused = [&](std::optional<std::uint64_t> least, std::optional<std::uint64_t> most) {
    return service_test::refusal_of([&] { set_clock_bounds(least, most, machine.root()); });
  };
  CHECK(refused(700'000, {}) == refusal_code::invalid_value);
  CHECK(refused({}, 4'000'001) == refusal_code::invalid_value);
  CHECK(refused(2'000'000, 1'000'000) == refusal_code::invalid_value);
  CHECK(refused(3'500'000, {}) == refusal_code::invalid_value); // above the most that stays
  CHECK(machine.bounds(0) == bounds_khz{900'000, 3'000'000});
  // The last processor does not take it: the others are as they were.
  const std::filesystem::path stubborn =
      machine.root() / clocked_machine::file(2, "scaling_min_freq");
  std::filesystem::remove(stubborn);
  std::filesystem::create_directory(stubborn);
  CHECK(refused(1'000'000, 2'000'000) == refusal_code::conflict);
  CHECK(machine.bounds(0) == bounds_khz{900'000, 3'000'000});
  CHECK(machine.bounds(1) == bounds_khz{900'000, 3'000'000});
  try {
    set_clock_bounds(1'000'000, 2'000'000, machine.root());
  } catch (const hanami::service::refusal& why) {
    CHECK(std::string(why.what()).find("cpu2/cpufreq/scaling_min_freq") != std::string::npos);
  }
  const paper_machine without;
  CHECK(service_test::refusal_of([&] { set_clock_bounds(1, 2, without.root()); }) ==
        refusal_code::conflict);
  CHECK(service_test::refusal_of([&] { reset_clock_bounds(without.root()); }) ==
        refusal_code::conflict);
}
