// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "registry.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "../../foundation/error.hpp"
#include "../base/compile.hpp"

namespace hanami::service::api {

namespace detail {

/// Views into `path`, which begins with a slash.
inline std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    path.remove_prefix(1); // the slash
    const std::size_t end = std::min(path.find('/'), path.size());
    parts.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return parts;
}

inline bool is_placeholder(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

inline std::string_view placeholder_name(std::string_view segment) {
  return segment.substr(1, segment.size() - 2);
}

/// One more than the number of fixed parts of the endpoint's path; 0: the path does not match.
inline std::size_t likeness(const std::vector<std::string>& segments,
                            const std::vector<std::string_view>& asked) {
  if (segments.size() != asked.size()) {
    return 0;
  }
  std::size_t fixed = 1;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const bool same = segments[i] == asked[i];
    if (!same && (asked[i].empty() || !is_placeholder(segments[i]))) {
      return 0;
    }
    fixed += is_placeholder(segments[i]) ? 0U : 1U;
  }
  return fixed;
}

[[noreturn]] inline void refuse_endpoint(const endpoint& wrong, const std::string& why) {
  throw error(errc::invalid_argument,
              std::string("endpoint ") + wrong.method + ' ' + wrong.path + ": " + why);
}

/// The values of path, query and body share one object, so their names must differ; those of the
/// path must be described.
inline void check_names(const endpoint& added, const std::vector<std::string>& segments) {
  std::set<std::string_view> names;
  const auto take = [&](const schema& from) {
    for (const schema_property& m : from.properties()) {
      if (!names.insert(m.name).second) {
        refuse_endpoint(added, "the name '" + m.name + "' is used twice");
      }
    }
  };
  take(added.path_values);
  std::size_t placeholders = 0;
  for (const std::string& segment : segments) {
    if (is_placeholder(segment)) {
      ++placeholders;
      if (names.count(placeholder_name(segment)) == 0) {
        refuse_endpoint(added, segment + " is not described");
      }
    }
  }
  if (placeholders != names.size()) {
    refuse_endpoint(added, "values of the path are described that it does not have");
  }
  take(added.query);
  if (added.body && added.body->kind() == value_kind::object) {
    take(*added.body);
  }
}

} // namespace detail

HANAMI_SERVICE_INLINE void registry::add(endpoint added) {
  if (added.path.empty() || added.path.front() != '/' || added.id.empty()) {
    detail::refuse_endpoint(added, "needs an id and a path that begins with /");
  }
  if (!added.handle == !added.handle_later) {
    detail::refuse_endpoint(added, "needs one function that answers it");
  }
  const std::vector<std::string_view> parts = detail::split_path(added.path);
  std::vector<std::string> segments(parts.begin(), parts.end());
  detail::check_names(added, segments);
  for (const auto& other : endpoints_) {
    if (other->id == added.id || (other->method == added.method && other->path == added.path)) {
      detail::refuse_endpoint(added, "is there already");
    }
  }
  endpoints_.push_back(std::make_unique<endpoint>(std::move(added)));
  segments_.push_back(std::move(segments));
}

HANAMI_SERVICE_INLINE registry::match registry::find(std::string_view method,
                                                     std::string_view path) const {
  match result;
  if (path.empty() || path.front() != '/') {
    return result;
  }
  const std::vector<std::string_view> asked = detail::split_path(path);
  // Of two that match, the one with more fixed parts counts: /tasks/count before /tasks/{task_id}.
  std::size_t most = 0;
  std::size_t best = 0;
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    const std::size_t fixed =
        endpoints_[i]->method == method ? detail::likeness(segments_[i], asked) : 0;
    if (fixed > most) {
      most = fixed;
      best = i;
    }
  }
  if (most > 0) {
    result.found = endpoints_[best].get();
    for (std::size_t i = 0; i < asked.size(); ++i) {
      if (detail::is_placeholder(segments_[best][i])) {
        result.path_values[detail::placeholder_name(segments_[best][i])] = asked[i];
      }
    }
    return result;
  }
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    if (detail::likeness(segments_[i], asked) > 0) {
      result.allowed += (result.allowed.empty() ? "" : ", ") + endpoints_[i]->method;
    }
  }
  return result;
}

} // namespace hanami::service::api
