// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hanami::service::store {

/// Which part of a list. Lists are ordered by creation, oldest first, ties by id.
struct page_request {
  std::uint32_t limit = 100; ///< 1..1000
  std::string after;         ///< `next` of the previous page; empty: the first page
  std::string name;          ///< only those whose name contains this; empty: all
};

template <class Row>
struct page {
  std::vector<Row> rows;
  std::string next;        ///< empty: this is the last page
  std::uint64_t total = 0; ///< rows on all pages
};

} // namespace hanami::service::store
