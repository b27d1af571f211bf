// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include "../base/refusal.hpp"
#include "page.hpp"

/// Paging by the position of the last row, so that a page is found through an index, and rows that
/// come and go in between do not shift it.

namespace hanami::service::store::detail {

/// Position of a row: what the list is ordered by (time or number), then the id.
struct page_cursor {
  std::int64_t order = -1;
  std::string text; ///< instead of `order`, of a list that is ordered by a text
  std::string id;
};

inline refusal invalid_page(const char* name, const std::string& detail) {
  refusal why = invalid_value(detail);
  why.faults.push_back({std::string("query/") + name, detail});
  return why;
}

/// The start of the list for an empty text. Throws `invalid_value` for a text that is not from
/// `cursor_text`.
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

/// The same for a list that is ordered by a text.
inline page_cursor text_cursor_from(std::string_view text) {
  page_cursor place;
  const std::size_t colon = text.rfind(':');
  if (text.empty()) {
    return place;
  }
  if (colon == std::string_view::npos || text.size() - colon < 2) {
    throw invalid_page("after", "'after' must be the 'next' of the page before");
  }
  place.text = text.substr(0, colon);
  place.id = text.substr(colon + 1);
  return place;
}

inline std::string cursor_text(std::int64_t order, const std::string& id) {
  return std::to_string(order) + ":" + id;
}

/// A pattern for `LIKE ? ESCAPE '\'` that matches whatever contains this text.
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

/// The number of rows to select: one more than wanted shows whether there is a next page.
inline std::int64_t rows_to_ask_for(const page_request& wanted) {
  if (wanted.limit < 1 || wanted.limit > 1000) {
    throw invalid_page("limit", "'limit' must be 1 to 1000");
  }
  return std::int64_t{wanted.limit} + 1;
}

/// Drops the extra row, if there is one, and notes where the next page starts. `place_of(row)`
/// returns the cursor's text.
template <class Row, class PlaceOf>
void end_page(page<Row>& rows, const page_request& wanted, PlaceOf place_of) {
  if (rows.rows.size() > wanted.limit) {
    rows.rows.resize(wanted.limit);
    rows.next = place_of(rows.rows.back());
  }
}

} // namespace hanami::service::store::detail
