// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "../base/identity.hpp"

/// Which role may do what.

namespace hanami::service::access {

/// Paths, methods and the roles that may call them; what is not said is denied. Grammar:
///
///     # a comment, up to the end of the line
///     v1.0alpha/cluster
///     - GET: admin, member, viewer
///     - POST: admin, member
///     v1/clusters/{cluster_id}
///     - GET: *
///
/// A path is that of an endpoint as registered, without the leading slash, or ends in /* for
/// everything below it; of several that match, only the longest counts. Methods are GET, POST, PUT,
/// PATCH and DELETE; roles consist of letters, digits and _; the role `*` matches all. A path
/// starts a line; otherwise blanks and line ends merely separate.
class policy {
 public:
  /// Throws `errc::invalid_argument` with line, column and what was expected; the same path twice
  /// is an error, and so is the same method twice below a path. `name`: of the file.
  static policy parse(std::string_view text, std::string_view name);
  /// Of a file of at most 1 MiB; the built-in one without. Throws as `parse`, and
  /// `errc::file_error`.
  static policy load(const std::filesystem::path& file);
  /// The text of the built-in policy: "admin" and "member" may call everything (what is reserved
  /// for administrators is checked independently of the policy), "viewer" may read and infer;
  /// everybody may log out, switch projects and change the own password.
  static std::string_view built_in();

  bool allows(std::string_view path, std::string_view method, std::string_view role) const;
  /// Whether role, token and second factor of the caller permit it.
  bool allows(std::string_view path, std::string_view method, const identity& caller) const;
  /// All roles that the policy names, without `*`.
  std::set<std::string, std::less<>> roles() const;

 private:
  using role_set = std::set<std::string, std::less<>>;
  using methods = std::map<std::string, role_set, std::less<>>;
  const methods* methods_of(std::string_view path) const;

  std::map<std::string, methods, std::less<>> paths_; ///< without the /*, which `below_` holds
  std::map<std::string, methods, std::less<>> below_;
};

} // namespace hanami::service::access
