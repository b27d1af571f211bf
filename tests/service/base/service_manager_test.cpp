// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/base/service_manager.hpp>

#include <chrono>
#include <cstdlib>
#include <string>

#include <catch2/catch.hpp>

#include "service/support/notify_socket.hpp"
#include "support/scratch_folder.hpp"

using namespace hanami::service;

TEST_CASE("a service manager hears at a path and at an abstract name", "[service]") {
  const scratch_folder folder;
  for (const std::string& address :
       {(folder.path / "notify").string(), "@hanami-test-" + folder.path.filename().string()}) {
    const notify_socket listener(address);
    const service_manager manager(address);
    CHECK(manager.ready("listens\nREADY=0"));
    CHECK(listener.next() == "READY=1\nSTATUS=listens READY=0");
    CHECK(manager.reloading());
    CHECK(listener.next().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    CHECK(manager.works("3 connections"));
    CHECK(listener.next() == "WATCHDOG=1\nSTATUS=3 connections");
    CHECK(manager.stopping("writes"));
    CHECK(listener.next() == "STOPPING=1\nSTATUS=writes");
    CHECK(manager.status("starts"));
    CHECK(listener.next() == "STATUS=starts");
  }
}

TEST_CASE("nothing happens where no service manager listens", "[service]") {
  for (const std::string& address :
       {std::string(), std::string("/nowhere/at/all"), std::string("vsock:2:1234"),
        std::string("@"), '/' + std::string(200, 'x')}) {
    CHECK_FALSE(service_manager(address).ready("listens"));
  }
}

TEST_CASE("a watchdog hears twice as often as it must", "[service]") {
  using std::chrono::microseconds;
  CHECK(service_manager("@x", microseconds(3000)).watchdog_pause() == microseconds(1500));
  CHECK_FALSE(service_manager("@x").watchdog_pause());
  CHECK_FALSE(service_manager("", microseconds(3000)).watchdog_pause());

  ::setenv("NOTIFY_SOCKET", "@x", 1);
  ::setenv("WATCHDOG_USEC", "8000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  CHECK(service_manager::from_environment().watchdog_pause() == microseconds(4000));
  ::setenv("WATCHDOG_PID", "1", 1); // meant for another process
  CHECK_FALSE(service_manager::from_environment().watchdog_pause());
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) {
    ::unsetenv(name);
  }
  CHECK_FALSE(service_manager::from_environment().listens());
}
