// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/base/clock.hpp>
#include <hanami/service/store/logs.hpp>

#include <thread>

#include <catch2/catch.hpp>

#include "../support/runtime_fixture.hpp"
#include "../support/service_bench.hpp"

using namespace hanami;
using namespace hanami::service::store;
using hanami::service::refusal_code;
using service_test::failure_of;
using service_test::refusal_of;

namespace {

audit_entry entry_of(std::int64_t at, const std::string& user, const std::string& method = "POST") {
  return {at, user, "reds", method, "/v1/clusters", "create_cluster", 201, "10.0.0.1", {}};
}

struct log_bench {
  scratch_folder folder;
  database db{folder.path / "database"};
  quiet_runtime common;
  logs log{db, common};

  std::uint64_t audits(const log_filter& filter) { return log.audit(filter).total; }
};

} // namespace

TEST_CASE("what was logged is there at the next look, newest first", "[service]") {
  log_bench bench;
  bench.log.add(
      audit_entry{5, "ann", "reds", "DELETE", "/v1/a?b", "remove", 404, "::1", "a token"});
  for (const std::string& text : service_test::nasty_texts) {
    bench.log.add(audit_entry{7, text, text, text, text, text, 200, text, text});
    bench.log.add(error_entry{7, text, text, text, text});
  }
  const auto audits = bench.log.audit({});
  REQUIRE(audits.total == 1 + std::size(service_test::nasty_texts));
  REQUIRE(audits.rows.size() == audits.total);
  const audit_entry& oldest = audits.rows.back();
  REQUIRE(oldest.at == 5);
  REQUIRE(oldest.user_id == "ann");
  REQUIRE(oldest.project_id == "reds");
  REQUIRE(oldest.method == "DELETE");
  REQUIRE(oldest.path == "/v1/a?b");
  REQUIRE(oldest.operation == "remove");
  REQUIRE(oldest.status == 404);
  REQUIRE(oldest.address == "::1");
  REQUIRE(oldest.token_id == "a token");
  for (const std::string& text : service_test::nasty_texts) {
    log_filter filter;
    filter.user_id = filter.project_id = filter.method = filter.operation = text;
    const auto found = bench.log.audit(filter);
    REQUIRE(found.total == 1);
    REQUIRE(found.rows[0].path == text);
    REQUIRE(found.rows[0].address == text);
    REQUIRE(found.rows[0].token_id == text);
    const auto errors = bench.log.errors(filter);
    REQUIRE(errors.total == 1);
    REQUIRE(errors.rows[0].input == text);
    REQUIRE(errors.rows[0].message == text);
  }
}

TEST_CASE("logs are filtered and cut into pages", "[service]") {
  log_bench bench;
  for (int i = 0; i < 30; ++i) {
    bench.log.add(entry_of(100 + i, i % 3 == 0 ? "ann" : "bob", i % 2 == 0 ? "POST" : "PUT"));
  }
  log_filter filter;
  filter.user_id = "ann";
  REQUIRE(bench.audits(filter) == 10);
  filter.method = "PUT";
  REQUIRE(bench.audits(filter) == 5);
  filter.from = 109;
  filter.until = 115;
  REQUIRE(bench.audits(filter) == 1); // 109 itself, not 115
  filter = {};
  filter.limit = 7;
  filter.offset = 28;
  const auto last = bench.log.audit(filter);
  REQUIRE(last.total == 30);
  REQUIRE(last.rows.size() == 2);
  REQUIRE(last.rows[0].at == 101);
  REQUIRE(last.next.empty());
  filter.offset = ~std::uint64_t{0};
  REQUIRE(bench.log.audit(filter).rows.empty());
  filter = {};
  filter.limit = 7;
  std::vector<std::int64_t> seen;
  do { // entries that come in between shift nothing
    const auto page = bench.log.audit(filter);
    REQUIRE(page.total == 30 + seen.size() / 7);
    for (const auto& entry : page.rows) {
      seen.push_back(entry.at);
    }
    filter.after = page.next;
    bench.log.add(entry_of(1000, "ann", "POST"));
  } while (!filter.after.empty());
  REQUIRE(seen.size() == 30);
  for (std::size_t i = 0; i < seen.size(); ++i) {
    REQUIRE(seen[i] == 129 - static_cast<std::int64_t>(i));
  }
  for (const char* bad : {"x", "12", "12:", "12:x", "-1:3"}) {
    filter.after = bad;
    REQUIRE(refusal_of([&] { bench.log.audit(filter); }) == refusal_code::invalid_value);
  }
  filter = {};
  filter.project_id = "blues";
  REQUIRE(bench.audits(filter) == 0);

  bench.log.add(error_entry{103, "ann", "a", "b", "c"});
  bench.log.flush();
  bench.log.remove_before(104);
  REQUIRE(bench.audits({}) == 31);
  REQUIRE(bench.log.errors({}).total == 0);
}

