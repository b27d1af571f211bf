// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/monitor/metrics.hpp>

#include <limits>
#include <thread>

#include <catch2/catch.hpp>

using namespace hanami::service::monitor;

TEST_CASE("metrics are written as Prometheus reads them", "[service]") {
  metrics_text text;
  text.family("hanami_clusters", "gauge", "Clusters\nin \\ \"memory\".");
  text.value(3);
  text.value(0.1, {{"user", "a\"b\\c\nd"}, {"1 kind", "x"}});
  text.family("9 bad-name", "counter", "");
  text.value(std::numeric_limits<double>::infinity());
  text.value(-std::numeric_limits<double>::infinity());
  text.value(std::numeric_limits<double>::quiet_NaN());
  text.value(1e18);
  CHECK(text.take() == "# HELP hanami_clusters Clusters\\nin \\\\ \"memory\".\n"
                       "# TYPE hanami_clusters gauge\n"
                       "hanami_clusters 3\n"
                       "hanami_clusters{user=\"a\\\"b\\\\c\\nd\",_1_kind=\"x\"} "
                       "0.10000000000000001\n"
                       "# HELP _9_bad_name \n"
                       "# TYPE _9_bad_name counter\n"
                       "_9_bad_name +Inf\n"
                       "_9_bad_name -Inf\n"
                       "_9_bad_name NaN\n"
                       "_9_bad_name 1e+18\n");
}

TEST_CASE("requests are counted by operation, status and time", "[service]") {
  request_counts counts;
  counts.add("get_cluster", 200, 0.0001);
  counts.add("get_cluster", 204, 0.0005);
  counts.add("get_cluster", 404, 100);
  counts.add("make_cluster", 1000, -1);
  metrics_text text;
  counts.write(text);
  const std::string written = text.take();
  INFO(written);
  for (const char* line :
       {"hanami_requests_total{operation=\"get_cluster\",status=\"2xx\"} 2\n",
        "hanami_requests_total{operation=\"get_cluster\",status=\"4xx\"} 1\n",
        "hanami_request_seconds_bucket{operation=\"get_cluster\",le=\"0.0005\"} 2\n",
        "hanami_request_seconds_bucket{operation=\"get_cluster\",le=\"10\"} 2\n",
        "hanami_request_seconds_bucket{operation=\"get_cluster\",le=\"+Inf\"} 3\n",
        "hanami_request_seconds_count{operation=\"get_cluster\"} 3\n",
        "hanami_request_seconds_sum{operation=\"make_cluster\"} 0\n"}) {
    CHECK(written.find(line) != std::string::npos);
  }
}

TEST_CASE("counts of many threads are all there", "[service]") {
  request_counts counts;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&counts, t] {
      for (int i = 0; i < 2500; ++i) {
        counts.add("op" + std::to_string((t + i) % 3), 200, 0.001);
      }
    });
  }
  for (std::thread& each : threads) {
    each.join();
  }
  metrics_text text;
  counts.write(text);
  const std::string written = text.take();
  std::uint64_t sum = 0;
  for (const char* name : {"op0", "op1", "op2"}) {
    const std::string start =
        std::string("hanami_request_seconds_count{operation=\"") + name + "\"} ";
    sum += std::stoull(written.substr(written.find(start) + start.size()));
  }
  CHECK(sum == 10'000);
}
