// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <hanami/foundation/error.hpp>
#include <hanami/service/access/accounts.hpp>
#include <hanami/service/base/refusal.hpp>
#include <hanami/service/store/database.hpp>

#include <optional>
#include <string>
#include <utility>

#include "service/support/refusal_of.hpp"
#include "support/scratch_folder.hpp"

/// What the tests of storage and accounts share.
namespace service_test {

using failure = std::pair<hanami::errc, std::string>;

/// Code and text of the `error` that `work` ends in.
template <class Work>
failure failure_of(Work&& work) {
  try {
    work();
  } catch (const hanami::error& why) {
    return {static_cast<hanami::errc>(why.code().value()), why.what()};
  }
  return {hanami::errc{}, "none"};
}

/// What a refusal may be compared with.
inline constexpr auto unknown = hanami::service::refusal_code::unauthenticated;
inline const std::optional<hanami::service::refusal_code> fine;

inline bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A database with accounts whose passwords cost little.
struct account_bench {
  scratch_folder folder;
  hanami::service::server_config config = [this] {
    hanami::service::server_config made;
    made.data = folder.path / "data";
    made.auth.light_passwords = true;
    made.auth.logins_per_second = 1e6;
    return made;
  }();
  hanami::service::store::database db{folder.path / "database"};
  hanami::service::access::accounts accounts{db, config};

  hanami::service::access::user add_user(const std::string& id, bool admin = false) {
    return accounts.create_user({id, "Name of " + id, password_of(id), admin}, "test");
  }
  static std::string password_of(const std::string& id) { return "the password of " + id; }
};

/// Texts that try to be more than texts.
inline const std::string nasty_texts[] = {
    "Robert'); DROP TABLE users;--",
    "' OR '1'='1",
    "\" OR \"\"=\"",
    "%",
    "_",
    "\\",
    "%' ESCAPE '!",
    "a;b",
    "?1 ?2 :name @name $name",
    "/*",
    "NULL",
    "\xc3\xa4\xe2\x82\xac\xf0\x9f\x8c\xb8",
};

} // namespace service_test
