// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/file.hpp>
#include <hanami/service/access/accounts.hpp>
#include <hanami/service/access/password.hpp>
#include <hanami/service/store/resources.hpp>

#include <thread>

#include <catch2/catch.hpp>

#include "../support/service_bench.hpp"

using namespace hanami;
using namespace hanami::service;
using namespace hanami::service::access;
using service_test::account_bench;
using service_test::fine;
using service_test::holds;
using service_test::in_the_way;
using service_test::missing;
using service_test::refusal_of;

namespace {

constexpr auto out_of_range = refusal_code::invalid_value;

std::vector<std::string> project_ids(const user& u) {
  std::vector<std::string> ids;
  for (const membership& m : u.projects) {
    ids.push_back(m.project_id);
  }
  return ids;
}

} // namespace

TEST_CASE("a user is what was asked for", "[service]") {
  account_bench bench;
  for (const std::string& text : service_test::nasty_texts) {
    const user made = bench.accounts.create_user({text, text, "12345678" + text, false}, text);
    const user read = bench.accounts.get_user(text);
    REQUIRE(read.id == text);
    REQUIRE(read.name == text);
    REQUIRE(read.creator_id == text);
    REQUIRE_FALSE(read.admin);
    REQUIRE(read.projects.empty());
    REQUIRE(read.version == 1);
    REQUIRE(read.created_at > 0);
    REQUIRE(read.created_at == made.created_at);
    REQUIRE(read.token_series == made.token_series);
    REQUIRE(bench.accounts.check_password(text, "12345678" + text));
    REQUIRE(bench.accounts.list_users({10, "", text}).total == 1);
    bench.accounts.create_project(text, text, text);
    REQUIRE(bench.accounts.get_project(text).name == text);
    REQUIRE(bench.accounts.join_project(text, {text, text, true}).projects[0].role == text);
    REQUIRE(bench.accounts.members(text).size() == 1);
  }
  const auto all = bench.accounts.list_users({1000, "", ""});
  REQUIRE(all.rows.size() == std::size(service_test::nasty_texts));
}

TEST_CASE("values out of their range are refused before anything is done", "[service]") {
  account_bench bench;
  const std::string wrong_texts[] = {"", std::string(255, 'a'), "a\nb", std::string("a\0b", 3),
                                     "a\x7f"};
  for (const std::string& text : wrong_texts) {
    REQUIRE(refusal_of([&] {
              bench.accounts.create_user({text, "Name", "12345678"}, "test");
            }) == out_of_range);
    REQUIRE(refusal_of([&] {
              bench.accounts.create_user({"ann", text, "12345678"}, "test");
            }) == out_of_range);
    REQUIRE(refusal_of([&] { bench.accounts.create_project(text, "Name", "test"); }) ==
            out_of_range);
    REQUIRE(refusal_of([&] { bench.accounts.create_project("reds", text, "test"); }) ==
            out_of_range);
  }
  for (const std::string& password : {std::string(7, 'x'), std::string(4097, 'x')}) {
    REQUIRE(refusal_of([&] {
              bench.accounts.create_user({"ann", "Name", password}, "test");
            }) == out_of_range);
  }
  REQUIRE(bench.accounts.list_users({}).total == 0);
  bench.add_user("ann");
  bench.accounts.create_project("reds", "Reds", "test");
  user_change change;
  change.name = "";
  REQUIRE(refusal_of([&] { bench.accounts.update_user("ann", change); }) == out_of_range);
  change = {};
  change.password = "short";
  REQUIRE(refusal_of([&] { bench.accounts.update_user("ann", change); }) == out_of_range);
  REQUIRE(refusal_of([&] { bench.accounts.rename_project("reds", "\t"); }) == out_of_range);
  REQUIRE(refusal_of([&] {
            bench.accounts.join_project("ann", {"reds", "", false});
          }) == out_of_range);
  quota limits;
  limits.bytes = ~std::uint64_t{0};
  REQUIRE(refusal_of([&] { bench.accounts.set_quota("ann", limits); }) == out_of_range);
  REQUIRE(bench.accounts.get_user("ann").version == 1);
}

