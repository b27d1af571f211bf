// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hanami::service::store {

/// What lists of resources can be ordered by; all others are ordered by creation.
enum class list_order : std::uint8_t { created_at, updated_at, name, bytes };

/// Which part of a list. Ties are ordered by id.
struct page_request {
  std::uint32_t limit = 100; ///< 1..1000
  std::string after;         ///< `next` of the previous page, of the same order; empty: the first
  std::string name;          ///< only those whose name contains this; empty: all
  list_order by = list_order::created_at;
  bool descending = false; ///< newest, largest, last in the alphabet first
};

template <class Row>
struct page {
  std::vector<Row> rows;
  std::string next;        ///< empty: this is the last page
  std::uint64_t total = 0; ///< rows on all pages
};

} // namespace hanami::service::store
