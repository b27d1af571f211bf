// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/store/ownership_cache.hpp>
#include <hanami/service/store/resources.hpp>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "service/support/service_bench.hpp"

using namespace hanami::service;
using namespace hanami::service::store;
using service_test::refusal_of;

namespace {

ownership_cache::entry owned_by(const std::string& owner) {
  return std::make_shared<const ownership>(ownership{owner, "reds", visibility::owner_only});
}

/// What the cache gives, and whether it had to look into the database for it.
struct lookup {
  std::string owner;
  bool read = false;
};

lookup look(ownership_cache& cache, const std::string& owner_now) {
  lookup made;
  made.owner = cache
                   .get("id",
                        [&] {
                          made.read = true;
                          return owned_by(owner_now);
                        })
                   ->owner_id;
  return made;
}

identity member_of(const std::string& user, const std::string& project) {
  identity caller;
  caller.user_id = user;
  caller.project_id = project;
  return caller;
}

} // namespace

TEST_CASE("whose a resource is, is read once until it is changed", "[service]") {
  ownership_cache cache;
  CHECK(look(cache, "ann").read);
  CHECK_FALSE(look(cache, "ann").read);
  { const ownership_cache::change under_way(cache, "another"); }
  CHECK_FALSE(look(cache, "ann").read);
  { const ownership_cache::change under_way(cache, "id"); }
  CHECK(look(cache, "bob").owner == "bob");
  CHECK_FALSE(look(cache, "ann").read);
}

TEST_CASE("what was read before or during a change is not remembered", "[service]") {
  ownership_cache cache;
  // A change comes and ends while somebody reads.
  cache.get("id", [&] {
    const ownership_cache::change under_way(cache, "id");
    return owned_by("ann");
  });
  CHECK(look(cache, "bob").owner == "bob");
  {
    const ownership_cache::change under_way(cache, "id");
    CHECK(look(cache, "bob").read);
    CHECK(look(cache, "bob").read);
  }
  // A reader who began during a change, and ends after it.
  auto change = std::make_unique<ownership_cache::change>(cache, "id");
  cache.get("id", [&] {
    change.reset();
    return owned_by("bob");
  });
  CHECK(look(cache, "cleo").owner == "cleo");
}

TEST_CASE("what is not there is looked for anew each time", "[service]") {
  ownership_cache cache;
  int reads = 0;
  for (int i = 0; i < 3; ++i) {
    CHECK(cache.get("id", [&] {
      ++reads;
      return ownership_cache::entry();
    }) == nullptr);
  }
  CHECK(reads == 3);
}

TEST_CASE("a cluster's owner lets in and shuts out at once, whoever looks at it meanwhile",
          "[service]") {
  const scratch_folder folder;
  database db(folder.path / "database");
  store::resources resources(db);
  const identity ann = member_of("ann", "reds");
  const identity bob = member_of("bob", "reds");
  resource_row row;
  row.kind = resource_kind::cluster;
  row.name = "a cluster";
  const std::string id = resources.add(ann, row, 10, 10).id;
  std::atomic<bool> stop{false};
  std::vector<std::thread> others;
  for (int i = 0; i < 3; ++i) {
    others.emplace_back([&] {
      while (!stop) {
        refusal_of([&] { resources.kept_ownership(bob, store::resource_kind::cluster, id); });
      }
    });
  }
  int wrong = 0;
  for (int i = 0; i < 200; ++i) {
    resource_change change;
    change.visible_to = i % 2 == 0 ? visibility::project : visibility::owner_only;
    resources.change(ann, resource_kind::cluster, id, change);
    const auto refused =
        refusal_of([&] { resources.kept_ownership(bob, store::resource_kind::cluster, id); });
    wrong += refused.has_value() == (i % 2 == 0) ? 1 : 0;
  }
  stop = true;
  for (std::thread& each : others) {
    each.join();
  }
  CHECK(wrong == 0);
  resources.remove(id);
  CHECK(refusal_of([&] { resources.kept_ownership(ann, store::resource_kind::cluster, id); }) ==
        refusal_code::not_found);
}

TEST_CASE("a cluster refuses from memory as it does from the database", "[service]") {
  const scratch_folder folder;
  database db(folder.path / "database");
  store::resources resources(db);
  const auto kind = resource_kind::cluster;
  std::vector<identity> all;
  for (const char* user : {"ann", "bob"}) {
    for (const char* project : {"reds", "blues"}) {
      for (const int rights : {0, 1, 2}) {
        identity caller = member_of(user, project);
        caller.project_admin = rights == 1;
        caller.admin = rights == 2;
        all.push_back(caller);
      }
    }
  }
  for (const visibility visible_to :
       {visibility::owner_only, visibility::project, visibility::everyone}) {
    resource_row row;
    row.kind = kind;
    row.visible_to = visible_to;
    const std::string id = resources.add(member_of("ann", "reds"), row, 10, 10).id;
    for (int round = 0; round < 2; ++round) {
      for (const identity& caller : all) {
        INFO(caller.user_id << ' ' << caller.project_id << ' ' << caller.project_admin
                            << caller.admin << ' ' << name_of(visible_to));
        CHECK(refusal_of([&] {
                resources.kept_ownership(caller, store::resource_kind::cluster, id);
              }) == refusal_of([&] { resources.get(caller, kind, id); }));
        CHECK(refusal_of([&] {
                resources.expect_changeable(caller, store::resource_kind::cluster, id);
              }) == refusal_of([&] { resources.get_to_change(caller, kind, id); }));
      }
    }
  }
}
