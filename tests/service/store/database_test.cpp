// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/store/database.hpp>
#include <hanami/service/store/tables.hpp>

#include <atomic>
#include <fstream>
#include <thread>
#include <vector>

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "../support/service_bench.hpp"

using namespace hanami;
using namespace hanami::service::store;
using service_test::failure_of;
using service_test::holds;

namespace {

void put(connection& on, const std::string& key, std::int64_t value) {
  on.execute("INSERT INTO revoked_tokens (id, expires_at) VALUES (?, ?)", key, value);
}

std::int64_t count_rows(connection& on) {
  statement counted = on.query("SELECT count(*) FROM revoked_tokens");
  counted.step();
  return counted.integer(0);
}

unsigned mode_of(const std::filesystem::path& path) {
  struct ::stat status {};
  ::stat(path.c_str(), &status);
  return status.st_mode & 0777u;
}

} // namespace

TEST_CASE("values of every type come back as they went in", "[service]") {
  scratch_folder folder;
  database db(folder.path / "database");
  db.write([](connection& on) {
    on.run_script("CREATE TABLE samples (number INTEGER, fraction REAL, words TEXT)");
    const std::string zeros("a\0b", 3);
    on.execute("INSERT INTO samples VALUES (?, ?, ?)", std::int64_t{-1} << 62, 0.1, zeros);
    on.execute("INSERT INTO samples VALUES (?, ?, ?)", true, 2.0F, "");
    on.execute("INSERT INTO samples VALUES (?, ?, ?)", nullptr, nullptr, nullptr);
    on.execute("INSERT INTO samples VALUES (?, ?, ?)", 0u, 0.0, std::string_view());

    statement rows = on.query("SELECT * FROM samples ORDER BY rowid");
    REQUIRE(rows.step());
    REQUIRE(rows.integer(0) == std::int64_t{-1} << 62);
    REQUIRE(rows.real(1) == 0.1);
    REQUIRE(rows.text(2) == zeros);
    REQUIRE(rows.step());
    REQUIRE(rows.integer(0) == 1);
    REQUIRE(rows.real(1) == 2.0);
    REQUIRE_FALSE(rows.is_null(2));
    REQUIRE(rows.step());
    for (const int column : {0, 1, 2}) {
      REQUIRE(rows.is_null(column));
    }
    REQUIRE(rows.text(2).empty());
    REQUIRE(rows.step());
    REQUIRE_FALSE(rows.is_null(2));
    REQUIRE_FALSE(rows.step());
  });
}

TEST_CASE("texts are never taken for SQL", "[service]") {
  scratch_folder folder;
  database db(folder.path / "database");
  for (const std::string& text : service_test::nasty_texts) {
    db.write([&](connection& on) { put(on, text, 1); });
    db.read([&](connection& on) {
      statement found = on.query("SELECT id FROM revoked_tokens WHERE id = ?", text);
      REQUIRE(found.step());
      REQUIRE(found.text(0) == text);
    });
  }
  REQUIRE(db.read(count_rows) == std::ssize(service_test::nasty_texts));
}

TEST_CASE("a statement that is used again starts afresh", "[service]") {
  scratch_folder folder;
  database db(folder.path / "database");
  db.write([](connection& on) {
    for (int i = 0; i < 3; ++i) {
      put(on, std::to_string(i), i);
    }
    for (int round = 0; round < 2; ++round) {
      statement first = on.query("SELECT id FROM revoked_tokens WHERE expires_at >= ?", 1);
      REQUIRE(first.step());
      REQUIRE(first.text(0) == "1"); // and the rest is left
    }
    REQUIRE(on.execute("DELETE FROM revoked_tokens WHERE expires_at >= ?", 1) == 2);
    REQUIRE(on.execute("DELETE FROM revoked_tokens WHERE expires_at >= ?", 1) == 0);
  });
}

TEST_CASE("what a transaction throws away is all of it", "[service]") {
  scratch_folder folder;
  database db(folder.path / "database");
  REQUIRE_THROWS_AS(db.write([](connection& on) {
    put(on, "a", 1);
    throw std::runtime_error("enough");
  }),
                    std::runtime_error);
  REQUIRE(db.read(count_rows) == 0);
  REQUIRE_THROWS_AS(db.write([](connection& on) {
    put(on, "a", 1);
    put(on, "a", 2);
  }),
                    constraint_error);
  REQUIRE(db.read(count_rows) == 0);
  REQUIRE(db.write([](connection& on) {
    put(on, "a", 1);
    return 7;
  }) == 7);
  REQUIRE(db.read(count_rows) == 1);
}

