// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include <hanami/version.hpp>

#include "service/support/fixtures.hpp"
#include "support/scratch_folder.hpp"

/// What operators look at: metrics, the audit log, the log's lines.

using namespace server_test;

namespace {

/// The value of a metric without labels, or with exactly these; -1: there is none.
double metric(const std::string& page, const std::string& name) {
  const std::size_t at = page.find('\n' + name + ' ');
  return at == std::string::npos ? -1 : std::stod(page.substr(at + name.size() + 2));
}

std::size_t count_of(const std::string& text, std::string_view word) {
  std::size_t count = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    ++count;
  }
  return count;
}

} // namespace

TEST_CASE("metrics tell of build, start, process, disk and budget", "[service]") {
  const server_fixture fixture;
  const std::string page = fixture.ask("GET", "/metrics").body;
  CHECK(page.find("\nhanami_build_info{version=\"" HANAMI_VERSION_STRING "\",compiler=\"") !=
        std::string::npos);
  const double now = static_cast<double>(std::time(nullptr));
  CHECK(metric(page, "process_start_time_seconds") > now - 3600);
  CHECK(metric(page, "process_start_time_seconds") < now + 2);
  CHECK(metric(page, "process_cpu_seconds_total") > 0);
  CHECK(metric(page, "process_resident_memory_bytes") > 1 << 20);
  CHECK(metric(page, "hanami_disk_bytes") >= metric(page, "hanami_disk_free_bytes"));
  CHECK(metric(page, "hanami_disk_free_bytes") > 0);
  CHECK(metric(page, "hanami_cluster_budget_bytes") ==
        static_cast<double>(fixture.config().engine.memory_budget));
}

TEST_CASE("metrics tell of each cluster used lately, and of no more than a hundred", "[service]") {
  const server_fixture fixture([](server_config& config) { config.quota.clusters = 1000; });
  const std::string token = fixture.admin();
  std::string id;
  for (int i = 0; i < 103; ++i) {
    id = make_line_of_three(fixture, token, "n" + std::to_string(i));
    REQUIRE(fixture
                .ask("POST", "/v1/clusters/" + id + "/train",
                     R"({"inputs":{"x":[1,2]},"targets":{"y":[3]}})", token)
                .status == 200);
  }
  const std::string labels = "{cluster=\"" + id + "\",owner=\"admin\"}";
  std::string page;
  CHECK(comes_true([&] { // as its last turn leaves it, which answers before its end
    page = fixture.ask("GET", "/metrics").body;
    return metric(page, "hanami_cluster_trained_total" + labels) == 1;
  }));
  CHECK(metric(page, "hanami_cluster_queued" + labels) == 0);
  CHECK(metric(page, "hanami_cluster_memory_bytes" + labels) > 0);
  CHECK(metric(page, "hanami_cluster_journal_bytes" + labels) > 0);
  CHECK(metric(page, "hanami_cluster_disk_bytes" + labels) > 0);
  CHECK(count_of(page, "\nhanami_cluster_trained_total{") == 100);
  CHECK(metric(page, "hanami_clusters_in_memory") == 103);
}

TEST_CASE("the audit log names the API token that spoke", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const json::value made =
      fixture.ask("POST", "/v1/me/tokens", R"({"name":"a robot","scopes":["write"]})", token)
          .content();
  const std::string robot(made.at("token").as_string());
  REQUIRE(fixture.ask("POST", "/v1/clusters", R"({"name":"of a robot"})", robot).status == 201);
  REQUIRE(fixture.ask("POST", "/v1/clusters", R"({"name":"of a person"})", token).status == 201);
  const json::value log =
      fixture.ask("GET", "/v1/audit-log?operation=create_cluster", {}, token).content();
  REQUIRE(log.at("items").as_array().size() == 2);
  CHECK(log.at("items").at(0).at("token_id").as_string().empty());
  CHECK(log.at("items").at(1).at("token_id") == made.at("id"));
}

TEST_CASE("the log has a line for each request, if wanted, without what is secret", "[service]") {
  const scratch_folder folder;
  const std::filesystem::path file = folder.path / "log";
  for (const char* level : {"debug", "info"}) {
    const server_fixture fixture([&](server_config& config) {
      config.log_file = file;
      config.log_level = level;
    });
    const std::string token = fixture.admin();
    fixture.ask("GET", "/v1/clusters?name=secret", {}, token);
    std::ifstream from(file);
    const std::string log{std::istreambuf_iterator<char>(from), {}};
    const bool wanted = level == std::string_view("debug");
    INFO(log);
    CHECK((log.find("debug: http: GET /v1/clusters: 200, ") != std::string::npos) == wanted);
    CHECK((log.find(" ms for admin from 127.0.0.1") != std::string::npos) == wanted);
    CHECK(log.find("info: access: log-in of 'admin' from 127.0.0.1") != std::string::npos);
    CHECK(log.find("secret") == std::string::npos);
    CHECK(log.find(token) == std::string::npos);
    std::filesystem::remove(file);
  }
}

TEST_CASE("clocks of the machine are for administrators, within what it can do", "[service]") {
  const server_fixture fixture;
  const std::string beyond = R"({"minimum_speed":1000000000000})"; // of no machine
  CHECK(fixture.ask("PUT", "/v1/host/speed", beyond, fixture.member("anna", "lab_one")).status ==
        403);
  const heard refused = fixture.ask("PUT", "/v1/host/speed", beyond, fixture.admin());
  CHECK((refused.status == 409 || refused.status == 422)); // no control here, or beyond it
  CHECK(refused.body.find(refused.status == 409 ? "clocks" : "kHz") != std::string::npos);
}