TEST_CASE("long texts are cut between characters", "[service]") {
  log_bench bench;
  const std::string euro = "\xe2\x82\xac";
  std::string input = "x";
  while (input.size() < 100'000) {
    input += euro;
  }
  bench.log.add(error_entry{1, "ann", "a", input, std::string(5000, 'm')});
  const error_entry cut = bench.log.errors({}).rows.at(0);
  REQUIRE(cut.input.size() == 4096); // 1 + 1365 * 3
  REQUIRE(cut.input.ends_with(euro));
  REQUIRE(cut.message == std::string(4096, 'm'));
  bench.log.add(error_entry{2, "ann", "a", "xy" + input, ""});
  REQUIRE(bench.log.errors({}).rows.at(0).input.size() == 4095);
  bench.log.add(error_entry{3, "ann", "a", std::string(5000, '\x80'), ""}); // no characters at all
  REQUIRE(bench.log.errors({}).rows.at(0).input.size() == 4092);
}

TEST_CASE("entries of many threads are all there, also at the end", "[service]") {
  scratch_folder folder;
  database db(folder.path / "database");
  quiet_runtime common;
  {
    logs log(db, common);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 200; ++i) {
          log.add(entry_of(i, std::to_string(t)));
        }
        log.flush();
        log.add(error_entry{1, "", "a", "", "b"});
      });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
  }
  logs log(db, common);
  log.flush(); // of nothing
  REQUIRE(log.audit({}).total == 800);
  REQUIRE(log.errors({}).total == 4);
}

TEST_CASE("a disk that refuses loses nothing that it takes later", "[service]") {
  log_bench bench;
  const auto forbid = [&](bool forbidden) {
    bench.db.write([&](connection& on) {
      on.run_script(forbidden ? "CREATE TRIGGER no_space BEFORE INSERT ON audit_log BEGIN "
                                "SELECT RAISE(ABORT, 'no space'); END"
                              : "DROP TRIGGER no_space");
    });
  };
  bench.log.add(entry_of(1, "ann"));
  bench.log.flush();
  forbid(true);
  bench.log.add(entry_of(2, "ann"));
  REQUIRE(failure_of([&] { bench.log.flush(); }).first == errc::file_error);
  REQUIRE(bench.audits({}) == 1); // a look is not refused
  for (int i = 0; i < 100'100; ++i) {
    bench.log.add(entry_of(3, "bob"));
  }
  forbid(false);
  bench.log.flush();
  bench.log.add(entry_of(4, "ann"));
  bench.log.flush();
  log_filter filter;
  filter.user_id = "ann";
  REQUIRE(bench.audits(filter) == 3);
  // Most of the others, and a word on the rest.
  filter.user_id = "bob";
  const std::uint64_t kept = bench.audits(filter);
  REQUIRE(kept >= 99'000);
  REQUIRE(kept < 100'100);
  const auto errors = bench.log.errors({});
  REQUIRE(errors.total == 1);
  REQUIRE(errors.rows[0].message.starts_with(std::to_string(100'100 - kept) + " entries"));
}
