// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "policy.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "../../foundation/error.hpp"
#include "../../io/file.hpp"
#include "../base/compile.hpp"
#include "scopes.hpp"

namespace hanami::service::access {

namespace detail {

inline constexpr std::array<std::string_view, 5> policy_methods = {"GET", "POST", "PUT", "PATCH",
                                                                   "DELETE"};

inline bool is_role_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

inline bool is_role(std::string_view word) {
  return word == "*" || (!word.empty() && std::all_of(word.begin(), word.end(), is_role_letter));
}

/// "cluster_id" in braces, or letters, digits, _ - and dots.
inline bool is_path_segment(std::string_view segment) {
  if (segment.size() > 2 && segment.front() == '{' && segment.back() == '}') {
    return is_role(segment.substr(1, segment.size() - 2)) && segment[1] != '*';
  }
  return !segment.empty() && segment.front() != '-' &&
         std::all_of(segment.begin(), segment.end(),
                     [](char c) { return is_role_letter(c) || c == '-' || c == '.'; });
}

inline bool is_policy_path(std::string_view path) {
  if (path.ends_with("/*")) {
    path.remove_suffix(2);
  }
  while (true) {
    const std::size_t slash = path.find('/');
    if (!is_path_segment(path.substr(0, slash))) {
      return false;
    }
    if (slash == std::string_view::npos) {
      return true;
    }
    path.remove_prefix(slash + 1);
  }
}

/// Splits a policy into words and punctuation, and knows its position.
class policy_reader {
 public:
  policy_reader(std::string_view text, std::string_view name) : text_(text), name_(name) { next(); }

  /// The current word or punctuation; empty at the end.
  std::string_view word() const noexcept { return text_.substr(begin_, end_ - begin_); }
  bool done() const noexcept { return begin_ == text_.size(); }
  bool begins_line() const noexcept { return begins_line_; }

  /// Skips the current word if it is this one.
  bool take(std::string_view wanted) {
    if (word() != wanted) {
      return false;
    }
    next();
    return true;
  }
  std::string take_any() {
    std::string taken(word());
    next();
    return taken;
  }

  [[noreturn]] void fail(const std::string& expected) const {
    const std::string_view before = text_.substr(0, begin_);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t column = begin_ - (before.rfind('\n') + 1) + 1;
    std::string found = done() ? std::string("the end") : std::string("'");
    if (!done()) {
      found.append(word().substr(0, 80)) += '\'';
    }
    throw error(errc::invalid_argument, std::string(name_) + ":" + std::to_string(line) + ":" +
                                            std::to_string(column) + ": expected " + expected +
                                            ", found " + found);
  }

 private:
  static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
  static bool ends_word(char c) { return is_blank(c) || c == ':' || c == ',' || c == '#'; }

  void next() {
    begins_line_ = end_ == 0;
    begin_ = end_;
    while (begin_ < text_.size() && (is_blank(text_[begin_]) || text_[begin_] == '#')) {
      begins_line_ = begins_line_ || text_[begin_] == '\n';
      begin_ = text_[begin_] == '#' ? std::min(text_.find('\n', begin_), text_.size()) : begin_ + 1;
    }
    end_ = begin_;
    while (end_ < text_.size() && !ends_word(text_[end_])) {
      ++end_;
    }
    if (end_ == begin_ && !done()) {
      ++end_; // punctuation
    }
  }

