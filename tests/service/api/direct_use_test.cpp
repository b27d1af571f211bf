// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include <sqlite3.h>

#include "service/support/fixtures.hpp"

/// The calls that come with every sample: they touch no disk, and yet a right that is taken away is
/// gone with the next call.

using namespace server_test;

namespace {

/// What is asked of any database of this process, from now on.
class statement_trace {
 public:
  statement_trace() {
    texts_.clear();
    ::sqlite3_auto_extension(reinterpret_cast<void (*)()>(&attach));
  }
  ~statement_trace() { ::sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(&attach)); }
  statement_trace(const statement_trace&) = delete;
  statement_trace& operator=(const statement_trace&) = delete;

  /// Those since the last call.
  std::vector<std::string> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(texts_, {});
  }

 private:
  /// SQLite calls it with each connection that is opened.
  static int attach(::sqlite3* opened, const char**, const void*) {
    return ::sqlite3_trace_v2(opened, SQLITE_TRACE_STMT, &note, nullptr);
  }
  static int note(unsigned, void*, void*, void* text) {
    const std::lock_guard lock(mutex_);
    texts_.emplace_back(static_cast<const char*>(text));
    return 0;
  }

  static inline std::mutex mutex_;
  static inline std::vector<std::string> texts_;
};

const std::string question = R"({"inputs":{"x":[1,2]}})";
const std::string lesson = R"({"inputs":{"x":[1,2]},"targets":{"y":[3]}})";

/// Statuses of asking and training.
struct outcome {
  unsigned infer = 0;
  unsigned train = 0;
  bool operator==(const outcome&) const = default;
};
std::ostream& operator<<(std::ostream& to, const outcome& shown) {
  return to << "infer " << shown.infer << ", train " << shown.train;
}

outcome use(const server_fixture& fixture, const std::string& id, const std::string& token) {
  return {fixture.ask("POST", "/v1/clusters/" + id + "/infer", question, token).status,
          fixture.ask("POST", "/v1/clusters/" + id + "/train", lesson, token).status};
}

constexpr outcome allowed{200, 200};
constexpr outcome void_token{401, 401};
constexpr outcome hidden{404, 404};

/// A cluster of anna's in lab_one, and those who use it.
struct shared_cluster {
  explicit shared_cluster(const std::string& visible_to = "private") {
    fixture.ask("PATCH", "/v1/clusters/" + id, R"({"visibility":")" + visible_to + "\"}", anna);
  }
  /// What `change` makes of what somebody could do, once all of it was in memory.
  outcome after(const std::string& token, const outcome& before,
                const std::function<unsigned()>& change) const {
    CHECK(use(fixture, id, token) == before);
    CHECK(use(fixture, id, token) == before);
    CHECK(change() / 100 == 2);
    return use(fixture, id, token);
  }
  unsigned by_admin(const std::string& method, const std::string& target,
                    const std::string& body = {}) const {
    return fixture.ask(method, target, body, admin).status;
  }

  server_fixture fixture;
  std::string admin = fixture.admin();
  std::string anna = fixture.member("anna", "lab_one");
  std::string id = make_line_of_three(fixture, anna);
};

} // namespace

TEST_CASE("asking and training a cluster reads nothing from the database", "[service]") {
  statement_trace trace;
  const server_fixture fixture;
  const std::string anna = fixture.member("anna", "lab_one");
  const std::string id = make_line_of_three(fixture, anna);
  REQUIRE(use(fixture, id, anna) == allowed);
  fixture.ask("GET", "/v1/audit-log", {}, anna); // what was to be written is written then
  CHECK_FALSE(trace.take().empty());
  for (int i = 0; i < 50; ++i) {
    REQUIRE(use(fixture, id, anna) == allowed);
  }
  CHECK(trace.take() == std::vector<std::string>{});
  socket_client peer(fixture.port());
  std::string head = socket_client::handshake("/v1/clusters/" + id + "/socket");
  head.insert(head.size() - 2, "Authorization: Bearer " + anna + "\r\n");
  peer.send(head);
  REQUIRE(peer.read(false).status == 101);
  for (int i = 0; i < 50; ++i) {
    REQUIRE(peer.ask_socket(R"({"infer":)" + question + '}').find("outputs") != std::string::npos);
    REQUIRE(peer.ask_socket(R"({"train":)" + lesson + '}').find("learned") != std::string::npos);
  }
  CHECK(trace.take() == std::vector<std::string>{});
}

