// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "metrics.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "../base/compile.hpp"

namespace hanami::service::monitor {

namespace detail {

/// A number as Prometheus reads it.
inline std::string metric_number(double number) {
  if (std::isnan(number)) {
    return "NaN";
  }
  if (std::isinf(number)) {
    return number > 0 ? "+Inf" : "-Inf";
  }
  constexpr double exact = 9007199254740992; // integers below are written as such
  char text[40];
  const bool whole = std::abs(number) < exact && number == std::floor(number);
  const int length = std::snprintf(text, sizeof text, whole ? "%.0f" : "%.17g", number);
  return {text, static_cast<std::size_t>(length)};
}

/// The bound of a bucket: "0.005".
inline std::string metric_bound(double bound) {
  char text[32];
  const int length = std::snprintf(text, sizeof text, "%g", bound);
  return {text, static_cast<std::size_t>(length)};
}

/// Quotes are escaped in label values only.
inline void append_escaped(std::string& to, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\n') {
      to += "\\n";
    } else {
      if (c == '\\' || (quotes && c == '"')) {
        to += '\\';
      }
      to += c;
    }
  }
}

/// Turns what a name must not have into underscores.
inline std::string metric_name(std::string_view name, bool colons) {
  std::string good;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool digit = c >= '0' && c <= '9';
    if (digit && good.empty()) {
      good += '_';
    }
    good += letter || digit || (colons && c == ':') ? c : '_';
  }
  return good.empty() ? "_" : good;
}

} // namespace detail

HANAMI_SERVICE_INLINE void metrics_text::family(std::string_view name, std::string_view type,
                                                std::string_view help) {
  name_ = detail::metric_name(name, true);
  text_ += "# HELP ";
  text_ += name_;
  text_ += ' ';
  detail::append_escaped(text_, help, false);
  text_ += "\n# TYPE ";
  text_ += name_;
  text_ += ' ';
  text_ += type;
  text_ += '\n';
}

HANAMI_SERVICE_INLINE void metrics_text::value(double number, const labels& with,
                                               std::string_view suffix) {
  text_ += name_;
  text_ += suffix;
  char separator = '{';
  for (const auto& [label, text] : with) {
    text_ += separator;
    text_ += detail::metric_name(label, false);
    text_ += "=\"";
    detail::append_escaped(text_, text, true);
    text_ += '"';
    separator = ',';
  }
  if (!with.empty()) {
    text_ += '}';
  }
  text_ += ' ';
  text_ += detail::metric_number(number);
  text_ += '\n';
}

HANAMI_SERVICE_INLINE void request_counts::add(std::string_view operation, unsigned status,
                                               double seconds) {
  counters* found = nullptr;
  {
    const std::lock_guard lock(mutex_);
    auto place = operations_.find(operation);
    if (place == operations_.end()) {
      place = operations_.try_emplace(std::string(operation)).first;
    }
    found = &place->second;
  }
  seconds = std::max(seconds, 0.0); // and not NaN
  const auto bound = std::lower_bound(bounds_s.begin(), bounds_s.end(), seconds);
  const std::size_t by_class = std::min<std::size_t>(status / 100, found->by_class.size() - 1);
  found->by_class[by_class].fetch_add(1, std::memory_order_relaxed);
  found->by_time[static_cast<std::size_t>(bound - bounds_s.begin())].fetch_add(
      1, std::memory_order_relaxed);
  found->nanoseconds.fetch_add(static_cast<std::uint64_t>(std::min(seconds, 1e9) * 1e9),
                               std::memory_order_relaxed);
}

HANAMI_SERVICE_INLINE void request_counts::write(metrics_text& to) const {
  const std::lock_guard lock(mutex_);
  to.family("hanami_requests_total", "counter", "Requests by operation and class of status.");
  for (const auto& [operation, counted] : operations_) {
    for (std::size_t i = 0; i < counted.by_class.size(); ++i) {
      if (const std::uint64_t count = counted.by_class[i].load(std::memory_order_relaxed)) {
        const std::string status = std::to_string(i) + "xx";
        to.value(static_cast<double>(count), {{"operation", operation}, {"status", status}});
      }
    }
  }
  to.family("hanami_request_seconds", "histogram", "How long requests took, by operation.");
  for (const auto& [operation, counted] : operations_) {
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < counted.by_time.size(); ++i) {
      count += counted.by_time[i].load(std::memory_order_relaxed);
      const std::string bound = i < bounds_s.size() ? detail::metric_bound(bounds_s[i]) : "+Inf";
      to.value(static_cast<double>(count), {{"operation", operation}, {"le", bound}}, "_bucket");
    }
    const auto nanoseconds = counted.nanoseconds.load(std::memory_order_relaxed);
    to.value(static_cast<double>(nanoseconds) * 1e-9, {{"operation", operation}}, "_sum");
    to.value(static_cast<double>(count), {{"operation", operation}}, "_count");
  }
}

} // namespace hanami::service::monitor
