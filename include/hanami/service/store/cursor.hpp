// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include "../base/refusal.hpp"
#include "page.hpp"

/// How lists are cut into pages: by the place of the last row, so that a page is found by an index
/// and rows that come and go in between move nothing.

namespace hanami::service::store::detail {

/// Place of a row: what the list is ordered by (time or number), then the id.
struct page_cursor {
  std::int64_t order = -1;
  std::string id;
};

inline refusal invalid_page(const char* name, const std::string& detail) {
  refusal why = invalid_value(detail);
  why.faults.push_back({std::string("query/") + name, detail});
  return why;
}

/// The begin for an empty text. Throws `invalid_value` for what `cursor_text` has not made.
inline page_cursor cursor_from(std::string_view text) {
  page_cursor place;
  if (text.empty()) {
    return place;
  }
  const char* const end = text.data() + text.size();
  const auto [behind, trouble] = std::from_chars(text.data(), end, place.order);
  if (trouble != std::errc() || place.order < 0 || end - behind < 2 || end - behind > 255 ||
      *behind != ':') {
    throw invalid_page("after", "'after' must be the 'next' of the page before");
  }
  place.id.assign(behind + 1, end);
  return place;
}

inline std::string cursor_text(std::int64_t order, const std::string& id) {
  return std::to_string(order) + ":" + id;
}

/// For `LIKE ? ESCAPE '\'`: all that contains this text.
inline std::string like_pattern(std::string_view text) {
  std::string pattern = "%";
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '\\') {
      pattern += '\\';
    }
    pattern += c;
  }
  return pattern + "%";
}

/// Rows that a statement asks for: one more than wanted shows whether there is a next page.
inline std::int64_t rows_to_ask_for(const page_request& wanted) {
  if (wanted.limit < 1 || wanted.limit > 1000) {
    throw invalid_page("limit", "'limit' must be 1 to 1000");
  }
  return std::int64_t{wanted.limit} + 1;
}

/// Takes the row away that was one too many, and says where to go on. `place_of(row)` gives the
/// cursor's text.
template <class Row, class PlaceOf>
void end_page(page<Row>& rows, const page_request& wanted, PlaceOf place_of) {
  if (rows.rows.size() > wanted.limit) {
    rows.rows.resize(wanted.limit);
    rows.next = place_of(rows.rows.back());
  }
}

} // namespace hanami::service::store::detail
