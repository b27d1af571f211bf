// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "identities.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "../../../foundation/error.hpp"
#include "../../base/clock.hpp"
#include "../../base/compile.hpp"
#include "../../base/refusal.hpp"
#include "../../base/uuid.hpp"
#include "../account_rows.hpp"
#include "id_token.hpp"
#include "provider.hpp"

namespace hanami::service::access::oidc {

namespace detail {

inline constexpr std::string_view select_links =
    "SELECT id, issuer, subject, created_at, used_at FROM identities ";

inline identity_link read_link(const store::statement& from) {
  return {from.text(0), from.text(1), from.text(2), from.integer(3), from.integer(4)};
}

/// As the API wants ids of users to be.
inline bool can_be_id(std::string_view text) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return text.size() >= 4 && text.size() <= 254 &&
         letters.find(text.front()) != std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return letters.find(c) != std::string_view::npos ||
                  std::string_view("0123456789_@.-").find(c) != std::string_view::npos;
         });
}

inline void insert_link(store::connection& on, const identity_link& link,
                        std::string_view user_id) {
  on.execute("INSERT INTO identities (id, issuer, subject, user_id, created_at, used_at) "
             "VALUES (?, ?, ?, ?, ?, ?)",
             link.id, link.issuer, link.subject, user_id, link.created_at, link.used_at);
}

} // namespace detail

HANAMI_SERVICE_INLINE identities::identities(store::database& db, accounts& all,
                                             const oidc_settings& settings, const policy& rules,
                                             logger& log)
    : db_(db), accounts_(all), settings_(settings), log_(log) {
  const auto expect_role = [&](const char* name, const std::string& role) {
    const auto& known = rules.roles();
    if (std::find(known.begin(), known.end(), role) == known.end()) {
      raise(errc::invalid_argument,
            std::string(name) + ": no policy knows the role '" + role + "'");
    }
  };
  if (!settings.project.empty()) {
    expect_role("oidc.role", settings.role);
  }
  for (const std::string& each : settings.roles) {
    const std::size_t equals = each.rfind('=');
    const std::size_t colon = each.find(':', equals);
    granted_role made{each.substr(0, equals), {}, {}};
    if (colon != std::string::npos) {
      made.project = each.substr(equals + 1, colon - equals - 1);
      made.role = each.substr(colon + 1);
      expect_role("oidc.roles", made.role);
    }
    roles_.push_back(std::move(made));
  }
}

HANAMI_SERVICE_INLINE std::vector<std::string> identities::wanted_claims() const {
  std::vector<std::string> wanted{settings_.user_claim};
  if (!settings_.groups_claim.empty()) {
    wanted.push_back(settings_.groups_claim);
  }
  return wanted;
}

HANAMI_SERVICE_INLINE user identities::enter(const json::object& claims) {
  const std::string subject = detail::word_in(claims, "sub").value_or("");
  const std::string id = find_or_make(claims, subject);
  give_roles(accounts_.get_user(id), claims);
  return accounts_.get_user(id);
}

HANAMI_SERVICE_INLINE new_user identities::user_from(const json::object& claims) const {
  const json::value* const named = claim_at(claims, settings_.user_claim);
  const std::vector<std::string> words = detail::words_of(named);
  if (named == nullptr || !named->is_string()) {
    throw forbidden("the provider does not say '" + settings_.user_claim +
                    "', which is to name the user");
  }
  const std::string& id = words.front();
  if (!detail::can_be_id(id)) {
    throw forbidden("'" + id.substr(0, 254) +
                    "' cannot be the id of a user here: a letter, then letters, digits, _ @ . - "
                    "make one, 4 to 254 in all");
  }
  const json::value* const verified = claims.if_contains("email_verified");
  const bool doubtful =
      verified != nullptr && *verified != json::value(true) && *verified != json::value("true");
  if (settings_.user_claim == "email" && doubtful) {
    throw forbidden("the provider has not verified the address '" + id + "'");
  }
  const std::string name = detail::word_in(claims, "name").value_or("");
  const bool good =
      !name.empty() && name.size() <= 254 && std::none_of(name.begin(), name.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
      });
  return {id, good ? name : id, {}, false};
}