TEST_CASE("who is not there is not found, who is there is in the way", "[service]") {
  account_bench bench;
  bench.add_user("ann");
  bench.accounts.create_project("reds", "Reds", "test");
  REQUIRE(refusal_of([&] { bench.add_user("ann"); }) == in_the_way);
  REQUIRE(refusal_of([&] { bench.accounts.create_project("reds", "Other", "test"); }) ==
          in_the_way);
  auto& accounts = bench.accounts;
  REQUIRE(refusal_of([&] { accounts.get_user("bob"); }) == missing);
  REQUIRE(refusal_of([&] { accounts.update_user("bob", {}); }) == missing);
  REQUIRE(refusal_of([&] { accounts.delete_user("bob"); }) == missing);
  REQUIRE(refusal_of([&] { accounts.void_tokens("bob"); }) == missing);
  REQUIRE(refusal_of([&] { accounts.set_quota("bob", {}); }) == missing);
  REQUIRE(refusal_of([&] { accounts.join_project("bob", {"reds", "member", false}); }) == missing);
  REQUIRE(refusal_of([&] { accounts.join_project("ann", {"blues", "member", false}); }) == missing);
  REQUIRE(refusal_of([&] { accounts.leave_project("ann", "reds"); }) == missing);
  REQUIRE(refusal_of([&] { accounts.leave_project("bob", "reds"); }) == missing);
  REQUIRE(refusal_of([&] { accounts.get_project("blues"); }) == missing);
  REQUIRE(refusal_of([&] { accounts.rename_project("blues", "Name"); }) == missing);
  REQUIRE(refusal_of([&] { accounts.delete_project("blues"); }) == missing);
  REQUIRE(refusal_of([&] { accounts.members("blues"); }) == missing);
  REQUIRE_FALSE(accounts.check_password("bob", "any password"));
  REQUIRE_FALSE(accounts.knows("bob"));
  REQUIRE(accounts.knows("ann"));
}

TEST_CASE("changes of a user void the tokens where they must", "[service]") {
  account_bench bench;
  bench.add_user("chief", true);
  const user before = bench.add_user("ann");
  user_change change;
  change.name = "Other";
  const user renamed = bench.accounts.update_user("ann", change);
  REQUIRE(renamed.name == "Other");
  REQUIRE(renamed.version == 2);
  REQUIRE(renamed.token_series == before.token_series);
  REQUIRE(bench.accounts.update_user("ann", {}).version == 2);

  change = {};
  change.admin = false; // as before
  REQUIRE(bench.accounts.update_user("ann", change).token_series == before.token_series);
  change.admin = true;
  const user promoted = bench.accounts.update_user("ann", change);
  REQUIRE(promoted.admin);
  REQUIRE(promoted.token_series != before.token_series);
  change = {};
  change.password = "another password";
  REQUIRE(bench.accounts.update_user("ann", change).token_series != promoted.token_series);
  REQUIRE_FALSE(bench.accounts.check_password("ann", bench.password_of("ann")));
  REQUIRE(bench.accounts.check_password("ann", "another password"));
  const std::uint64_t token_series = bench.accounts.get_user("ann").token_series;
  bench.accounts.void_tokens("ann");
  REQUIRE(bench.accounts.get_user("ann").token_series != token_series);
}

TEST_CASE("a user who comes again does not get the old tokens back", "[service]") {
  account_bench bench;
  const user first = bench.add_user("ann");
  bench.accounts.delete_user("ann");
  REQUIRE(bench.add_user("ann").token_series != first.token_series);
}

TEST_CASE("the last administrator stays", "[service]") {
  account_bench bench;
  bench.add_user("ann", true);
  user_change demote;
  demote.admin = false;
  REQUIRE(refusal_of([&] { bench.accounts.delete_user("ann"); }) == in_the_way);
  REQUIRE(refusal_of([&] { bench.accounts.update_user("ann", demote); }) == in_the_way);
  REQUIRE(bench.accounts.get_user("ann").admin);
  bench.add_user("bob", true);
  bench.accounts.update_user("ann", demote);
  REQUIRE(refusal_of([&] { bench.accounts.delete_user("bob"); }) == in_the_way);
  bench.accounts.delete_user("ann");

  // Of two who demote each other at once, one stays.
  for (int round = 0; round < 10; ++round) {
    const std::string other = "eve" + std::to_string(round);
    bench.add_user(other, true);
    std::thread thread([&] { refusal_of([&] { bench.accounts.update_user("bob", demote); }); });
    refusal_of([&] { bench.accounts.update_user(other, demote); });
    thread.join();
    REQUIRE((bench.accounts.get_user("bob").admin || bench.accounts.get_user(other).admin));
    user_change promote;
    promote.admin = true;
    bench.accounts.update_user("bob", promote);
    bench.accounts.update_user(other, demote);
  }
}

