// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/base/uuid.hpp>
#include <hanami/service/store/resources.hpp>

#include <random>
#include <set>

#include <catch2/catch.hpp>

#include "../support/service_bench.hpp"

using namespace hanami;
using namespace hanami::service;
using namespace hanami::service::store;
using service_test::missing;
using service_test::refusal_of;

namespace {

identity who(const std::string& user, const std::string& project, bool project_admin = false,
             bool admin = false) {
  identity result;
  result.user_id = user;
  result.project_id = project;
  result.project_admin = project_admin;
  result.admin = admin;
  return result;
}

resource_row named(const std::string& name, resource_kind kind = resource_kind::dataset,
                   visibility visible_to = visibility::owner_only, std::uint64_t bytes = 0) {
  resource_row row;
  row.kind = kind;
  row.name = name;
  row.visible_to = visible_to;
  row.bytes = bytes;
  return row;
}

struct resource_bench {
  scratch_folder folder;
  database db{folder.path / "database"};
  store::resources resources{db};
  const identity ann = who("ann", "reds");

  resource_row add(const identity& owner, const resource_row& row) {
    return resources.add(owner, row, 1000, 1000000);
  }
};

constexpr auto not_theirs = refusal_code::forbidden;
constexpr auto too_many = refusal_code::quota_exceeded;

} // namespace

TEST_CASE("a resource comes back as it was added", "[service]") {
  resource_bench bench;
  for (const std::string& text : service_test::nasty_texts) {
    resource_row row = named(text, resource_kind::checkpoint, visibility::project, 12);
    row.detail = R"({"a":")" + text + "\"}";
    const resource_row added = bench.add(who(text, text), row);
    REQUIRE(is_uuid(added.id));
    const resource_row read =
        bench.resources.get(who(text, text), resource_kind::checkpoint, added.id);
    REQUIRE(read.name == text);
    REQUIRE(read.owner_id == text);
    REQUIRE(read.project_id == text);
    REQUIRE(read.detail == row.detail);
    REQUIRE(read.visible_to == visibility::project);
    REQUIRE(read.bytes == 12);
    REQUIRE(read.version == 1);
    REQUIRE(read.created_at > 0);
    REQUIRE(read.updated_at == read.created_at);
    // The text as a filter finds itself alone; as an id or a place in a list, nothing.
    const page_request by_name{10, "", text};
    REQUIRE(bench.resources.list(who("any", "any", false, true), resource_kind::checkpoint, by_name)
                .total == 1);
    REQUIRE_FALSE(bench.resources.find(resource_kind::checkpoint, text));
    REQUIRE(refusal_of([&] {
              bench.resources.list(bench.ann, resource_kind::checkpoint, {10, text, ""});
            }) == refusal_code::invalid_value);
  }
}

TEST_CASE("a resource is of its kind, and an id is given once", "[service]") {
  resource_bench bench;
  resource_row row = named("a");
  row.id = new_uuid();
  REQUIRE(bench.add(bench.ann, row).id == row.id);
  REQUIRE(refusal_of([&] { bench.add(bench.ann, row); }) == refusal_code::conflict);
  REQUIRE(bench.resources.find(resource_kind::dataset, row.id));
  REQUIRE_FALSE(bench.resources.find(resource_kind::cluster, row.id));
  REQUIRE(refusal_of([&] { bench.resources.get(bench.ann, resource_kind::upload, row.id); }) ==
          missing);
}

TEST_CASE("names may be unique in their kind and project", "[service]") {
  resource_bench bench;
  const auto add = [&](const identity& owner, resource_kind kind, name_rule rule) {
    bench.resources.add(owner, named("same", kind), 10, 10, rule);
  };
  add(bench.ann, resource_kind::cluster, name_rule::unique_in_project);
  REQUIRE(refusal_of([&] {
            add(who("bob", "reds"), resource_kind::cluster, name_rule::unique_in_project);
          }) == refusal_code::conflict);
  add(bench.ann, resource_kind::dataset, name_rule::unique_in_project);
  add(who("ann", "blues"), resource_kind::cluster, name_rule::unique_in_project);
  add(bench.ann, resource_kind::cluster, name_rule::any);
}

TEST_CASE("the quota counts rows of a kind, and bytes of all kinds", "[service]") {
  resource_bench bench;
  const auto add = [&](resource_kind kind, std::uint64_t bytes) {
    return bench.resources.add(bench.ann, named("a", kind, visibility::owner_only, bytes), 2, 100);
  };
  add(resource_kind::dataset, 60);
  const std::string upload = add(resource_kind::upload, 40).id;
  REQUIRE(refusal_of([&] { add(resource_kind::checkpoint, 1); }) == too_many);
  add(resource_kind::checkpoint, 0);
  add(resource_kind::dataset, 0);
  REQUIRE(refusal_of([&] { add(resource_kind::dataset, 0); }) == too_many);
  REQUIRE(refusal_of([&] { add(resource_kind::cluster, 1); }) == too_many);
  add(resource_kind::cluster, 0);
  add(resource_kind::cluster, 0);
  REQUIRE(refusal_of([&] { add(resource_kind::cluster, 0); }) == too_many);

  bench.resources.remove(upload);
  REQUIRE(refusal_of([&] { add(resource_kind::checkpoint, 41); }) == too_many);
  REQUIRE(refusal_of([&] { add(resource_kind::checkpoint, ~std::uint64_t{0}); }) == too_many);
  add(resource_kind::checkpoint, 40);
  const usage used = bench.resources.used_by("ann");
  REQUIRE(used.clusters == 2);
  REQUIRE(used.datasets == 2);
  REQUIRE(used.checkpoints == 2);
  REQUIRE(used.bytes == 100);
  REQUIRE(bench.resources.used_by("bob").bytes == 0);
  REQUIRE(bench.resources.count_in_project("reds") == 6);
  add(resource_kind::upload, 0);
  REQUIRE(bench.resources.count_in_project("reds") == 6);
}