TEST_CASE("who loses the role that may train loses it at once", "[service]") {
  const shared_cluster shared;
  const auto set_role = [&](const std::string& role) {
    return shared.by_admin("PUT", "/v1/projects/lab_one/members/anna",
                           R"({"role":")" + role + "\"}");
  };
  CHECK(shared.after(shared.anna, allowed, [&] { return set_role("viewer"); }) ==
        outcome{200, 403});
  CHECK(shared.after(shared.anna, {200, 403}, [&] { return set_role("member"); }) == allowed);
}

TEST_CASE("who leaves the project is shut out at once", "[service]") {
  const shared_cluster shared;
  CHECK(shared.after(shared.anna, allowed, [&] {
    return shared.by_admin("DELETE", "/v1/projects/lab_one/members/anna");
  }) == void_token);
}

TEST_CASE("a user who is deleted is shut out at once", "[service]") {
  const shared_cluster shared("project");
  const std::string bert = shared.fixture.member("bert", "lab_one");
  CHECK(shared.after(bert, {200, 403},
                     [&] { return shared.by_admin("DELETE", "/v1/users/bert"); }) == void_token);
  CHECK(use(shared.fixture, shared.id, shared.anna) == allowed);
}

TEST_CASE("a token that is given back, or voided by an administrator or a new password, is void "
          "at once",
          "[service]") {
  const shared_cluster shared;
  const server_fixture& fixture = shared.fixture;
  CHECK(shared.after(shared.anna, allowed, [&] {
    return fixture.ask("DELETE", "/v1/sessions/current", {}, shared.anna).status;
  }) == void_token);
  const std::string second = fixture.log_in("anna", "some password");
  CHECK(shared.after(second, allowed, [&] {
    return shared.by_admin("DELETE", "/v1/users/anna/sessions");
  }) == void_token);
  const std::string third = fixture.log_in("anna", "some password");
  CHECK(shared.after(third, allowed, [&] {
    return shared.by_admin("PATCH", "/v1/users/anna", R"({"password":"another password"})");
  }) == void_token);
}

TEST_CASE("a cluster that becomes private is hidden from others at once", "[service]") {
  const shared_cluster shared("project");
  const std::string bert = shared.fixture.member("bert", "lab_one");
  const auto show_to = [&](const std::string& whom) {
    return shared.fixture
        .ask("PATCH", "/v1/clusters/" + shared.id, R"({"visibility":")" + whom + "\"}", shared.anna)
        .status;
  };
  CHECK(shared.after(bert, {200, 403}, [&] { return show_to("private"); }) == hidden);
  CHECK(shared.after(bert, hidden, [&] { return show_to("project"); }) == outcome{200, 403});
}

TEST_CASE("a project's administrator who is no longer one may not train others' clusters",
          "[service]") {
  const shared_cluster shared;
  shared.fixture.member("bert", "lab_one");
  const auto lead = [&](const std::string& leads) {
    return shared.by_admin("PUT", "/v1/projects/lab_one/members/bert",
                           R"({"role":"member","is_project_admin":)" + leads + '}');
  };
  REQUIRE(lead("true") == 200);
  const std::string bert = shared.fixture.log_in("bert", "some password");
  CHECK(shared.after(bert, allowed, [&] { return lead("false"); }) == hidden);
}

TEST_CASE("an administrator who is no longer one is shut out at once", "[service]") {
  const shared_cluster shared;
  REQUIRE(shared.by_admin("POST", "/v1/users",
                          R"({"id":"chief","name":"a user","password":"some password",)"
                          R"("is_admin":true})") == 201);
  const std::string chief = shared.fixture.log_in("chief", "some password");
  CHECK(shared.after(chief, allowed, [&] {
    return shared.by_admin("PATCH", "/v1/users/chief", R"({"is_admin":false})");
  }) == void_token);
}

TEST_CASE("a cluster that is deleted is gone at once", "[service]") {
  const shared_cluster shared;
  CHECK(shared.after(shared.anna, allowed, [&] {
    return shared.by_admin("DELETE", "/v1/clusters/" + shared.id);
  }) == hidden);
}

TEST_CASE("a question too long for a network thread is answered as well", "[service]") {
  const shared_cluster shared;
  const std::string blanks(100'000, ' ');
  CHECK(shared.fixture
            .ask("POST", "/v1/clusters/" + shared.id + "/infer", question + blanks, shared.anna)
            .status == 200);
  CHECK(shared.fixture
            .ask("POST", "/v1/clusters/" + shared.id + "/train", lesson + blanks, shared.anna)
            .status == 200);
}