TEST_CASE("users join and leave projects, in order", "[service]") {
  account_bench bench;
  bench.add_user("ann");
  for (const char* id : {"zebra", "apple", "mango"}) {
    bench.accounts.create_project(id, "Name", "test");
    bench.accounts.join_project("ann", {id, "member", id[0] == 'a'});
  }
  const user in_all = bench.accounts.get_user("ann");
  REQUIRE(project_ids(in_all) == std::vector<std::string>{"zebra", "apple", "mango"});
  REQUIRE(in_all.projects[1].project_admin);
  REQUIRE_FALSE(in_all.projects[0].project_admin);
  REQUIRE(in_all.version == 4);
  REQUIRE(refusal_of([&] {
            bench.accounts.join_project("ann", {"apple", "viewer", false});
          }) == in_the_way);
  REQUIRE(project_ids(bench.accounts.leave_project("ann", "zebra")) ==
          std::vector<std::string>{"apple", "mango"});
  REQUIRE(project_ids(bench.accounts.join_project("ann", {"zebra", "viewer", false})) ==
          std::vector<std::string>{"apple", "mango", "zebra"});
  bench.add_user("bob");
  bench.accounts.join_project("bob", {"zebra", "member", true});
  const std::vector<user> members = bench.accounts.members("zebra");
  REQUIRE(members.size() == 2);
  REQUIRE(members[0].id == "ann");
  REQUIRE(project_ids(members[0]) == std::vector<std::string>{"zebra"});
  REQUIRE(members[0].projects[0].role == "viewer");
  REQUIRE(members[1].projects[0].project_admin);
  bench.accounts.delete_user("bob");
  REQUIRE(bench.accounts.members("zebra").size() == 1);
}

TEST_CASE("a project goes when it owns nothing", "[service]") {
  account_bench bench;
  bench.accounts.ensure_admin();
  bench.add_user("ann");
  bench.accounts.create_project("reds", "Reds", "test");
  bench.accounts.join_project("ann", {"reds", "member", false});
  store::resources resources(bench.db);
  identity ann;
  ann.user_id = "ann";
  ann.project_id = "reds";
  store::resource_row row;
  row.kind = store::resource_kind::dataset;
  row.name = "a";
  const std::string id = resources.add(ann, row, 10, 10).id;
  REQUIRE(refusal_of([&] { bench.accounts.delete_project("reds"); }) == in_the_way);
  resources.remove(id);
  row.kind = store::resource_kind::upload; // would be gone by itself in time
  resources.add(ann, row, 10, 10);
  bench.accounts.delete_project("reds");
  REQUIRE(bench.accounts.get_user("ann").projects.empty());
  REQUIRE(bench.accounts.get_user("ann").version == 3);
  REQUIRE(refusal_of([&] { bench.accounts.delete_project("admin"); }) == in_the_way);
  const project renamed = bench.accounts.rename_project("admin", "New");
  REQUIRE(renamed.name == "New");
  REQUIRE(renamed.version == 2);
}

TEST_CASE("users and projects are listed page by page", "[service]") {
  account_bench bench;
  std::vector<std::string> ids;
  for (int i = 0; i < 12; ++i) {
    const std::string id = "user" + std::to_string(i);
    bench.accounts.create_user({id, i % 2 == 0 ? "Even" : "Odd", "a password"}, "test");
    bench.accounts.create_project(id, "Project", "test");
    bench.accounts.join_project(id, {id, "member", false});
  }
  std::size_t seen = 0;
  store::page_request wanted{5, "", "eve"};
  do {
    const auto found = bench.accounts.list_users(wanted);
    REQUIRE(found.total == 6);
    for (const user& u : found.rows) {
      REQUIRE(u.name == "Even");
      REQUIRE(project_ids(u) == std::vector<std::string>{u.id});
      ++seen;
    }
    wanted.after = found.next;
  } while (!wanted.after.empty());
  REQUIRE(seen == 6);
  REQUIRE(bench.accounts.list_projects({5, "", ""}).total == 12);
  REQUIRE(bench.accounts.list_projects({5, "", ""}).rows.size() == 5);
  REQUIRE(refusal_of([&] { bench.accounts.list_users({5, "nonsense", ""}); }) == out_of_range);
  REQUIRE(refusal_of([&] { bench.accounts.list_projects({0, "", ""}); }) == out_of_range);
}