TEST_CASE("a database refuses with reasons", "[service]") {
  scratch_folder folder;
  database db(folder.path / "database");
  const auto wrong =
      failure_of([&] { db.read([](connection& on) { on.query("SELECT a FROM nowhere"); }); });
  REQUIRE(wrong.first == errc::file_error);
  REQUIRE(holds(wrong.second, "nowhere"));

  // Readers read, STRICT tables take no text for a number, a foreign key must be there, and what
  // stands in double quotes is a column.
  const char* const refused[] = {
      "INSERT INTO revoked_tokens VALUES ('a', 'text')",
      "INSERT INTO memberships VALUES ('nobody', 'nowhere', 'member', 0, 0)",
      "INSERT INTO revoked_tokens VALUES (\"a\", 1)",
      "ATTACH DATABASE ':memory:' AS other",
  };
  for (const char* sql : refused) {
    CAPTURE(sql);
    const auto refusal = failure_of([&] { db.write([&](connection& on) { on.execute(sql); }); });
    REQUIRE(refusal.first == errc::file_error);
  }
  const auto read_only = failure_of([&] { db.read([](connection& on) { put(on, "a", 1); }); });
  REQUIRE(holds(read_only.second, "readonly"));
  REQUIRE(db.read(count_rows) == 0);
}

TEST_CASE("a reader sees one moment, whatever is written meanwhile", "[service]") {
  scratch_folder folder;
  database db(folder.path / "database");
  db.read([&](connection& on) {
    REQUIRE(count_rows(on) == 0);
    std::thread([&] { db.write([](connection& to) { put(to, "a", 1); }); }).join();
    REQUIRE(count_rows(on) == 0);
  });
  REQUIRE(db.read(count_rows) == 1);
}

TEST_CASE("many threads read and write at once", "[service]") {
  scratch_folder folder;
  database db(folder.path / "database");
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        db.write([&](connection& on) { // two rows or none
          put(on, std::to_string(t) + "/" + std::to_string(i), 1);
          put(on, std::to_string(t) + "-" + std::to_string(i), 1);
        });
        wrong += db.read(count_rows) % 2 != 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  REQUIRE(wrong == 0);
  REQUIRE(db.read(count_rows) == 160);
}

TEST_CASE("a database is there again, and its owner's alone", "[service]") {
  scratch_folder folder;
  const std::filesystem::path file = folder.path / "inner" / "database";
  {
    database db(file);
    db.write([](connection& on) { put(on, "a", 1); });
    REQUIRE(mode_of(file) == 0600);
    REQUIRE(mode_of(folder.path / "inner" / "database-wal") == 0600);
    REQUIRE(mode_of(folder.path / "inner") == 0700);
  }
  ::chmod(file.c_str(), 0644);
  database db(file);
  REQUIRE(mode_of(file) == 0600);
  REQUIRE(db.read(count_rows) == 1);
}

TEST_CASE("databases of newer builds and other programs are refused", "[service]") {
  scratch_folder folder;
  const std::filesystem::path newer = folder.path / "newer";
  {
    database db(newer);
    db.write([](connection& on) {
      on.run_script("PRAGMA user_version=" + std::to_string(migrations.size() + 1));
    });
  }
  const auto too_new = failure_of([&] { database db(newer); });
  REQUIRE(too_new.first == errc::unsupported_version);
  REQUIRE(holds(too_new.second, newer.string()));
  REQUIRE(holds(too_new.second, "version " + std::to_string(migrations.size() + 1)));

  const std::filesystem::path foreign = folder.path / "foreign";
  std::ofstream(foreign).close(); // an empty file is an empty database
  connection(foreign).run_script("CREATE TABLE mine (a TEXT)");
  REQUIRE(failure_of([&] { database db(foreign); }).first == errc::file_error);
  connection(foreign).run_script("SELECT a FROM mine"); // untouched

  const std::filesystem::path text = folder.path / "text";
  std::ofstream(text) << std::string(4096, 'x');
  REQUIRE(failure_of([&] { database db(text); }).first == errc::file_error);
  REQUIRE(failure_of([&] { database db(folder.path); }).first == errc::file_error);
  REQUIRE(failure_of([&] { connection on(folder.path / "none"); }).first == errc::file_error);
}
