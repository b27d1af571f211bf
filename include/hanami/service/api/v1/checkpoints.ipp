// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "../../base/compile.hpp"
#include "../../base/refusal.hpp"
#include "endpoints.hpp"
#include "views.hpp"

namespace hanami::service::api {

namespace detail {

/// The content of a checkpoint's file.
class block_source final : public http::body_source {
 public:
  explicit block_source(std::shared_ptr<const data::block_reader> from) : from_(std::move(from)) {}

  std::optional<std::uint64_t> size() const override { return from_->size(); }
  std::size_t read(std::span<char> buffer) override {
    const std::size_t part =
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), from_->size() - at_));
    from_->read(at_, std::as_writable_bytes(buffer.first(part)));
    at_ += part;
    return part;
  }
  void seek(std::uint64_t position) override { at_ = position; }

 private:
  std::shared_ptr<const data::block_reader> from_;
  std::uint64_t at_ = 0;
};

inline void add_checkpoint_endpoints(registry& to, services& s) {
  endpoint common;
  common.tag = "checkpoints";
  common.response_schema = checkpoint_schema();
  common.refusals = {404};
  const schema one = one_id("checkpoint_id", "checkpoint");
  const auto show = [](const store::resource_row& row) {
    answer given(show_resource(row));
    given.version = row.version;
    return given;
  };

  endpoint list = common;
  list.id = "list_checkpoints";
  list.method = "GET";
  list.path = "/v1/checkpoints";
  list.summary = "All checkpoints that one may use";
  list.query = resource_page_schema();
  list.response_schema = list_schema(*common.response_schema);
  list.handle = [&s](request_context& request) {
    return show_page(s.resources.list(request.caller, store::resource_kind::checkpoint,
                                      page_from(request), filter_from(request)),
                     show_resource);
  };
  to.add(list);

  endpoint get = common;
  get.id = "get_checkpoint";
  get.method = "GET";
  get.path = "/v1/checkpoints/{checkpoint_id}";
  get.summary = "One checkpoint";
  get.path_values = one;
  get.handle = [&s, show](request_context& request) {
    return show(s.resources.get(request.caller, store::resource_kind::checkpoint,
                                request.text("checkpoint_id")));
  };
  to.add(get);

  endpoint change = common;
  change.id = "change_checkpoint";
  change.method = "PATCH";
  change.path = "/v1/checkpoints/{checkpoint_id}";
  change.summary = "Changes name or visibility";
  change.path_values = one;
  change.body = change_schema();
  change.refusals = {404, 412};
  change.handle = [&s, show](request_context& request) {
    return show(s.resources.change(
        request.caller, store::resource_kind::checkpoint, request.text("checkpoint_id"),
        change_from(request),
        request.expected_version(
            version_of(s.resources, request, store::resource_kind::checkpoint, "checkpoint_id"))));
  };
  to.add(change);

  endpoint download = common;
  download.id = "download_checkpoint";
  download.method = "GET";
  download.path = "/v1/checkpoints/{checkpoint_id}/content";
  download.summary = "The checkpoint as a file, as the library loads it";
  download.path_values = one;
  download.response_schema.reset();
  download.response_type = "application/octet-stream";
  download.ranges = true;
  download.handle = [&s](request_context& request) {
    answer given;
    given.source = std::make_unique<block_source>(
        s.engine.open_checkpoint(request.caller, request.text("checkpoint_id")));
    given.content_type = "application/octet-stream";
    given.tag = '"' + request.text("checkpoint_id") + '"'; // it never changes
    given.headers.add("Content-Disposition",
                      "attachment; filename=\"" + request.text("checkpoint_id") + ".hanami\"");
    return given;
  };
  to.add(download);

  endpoint remove = common;
  remove.id = "delete_checkpoint";
  remove.method = "DELETE";
  remove.path = "/v1/checkpoints/{checkpoint_id}";
  remove.summary = "Deletes a checkpoint";
  remove.path_values = one;
  remove.response_schema.reset();
  remove.status = 204;
  remove.refusals = {404, 412};
  remove.handle = [&s](request_context& request) {
    check_version(request, version_of(s.resources, request, store::resource_kind::checkpoint,
                                      "checkpoint_id"));
    s.engine.remove_checkpoint(request.caller, request.text("checkpoint_id"));
    return answer();
  };
  to.add(remove);
}

} // namespace detail

HANAMI_SERVICE_INLINE void add_checkpoint_endpoints(registry& to, services& s) {
  detail::add_checkpoint_endpoints(to, s);
}

} // namespace hanami::service::api
