// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "stream_socket.hpp"

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "../../../access/policy.hpp"
#include "../../../base/clock.hpp"
#include "../../../base/compile.hpp"
#include "../../../base/json.hpp"
#include "../../../base/refusal.hpp"
#include "../../../http/problem.hpp"
#include "../../services.hpp"
#include "../resource_socket.hpp"
#include "stream_views.hpp"

namespace hanami::service::api {

namespace detail {

/// One open socket.
class stream_socket final : public resource_socket {
 public:
  stream_socket(services& with, const request_context& request, std::shared_ptr<http::socket> peer)
      : resource_socket(with, request, "stream", request.text("stream_id"), std::move(peer)),
        syntax_(syntax_named(request.text("format"))),
        wanted_(answers_named(request.text("answers"))) {}

 private:
  void learn_rights(const identity& caller) override {
    s_.resources.expect_changeable(caller, store::resource_kind::stream, id_);
    const auto allows = [&](const char* path, const char* method) {
      return s_.rules.allows(path, method, caller);
    };
    if (!allows("v1/streams/{stream_id}/socket", "GET") ||
        !allows("v1/streams/{stream_id}/rows", "POST")) {
      throw forbidden("Access denied by policy");
    }
    user_id_ = caller.user_id;
  }

  bool is_present() override { return s_.streams.is_loaded(id_); }

  void take_request(std::string_view message, std::uint64_t at, socket_label& label) override {
    if (label.binary) {
      throw protocol_breach(1003, "rows come in text frames");
    }
    auto self = std::static_pointer_cast<stream_socket>(shared_from_this());
    s_.streams.feed(id_, copy_of(user_id_), {syntax_, now_ms(), std::string(message)}, wanted_,
                    [self = std::move(self), at, label](const streams::batch_result& result,
                                                        const std::exception_ptr& why) {
                      self->answer(at, label, why, [&] {
                        if (const auto refused = refusal_of_batch(result)) {
                          throw *refused;
                        }
                        return batch_text(result);
                      });
                    });
  }

  std::string refusal_message(const socket_label&, const http::problem& why) override {
    return "{\"error\":" + json::serialize(http::to_json(why)) + '}';
  }

  const streams::batch_syntax syntax_;
  const streams::wanted_answers wanted_;
  std::string user_id_;
};

} // namespace detail

HANAMI_SERVICE_INLINE std::shared_ptr<http::socket_handler>
open_stream_socket(services& with, const request_context& request,
                   std::shared_ptr<http::socket> peer) {
  return detail::open_resource_socket<detail::stream_socket>(with, request, std::move(peer));
}

} // namespace hanami::service::api
