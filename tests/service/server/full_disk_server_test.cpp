// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "service/support/server_fixture.hpp"
#include "support/scratch_folder.hpp"
#include "support/skip.hpp"

using namespace server_test;

namespace {

/// A file system of 32 MiB in memory, where the process may mount one.
class small_file_system {
 public:
  small_file_system()
      : there_(::mount("none", folder_.path.c_str(), "tmpfs", 0, "size=32m") == 0) {}
  small_file_system(const small_file_system&) = delete;
  small_file_system& operator=(const small_file_system&) = delete;
  ~small_file_system() {
    if (there_) {
      ::umount2(folder_.path.c_str(), MNT_DETACH);
    }
  }

  bool is_there() const noexcept { return there_; }
  const std::filesystem::path& path() const noexcept { return folder_.path; }

  /// Writes until not a byte more fits.
  void fill() const {
    const int fd = ::open(filler().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0);
    const std::vector<char> some(std::size_t{1} << 20, 'x');
    for (std::size_t size = some.size(); size > 0; size /= 2) {
      while (::write(fd, some.data(), size) > 0) {
      }
    }
    ::close(fd);
  }
  void clear() const { std::filesystem::remove(filler()); }

 private:
  std::filesystem::path filler() const { return folder_.path / "filler"; }

  scratch_folder folder_;
  bool there_;
};

} // namespace

TEST_CASE("on a full disk people log in, look, ask, and delete until there is room again",
          "[service]") {
  const small_file_system disk;
  if (!disk.is_there()) {
    hanami_test::skip("this process may not mount a file system");
    return;
  }
  server_fixture fixture([&](server_config& config) { config.data = disk.path() / "data"; });
  const std::string admin = fixture.admin();
  const std::string anna = fixture.member("anna", "lab_one");
  const auto make = [&](const std::string& name) {
    return fixture.ask("POST", "/v1/clusters", R"({"name":")" + name + "\"}", anna);
  };
  const heard made_first = make("kept");
  INFO(made_first.body);
  REQUIRE(made_first.status == 201);
  const std::string cluster = made_first.text("id");
  const std::string other = make("deleted").text("id");
  const heard upload =
      fixture.ask("POST", "/v1/uploads", R"({"name":"rows","format":"csv","sizes":[8]})", anna);
  INFO(upload.body);
  REQUIRE(upload.status == 201);
  const std::string part(upload.content().at("parts").at(0).at("id").as_string());
  REQUIRE(fixture.ask("PUT", "/v1/parts/" + part, "a,b\n1,2\n", anna).status == 204);
  const std::string dataset = finish_upload(fixture, upload.text("id"), anna);
  const heard second =
      fixture.ask("POST", "/v1/uploads", R"({"name":"more","format":"csv","sizes":[8]})", anna);
  REQUIRE(second.status == 201);
  const std::string lesson = R"({"inputs":{"input":[1]},"targets":{"output":[2]}})";
  const std::string question = R"({"inputs":{"input":[1]}})";
  const std::string of_kept = "/v1/clusters/" + cluster;
  REQUIRE(fixture.ask("POST", of_kept + "/train", lesson, anna).status == 200);

  const bool restarted = GENERATE(false, true);
  if (restarted) {
    fixture.close();
  }
  disk.fill();
  if (restarted) {
    fixture.open();
    disk.fill(); // what the start gave back
  }
  for (int i = 0; i < 5; ++i) {
    CHECK_FALSE(fixture.log_in("anna", "some password").empty());
  }
  const std::string now = fixture.admin();
  CHECK_FALSE(now.empty());
  CHECK(fixture.ask("POST", "/v1/sessions", R"({"user_id":"anna","password":"another one"})")
            .status == 401);
  CHECK(fixture.ask("GET", "/v1/clusters", {}, anna).content().at("total").as_int64() == 2);
  CHECK(fixture.ask("POST", of_kept + "/infer", question, anna).status == 200);
  CHECK(fixture.ask("GET", "/v1/audit-log", {}, now).status == 200);
  disk.fill(); // what of the reserve was not needed
  const heard made = make("no room");
  INFO(made.body);
  CHECK(made.status == 507);
  CHECK(made.text("code") == "no_space");
  const heard begun = fixture.ask("POST", "/v1/uploads",
                                  R"({"name":"big","format":"csv","sizes":[9000000]})", anna);
  if (begun.status == 201) { // files may have holes, which are filled later
    const std::string big(begun.content().at("parts").at(0).at("id").as_string());
    const heard put = fixture.ask("PUT", "/v1/parts/" + big, std::string(9'000'000, 'a'), anna);
    CHECK((put.status == 507 || put.status == 422));
    CHECK(fixture.ask("DELETE", "/v1/uploads/" + begun.text("id"), {}, anna).status == 204);
  } else {
    CHECK(begun.status == 507);
  }

  CHECK(fixture.ask("DELETE", "/v1/uploads/" + second.text("id"), {}, anna).status == 204);
  CHECK(fixture.ask("DELETE", "/v1/datasets/" + dataset, {}, anna).status == 204);
  CHECK(fixture.ask("DELETE", "/v1/clusters/" + other, {}, anna).status == 204);
  CHECK(fixture.ask("DELETE", "/v1/projects/lab_one/members/anna", {}, now).status < 300);
  CHECK(fixture.ask("DELETE", "/v1/users/anna", {}, now).status < 300);
  CHECK(fixture.ask("DELETE", "/v1/sessions/current", {}, now).status < 300);

  disk.clear();
  const std::string after = fixture.admin();
  CHECK(fixture.ask("POST", "/v1/clusters", R"({"name":"room again"})", after).status == 201);
  CHECK(fixture.ask("POST", of_kept + "/train", lesson, after).status == 200);
}