TEST_CASE("changes need rights and the right version", "[service]") {
  resource_bench bench;
  const identity bob = who("bob", "reds");
  const identity chief = who("chief", "reds", true);
  const auto kind = resource_kind::dataset;
  const std::string id = bench.add(bench.ann, named("a")).id;
  resource_change change;
  change.name = "b";
  REQUIRE(refusal_of([&] { bench.resources.change(bob, kind, id, change); }) == missing);
  change.visible_to = visibility::project;
  const resource_row shared = bench.resources.change(bench.ann, kind, id, change, 1);
  REQUIRE(shared.name == "b");
  REQUIRE(shared.version == 2);
  REQUIRE(bench.resources.get(bob, kind, id).name == "b");
  REQUIRE(refusal_of([&] { bench.resources.change(bob, kind, id, change); }) == not_theirs);
  REQUIRE(refusal_of([&] { bench.resources.get_to_change(bob, kind, id); }) == not_theirs);
  REQUIRE(refusal_of([&] { bench.resources.change(chief, kind, id, change, 1); }) ==
          refusal_code::version_mismatch);
  REQUIRE(bench.resources.get_to_change(chief, kind, id).version == 2);
  REQUIRE(bench.resources.change(chief, kind, id, {}, 2).version == 2);

  bench.resources.update(id, 77, R"({"rows":1})");
  const resource_row updated = *bench.resources.find(kind, id);
  REQUIRE(updated.bytes == 77);
  REQUIRE(updated.detail == R"({"rows":1})");
  REQUIRE(updated.version == 3);
  bench.resources.remove(id);
  bench.resources.remove(id);
  bench.resources.update(id, 1, "{}");
  REQUIRE_FALSE(bench.resources.find(kind, id));
}

TEST_CASE("a list holds just what may be used, page by page", "[service]") {
  resource_bench bench;
  std::mt19937 random(7);
  const auto pick = [&](unsigned below) { return static_cast<unsigned>(random() % below); };
  const std::string users[] = {"ann", "bob", "eve"};
  const std::string projects[] = {"reds", "blues"};
  for (int i = 0; i < 200; ++i) {
    bench.add(who(users[pick(3)], projects[pick(2)]),
              named("row " + std::to_string(i), resource_kind::dataset,
                    static_cast<visibility>(pick(3))));
  }
  const std::vector<resource_row> all = bench.resources.all(resource_kind::dataset);
  REQUIRE(all.size() == 200);
  for (int i = 0; i < 24; ++i) {
    const identity asker = who(users[pick(3)], projects[pick(2)], pick(3) == 0, pick(6) == 0);
    page_request wanted{1 + pick(60), "", pick(2) == 0 ? "1" : ""};
    std::vector<std::string> expected;
    for (const resource_row& row : all) {
      if (may_use(asker, row) && row.name.find(wanted.name) != std::string::npos) {
        expected.push_back(row.id);
      }
      // One by one says the same.
      const auto refused =
          refusal_of([&] { bench.resources.get(asker, resource_kind::dataset, row.id); });
      if (i < 4) {
        REQUIRE(refused == (may_use(asker, row) ? std::nullopt : std::optional(missing)));
      }
    }
    std::vector<std::string> got;
    do {
      const page<resource_row> found = bench.resources.list(asker, resource_kind::dataset, wanted);
      REQUIRE(found.total == expected.size());
      REQUIRE(found.rows.size() <= wanted.limit);
      for (const resource_row& row : found.rows) {
        got.push_back(row.id);
      }
      wanted.after = found.next;
    } while (!wanted.after.empty());
    REQUIRE(got == expected);
  }
}

TEST_CASE("pages that make no sense are refused", "[service]") {
  resource_bench bench;
  bench.add(bench.ann, named("a"));
  const auto list = [&](std::uint32_t limit, const std::string& after) {
    return refusal_of([&] {
      bench.resources.list(bench.ann, resource_kind::dataset, {limit, after, ""});
    });
  };
  constexpr auto nonsense = refusal_code::invalid_value;
  for (const std::string& after :
       {std::string("x"), std::string(":"), std::string("1"), std::string("1:"),
        std::string("-1:a"), std::string("1 :a"), std::string("99999999999999999999:a"),
        "1:" + std::string(300, 'a')}) {
    CAPTURE(after);
    REQUIRE(list(10, after) == nonsense);
  }
  REQUIRE(list(0, "") == nonsense);
  REQUIRE(list(1001, "") == nonsense);
  REQUIRE(list(1000, "1:a") == std::nullopt);
}
