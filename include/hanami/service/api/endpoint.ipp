// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "endpoint.hpp"

#include <charconv>
#include <set>

#include "../../foundation/error.hpp"

namespace hanami::service::api {

namespace detail {

inline std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    path.remove_prefix(1); // the slash
    const std::size_t end = std::min(path.find('/'), path.size());
    parts.emplace_back(path.substr(0, end));
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

[[noreturn]] inline void refuse_endpoint(const endpoint& wrong, const std::string& why) {
  throw error(errc::invalid_argument,
              std::string("endpoint ") + wrong.method + ' ' + wrong.path + ": " + why);
}

/// Path, query and body end in one object: their names must differ, and those of the path be known.
inline void check_names(const endpoint& added, const std::vector<std::string>& segments) {
  std::set<std::string_view> names;
  const auto take = [&](const schema& from) {
    for (const schema_member& m : from.members()) {
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

HANAMI_SERVICE_INLINE std::optional<std::uint64_t> call::expected_version() const {
  std::string_view tag = request.headers.get("If-Match");
  if (tag.size() < 2 || tag.front() != '"' || tag.back() != '"') {
    return {};
  }
  tag = tag.substr(1, tag.size() - 2);
  std::uint64_t version = 0;
  const auto parsed = std::from_chars(tag.data(), tag.data() + tag.size(), version);
  if (parsed.ec != std::errc() || parsed.ptr != tag.data() + tag.size()) {
    return 0; // no version has this number: it never matches
  }
  return version;
}

HANAMI_SERVICE_INLINE void registry::add(endpoint added) {
  if (added.path.empty() || added.path.front() != '/' || added.id.empty()) {
    detail::refuse_endpoint(added, "needs an id and a path that begins with /");
  }
  if (!added.handle == !added.handle_later) {
    detail::refuse_endpoint(added, "needs one function that answers it");
  }
  std::vector<std::string> segments = detail::split_path(added.path);
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
  const std::vector<std::string> asked = detail::split_path(path);
  std::size_t best_fixed = 0;
  for (std::size_t i = 0; i < endpoints_.size(); ++i) {
    const std::vector<std::string>& segments = segments_[i];
    if (segments.size() != asked.size()) {
      continue;
    }
    bool fits = true;
    std::size_t fixed = 1;
    for (std::size_t s = 0; s < segments.size() && fits; ++s) {
      const bool open = detail::is_placeholder(segments[s]);
      fits = open ? !asked[s].empty() : segments[s] == asked[s];
      fixed += open ? 0U : 1U;
    }
    if (!fits) {
      continue;
    }
    result.allowed += (result.allowed.empty() ? "" : ", ") + endpoints_[i]->method;
    // Of two that fit, the one with more fixed parts counts: /tasks/count before /tasks/{task_id}.
    if (endpoints_[i]->method == method && fixed > best_fixed) {
      best_fixed = fixed;
      result.found = endpoints_[i].get();
      result.path_values.clear();
      for (std::size_t s = 0; s < segments.size(); ++s) {
        if (detail::is_placeholder(segments[s])) {
          result.path_values[detail::placeholder_name(segments[s])] = asked[s];
        }
      }
    }
  }
  return result;
}

} // namespace hanami::service::api
