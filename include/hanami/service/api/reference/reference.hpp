// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../../store/page.hpp"
#include "../registry.hpp"

/// What the endpoints of the reference's API have in common.

namespace hanami::service::api {
struct services;
}

namespace hanami::service::api::detail {

/// The only host; its UUID never changes.
inline constexpr const char* reference_host_uuid = "68616e61-6d69-4000-8000-000000000001";

struct reference_route {
  const char* method;
  const char* path; ///< below /v1.0alpha/
  const char* summary;
  api::audience audience = api::audience::user;
  bool hashes_passwords = false; ///< this and the next as of `endpoint`
  std::function<void(const http::request&)> limit_rate = nullptr;
};

/// Registers endpoints in the reference's dialect.
class reference_adder {
 public:
  explicit reference_adder(registry& to) : to_(to) {}

  void operator()(const reference_route& route, schema query, std::optional<schema> body,
                  std::function<answer(request_context&)> handle) const {
    endpoint added = endpoint_of(route, std::move(query), std::move(body));
    added.handle = std::move(handle);
    to_.add(std::move(added));
  }
  /// For one that answers later, as `endpoint::handle_later`.
  void later(const reference_route& route, schema query, std::optional<schema> body,
             std::function<void(std::shared_ptr<request_context>, completion)> handle) const {
    endpoint added = endpoint_of(route, std::move(query), std::move(body));
    added.handle_later = std::move(handle);
    to_.add(std::move(added));
  }

 private:
  static endpoint endpoint_of(const reference_route& route, schema query,
                              std::optional<schema> body) {
    endpoint added;
    added.dialect = dialect::reference;
    added.method = route.method;
    added.path = std::string("/v1.0alpha/") + route.path;
    added.id = std::string("reference_") + route.method + '_' + route.path;
    for (char& c : added.id) {
      c = c == '/' ? '_' : c;
    }
    const std::string path = route.path;
    added.tag = path.substr(0, path.find('/'));
    added.summary = route.summary;
    added.audience = route.audience;
    added.hashes_passwords = route.hashes_passwords;
    added.query = std::move(query);
    added.body = std::move(body);
    added.response_schema = schema::any();
    added.response_type = "text/json";
    added.refusals = {404, 409};
    added.limit_rate = route.limit_rate;
    return added;
  }

  registry& to_;
};

/// All rows of a paged list: the reference's lists have no pages.
template <class Row, class Get>
std::vector<Row> all_pages(Get get) {
  std::vector<Row> rows;
  store::page_request wanted;
  wanted.limit = 1000;
  do {
    store::page<Row> part = get(wanted);
    rows.insert(rows.end(), std::make_move_iterator(part.rows.begin()),
                std::make_move_iterator(part.rows.end()));
    wanted.after = part.next;
  } while (!wanted.after.empty());
  return rows;
}

/// `{"header": [names], "body": [[row], ...]}`.
inline answer reference_table(const std::vector<const char*>& header, json::array body) {
  json::array names(header.begin(), header.end());
  return answer(json::object{{"header", std::move(names)}, {"body", std::move(body)}});
}

void add_reference_work(reference_adder add, services& with);

} // namespace hanami::service::api::detail