TEST_CASE("there is an administrator from the start", "[service]") {
  account_bench bench;
  const auto generated = bench.accounts.ensure_admin();
  REQUIRE(generated);
  REQUIRE(generated->size() == 20);
  const auto admin = bench.accounts.check_password("admin", *generated);
  REQUIRE(admin);
  REQUIRE(admin->admin);
  REQUIRE(admin->name == "Administrator");
  REQUIRE(bench.accounts.get_project("admin").id == "admin");
  REQUIRE_FALSE(bench.accounts.ensure_admin());
  REQUIRE(bench.accounts.check_password("admin", *generated));
}

TEST_CASE("the configuration may say who the administrator is", "[service]") {
  account_bench bench;
  bench.config.admin_id = "root";
  bench.config.admin_password = "short";
  REQUIRE(refusal_of([&] { bench.accounts.ensure_admin(); }) == out_of_range);
  bench.config.admin_password = "from the environment";
  REQUIRE_FALSE(bench.accounts.ensure_admin());
  REQUIRE(bench.accounts.check_password("root", "from the environment")->admin);

  // Where no user is one, somebody of this id becomes one.
  account_bench other;
  const user before = other.add_user("admin");
  const auto generated = other.accounts.ensure_admin();
  REQUIRE(generated);
  REQUIRE_FALSE(other.accounts.check_password("admin", other.password_of("admin")));
  const auto after = other.accounts.check_password("admin", *generated);
  REQUIRE(after);
  REQUIRE(after->admin);
  REQUIRE(after->token_series != before.token_series);
}

TEST_CASE("a weak hash is made anew at the next login", "[service]") {
  account_bench bench;
  bench.add_user("ann");
  const auto stored = [&] {
    return bench.db.read([](store::connection& on) {
      store::statement row = on.query("SELECT password FROM users WHERE id = 'ann'");
      row.step();
      return row.text(0);
    });
  };
  const std::string light = stored();
  REQUIRE(needs_rehash(light));
  bench.config.auth.light_passwords = false;
  REQUIRE_FALSE(bench.accounts.check_password("ann", "wrong password"));
  REQUIRE(stored() == light);
  const auto ann = bench.accounts.check_password("ann", bench.password_of("ann"));
  REQUIRE(ann);
  REQUIRE_FALSE(needs_rehash(stored()));
  REQUIRE(bench.accounts.get_user("ann").token_series == ann->token_series);
  REQUIRE(bench.accounts.check_password("ann", bench.password_of("ann")));
  REQUIRE_FALSE(bench.accounts.check_password("ann", std::string(1'000'000, 'x')));
}

TEST_CASE("limits are a user's own or everybody's", "[service]") {
  account_bench bench;
  bench.add_user("ann");
  bench.config.quota.clusters = 3;
  REQUIRE(bench.accounts.quota_of("ann").clusters == 3);
  REQUIRE(bench.accounts.quota_of("nobody").clusters == 3);
  bench.accounts.set_quota("ann", {1, 7, 2, 0, 4, 5});
  bench.accounts.set_quota("ann", {1, 7, 2, 0, 4, 6, 8});
  const quota own = bench.accounts.quota_of("ann");
  REQUIRE(own.clusters == 1);
  REQUIRE(own.streams == 7);
  REQUIRE(own.datasets == 2);
  REQUIRE(own.checkpoints == 0);
  REQUIRE(own.open_tasks == 4);
  REQUIRE(own.bytes == 6);
  REQUIRE(own.memory == 8);
  bench.accounts.delete_user("ann");
  bench.add_user("ann");
  REQUIRE(bench.accounts.quota_of("ann").clusters == 3);
}

TEST_CASE("no password stands in the database", "[service]") {
  account_bench bench;
  bench.accounts.create_user({"ann", "Ann", "unmistakable-secret"}, "test");
  REQUIRE(bench.accounts.check_password("ann", "unmistakable-secret"));
  for (const auto& file : std::filesystem::directory_iterator(bench.folder.path)) {
    if (file.is_regular_file()) {
      std::string content;
      for (const std::uint8_t byte : read_file(file.path(), std::size_t{1} << 30)) {
        content += static_cast<char>(byte);
      }
      REQUIRE_FALSE(holds(content, "unmistakable-secret"));
    }
  }
}