  std::string_view text_;
  std::string_view name_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool begins_line_ = true;
};

/// "- GET: admin, member": the method; its roles are added to `roles`.
template <class Methods>
void read_policy_rule(policy_reader& from, Methods& to) {
  const std::string method(from.word());
  if (std::find(policy_methods.begin(), policy_methods.end(), method) == policy_methods.end()) {
    from.fail("GET, POST, PUT, PATCH or DELETE");
  }
  if (to.contains(method)) {
    from.fail("a method that the path does not have yet");
  }
  from.take_any();
  if (!from.take(":")) {
    from.fail("':'");
  }
  do {
    if (!is_role(from.word())) {
      from.fail("a role: letters, digits and _, or *");
    }
    to[method].insert(from.take_any());
  } while (from.take(","));
}

} // namespace detail

HANAMI_SERVICE_INLINE policy policy::parse(std::string_view text, std::string_view name) {
  policy result;
  detail::policy_reader from(text, name);
  while (!from.done()) {
    if (!from.begins_line()) {
      from.fail("',' before another role, or a new line before a path");
    }
    if (!detail::is_policy_path(from.word())) {
      from.fail("the path of an endpoint without its first '/', such as v1/clusters/{cluster_id} "
                "or v1/*");
    }
    const bool below = from.word().ends_with("/*");
    auto& paths = below ? result.below_ : result.paths_;
    const std::string_view path = from.word().substr(0, from.word().size() - (below ? 2 : 0));
    if (paths.contains(path)) {
      from.fail("a path that was not there before");
    }
    methods& rules = paths[std::string(path)];
    from.take_any();
    do {
      if (!from.take("-")) {
        from.fail("'- METHOD: role, role'");
      }
      detail::read_policy_rule(from, rules);
    } while (from.word() == "-");
  }
  return result;
}

HANAMI_SERVICE_INLINE policy policy::load(const std::filesystem::path& file) {
  if (file.empty()) {
    return parse(built_in(), "the built-in policy");
  }
  const std::vector<std::uint8_t> bytes = read_file(file, std::size_t{1} << 20);
  return parse(std::string(bytes.begin(), bytes.end()), file.string());
}

HANAMI_SERVICE_INLINE std::string_view policy::built_in() {
  return R"(# Roles: admin and member may do everything that is not for administrators alone; viewer
# may look at everything and ask clusters.
v1/*
- GET: *
- POST: admin, member
- PUT: admin, member
- PATCH: admin, member
- DELETE: admin, member
v1.0alpha/*
- GET: *
- POST: admin, member
- PUT: admin, member
- DELETE: admin, member

v1/clusters/{cluster_id}/infer
- POST: admin, member, viewer
v1/clusters/{cluster_id}/batch/infer
- POST: admin, member, viewer
v1/clusters/{cluster_id}/dataset/infer
- POST: admin, member, viewer

# What everybody does for himself.
v1/tickets
- POST: *
v1/sessions/project
- POST: *
v1/sessions/current
- DELETE: *
v1/me/*
- GET: *
- POST: *
- PUT: *
- DELETE: *
v1.0alpha/token
- PUT: *
)";
}

HANAMI_SERVICE_INLINE const policy::methods* policy::methods_of(std::string_view path) const {
  const auto exact = paths_.find(path);
  if (exact != paths_.end()) {
    return &exact->second;
  }
  for (std::size_t slash = path.rfind('/'); slash != std::string_view::npos && slash > 0;
       slash = path.rfind('/', slash - 1)) {
    const auto above = below_.find(path.substr(0, slash));
    if (above != below_.end()) {
      return &above->second;
    }
  }
  return nullptr;
}

HANAMI_SERVICE_INLINE bool policy::allows(std::string_view path, std::string_view method,
                                          std::string_view role) const {
  const methods* rules = methods_of(path);
  if (rules == nullptr) {
    return false;
  }
  const auto rule = rules->find(method);
  return rule != rules->end() && (rule->second.contains("*") || rule->second.contains(role));
}

HANAMI_SERVICE_INLINE bool policy::allows(std::string_view path, std::string_view method,
                                          const identity& caller) const {
  return allows(path, method, caller.role) && token_forbids(caller, path, method).empty() &&
         !awaits_second_factor(caller, path);
}

HANAMI_SERVICE_INLINE std::set<std::string, std::less<>> policy::roles() const {
  role_set named;
  for (const auto* paths : {&paths_, &below_}) {
    for (const auto& [path, rules] : *paths) {
      for (const auto& [method, allowed] : rules) {
        named.insert(allowed.begin(), allowed.end());
      }
    }
  }
  named.erase("*");
  return named;
}

} // namespace hanami::service::access