HANAMI_SERVICE_INLINE std::string identities::find_or_make(const json::object& claims,
                                                           const std::string& subject) {
  const std::int64_t now = now_ms();
  // Whatever else is decided, within one transaction: two first log-ins make one user.
  return db_.write_anyway([&](store::connection& on) -> std::string {
    std::optional<std::string> known;
    {
      store::statement row =
          on.query("SELECT user_id FROM identities WHERE issuer = ? AND subject = ?",
                   settings_.issuer, subject);
      if (row.step()) {
        known = row.text(0);
      }
    }
    if (known) {
      on.execute("UPDATE identities SET used_at = ? WHERE issuer = ? AND subject = ?", now,
                 settings_.issuer, subject);
      return *known;
    }
    if (!settings_.create_users) {
      throw forbidden("no user here belongs to '" + subject +
                      "' of the provider; an administrator can link one");
    }
    const new_user wanted = user_from(claims);
    if (access::detail::find_user(on, wanted.id)) {
      throw conflict("another user has the id '" + wanted.id +
                     "'; an administrator can link that user to '" + subject +
                     "' of the provider, if it is the same person");
    }
    access::detail::insert_user(on, wanted, accounts_.nobodys_hash(),
                                access::detail::made_at_start);
    on.execute("UPDATE users SET has_password = 0 WHERE id = ?", wanted.id);
    detail::insert_link(on, {new_uuid(), settings_.issuer, subject, now, now}, wanted.id);
    if (!settings_.project.empty()) {
      access::detail::project_of(on, settings_.project);
      access::detail::insert_membership(on, wanted.id, {settings_.project, settings_.role, false});
    }
    log_.info("access", "the user '" + wanted.id + "' is made: the provider vouches for them");
    return wanted.id;
  });
}

HANAMI_SERVICE_INLINE void identities::give_roles(const user& to, const json::object& claims) {
  const std::vector<std::string> groups =
      detail::words_of(claim_at(claims, settings_.groups_claim));
  std::map<std::string, std::string> wanted; // by project; no role: none
  std::optional<bool> admin;
  for (const granted_role& each : roles_) {
    const bool has = std::find(groups.begin(), groups.end(), each.group) != groups.end();
    if (each.project.empty()) {
      admin = admin.value_or(false) || has;
      continue;
    }
    std::string& role = wanted[each.project]; // the first of several holds
    if (has && role.empty()) {
      role = each.role;
    }
  }
  const auto attempt = [&](const auto& change) {
    try {
      change();
    } catch (const refusal& why) {
      log_.warning("access",
                   "the roles of '" + to.id + "' are not as the provider says: " + why.what());
    }
  };
  for (const auto& each : wanted) {
    const std::string& project = each.first;
    const std::string& role = each.second;
    const auto has = std::find_if(to.projects.begin(), to.projects.end(),
                                  [&](const membership& m) { return m.project_id == project; });
    const bool member = has != to.projects.end();
    if (role.empty() && member) {
      attempt([&] { accounts_.leave_project(to.id, project); });
    } else if (!role.empty() && (!member || has->role != role)) {
      attempt([&] { accounts_.set_member(to.id, {project, role, member && has->project_admin}); });
    }
  }
  if (admin && *admin != to.admin) {
    user_change change;
    change.admin = *admin;
    attempt([&] { accounts_.update_user(to.id, change); });
  }
}

HANAMI_SERVICE_INLINE std::vector<identity_link> identities::list(std::string_view user_id) {
  return db_.read([&](store::connection& on) {
    access::detail::user_of(on, user_id);
    std::vector<identity_link> found;
    store::statement rows = on.query(
        std::string(detail::select_links) + "WHERE user_id = ? ORDER BY created_at, id", user_id);
    while (rows.step()) {
      found.push_back(detail::read_link(rows));
    }
    return found;
  });
}

HANAMI_SERVICE_INLINE identity_link identities::add(std::string_view user_id,
                                                    std::string_view subject) {
  identity_link made{new_uuid(), settings_.issuer, std::string(subject), now_ms(), 0};
  db_.write([&](store::connection& on) {
    access::detail::user_of(on, user_id);
    try {
      detail::insert_link(on, made, user_id);
    } catch (const store::constraint_error&) {
      throw conflict("'" + made.subject + "' of the provider belongs to a user already");
    }
  });
  return made;
}

HANAMI_SERVICE_INLINE void identities::remove(std::string_view user_id, std::string_view id) {
  db_.write_anyway([&](store::connection& on) {
    if (on.execute("DELETE FROM identities WHERE user_id = ? AND id = ?", user_id, id) == 0) {
      throw not_found("identity", std::string(id));
    }
  });
}

} // namespace hanami::service::access::oidc
