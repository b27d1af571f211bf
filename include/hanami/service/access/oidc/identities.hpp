// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../../base/json.hpp"
#include "../../base/logger.hpp"
#include "../../base/settings.hpp"
#include "../../store/database.hpp"
#include "../accounts.hpp"
#include "../policy.hpp"

/// Who at the provider is which user here: by issuer and subject, never by a name or an address,
/// which somebody else may have tomorrow.

namespace hanami::service::access::oidc {

struct identity_link {
  std::string id;
  std::string issuer;
  std::string subject;
  std::int64_t created_at = 0; ///< milliseconds since 1970
  std::int64_t used_at = 0;    ///< 0: never
};

/// Safe from any thread.
class identities {
 public:
  /// Throws `errc::invalid_argument` where `oidc.role` or `oidc.roles` name a role that no policy
  /// knows.
  identities(store::database& db, accounts& all, const oidc_settings& settings, const policy& rules,
             logger& log);

  /// Claims that it looks at.
  std::vector<std::string> wanted_claims() const;

  /// The user of checked claims, whose roles are then as the claims say; one that is not known is
  /// made where the settings say so. Throws `refusal`: `forbidden` where there is none and none is
  /// made, or no user can have the name, `conflict` where another has it.
  user enter(const json::object& claims);

  std::vector<identity_link> list(std::string_view user_id);
  /// `conflict` where it is linked already, to whichever user; `not_found` without the user.
  identity_link add(std::string_view user_id, std::string_view subject);
  void remove(std::string_view user_id, std::string_view id);

 private:
  /// What a value of the claim of groups gives.
  struct granted_role {
    std::string group;
    std::string project; ///< empty: an administrator of all
    std::string role;
  };

  std::string find_or_make(const json::object& claims, const std::string& subject);
  new_user user_from(const json::object& claims) const;
  void give_roles(const user& to, const json::object& claims);

  store::database& db_;
  accounts& accounts_;
  const oidc_settings& settings_;
  logger& log_;
  std::vector<granted_role> roles_;
};

} // namespace hanami::service::access::oidc
