// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cluster_socket.hpp"

#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "../../access/policy.hpp"
#include "../../base/compile.hpp"
#include "../../base/json_text.hpp"
#include "../../base/refusal.hpp"
#include "../../http/problem.hpp"
#include "../services.hpp"
#include "cluster_frames.hpp"
#include "direct_use.hpp"
#include "resource_socket.hpp"

namespace hanami::service::api {

namespace detail {

inline std::string begin_text(const socket_label& label) {
  return label.id.empty() ? std::string("{") : "{\"id\":" + label.id + ',';
}

inline std::string outputs_message(const socket_label& label, const engine::cluster_shape& shape,
                                   std::span<const float> found) {
  if (label.binary) {
    std::string frame = begin_frame(frame_op::outputs, shape.outputs.size(), label.number);
    for (std::size_t i = 0; i < shape.outputs.size(); ++i) {
      const engine::buffer_shape& b = shape.outputs[i];
      append_block(frame, block_kind::output, i, found.subspan(b.first, b.size));
    }
    return frame;
  }
  std::string text = begin_text(label) + "\"outputs\":";
  append_buffers(text, found, shape.outputs);
  return text += '}';
}

inline std::string learned_message(const socket_label& label, const train_result& r) {
  if (label.binary) {
    std::string frame = begin_frame(frame_op::learned, 1, label.number);
    const float values[] = {static_cast<float>(r.loss), static_cast<float>(r.error),
                            r.learned ? 1.0F : 0.0F};
    append_block(frame, block_kind::result, 0, values);
    return frame;
  }
  return begin_text(label) + "\"learned\":" + json::serialize(show_learned(r)) + '}';
}

inline std::string error_message(const socket_label& label, const http::problem& why) {
  const std::string shown = json::serialize(http::to_json(why));
  return label.binary ? begin_frame(frame_op::refused, why.status(), label.number) + shown
                      : begin_text(label) + "\"error\":" + shown + '}';
}

inline const schema& socket_message_schema() {
  static const schema message = schema::object({{"id", schema::any(), presence::optional},
                                                {"infer", question_schema(), presence::optional},
                                                {"train", lesson_schema(), presence::optional}});
  return message;
}

/// What a text frame asks for.
struct socket_request {
  bool train = false;
  json::object body;
};

/// Fills in the label as soon as it is known. Throws `protocol_breach` and `refusal`.
inline socket_request read_text_request(std::string_view text, socket_label& label) {
  json_text parsed = parse_json(text);
  if (!parsed.trouble.empty() || !parsed.value.is_object()) {
    throw protocol_breach(1002, "a text frame holds one JSON object");
  }
  json::object& all = parsed.value.get_object();
  if (const json::value* id = all.if_contains("id")) {
    constexpr std::size_t most = 256;
    std::string shown = json::serialize(*id);
    if (shown.size() > most) {
      throw invalid_value_at("/id", "has at most 256 bytes");
    }
    label.id = std::move(shown);
  }
  std::vector<schema_fault> faults;
  socket_message_schema().check(parsed.value, "", faults);
  if (!faults.empty()) {
    throw invalid_values(std::move(faults));
  }
  const bool train = all.contains("train");
  if (train == all.contains("infer")) {
    throw invalid_value_at("", "a request has either 'infer' or 'train'");
  }
  return {train, std::move(all.at(train ? "train" : "infer").as_object())};
}

/// One open socket.
class cluster_socket final : public resource_socket {
 public:
  cluster_socket(services& with, const request_context& request, std::shared_ptr<http::socket> peer)
      : resource_socket(with, request, "cluster", request.text("cluster_id"), std::move(peer)) {}

 private:
  struct rights {
    std::string user_id;
    bool infer = false;
    bool train = false;
  };

  void learn_rights(const identity& caller) override {
    const auto owned = s_.resources.kept_ownership(caller, store::resource_kind::cluster, id_);
    const auto allows = [&](const char* path, const char* method) {
      return s_.rules.allows(path, method, caller);
    };
    if (!allows("v1/clusters/{cluster_id}/socket", "GET")) {
      throw forbidden("Access denied by policy");
    }
    rights_ = {caller.user_id, allows("v1/clusters/{cluster_id}/infer", "POST"),
               may_change(caller, *owned) && allows("v1/clusters/{cluster_id}/train", "POST")};
  }

  bool is_present() override { return cluster_.is_in_memory(); }

  void take_request(std::string_view message, std::uint64_t at, socket_label& label) override {
    const rights mine = copy_of(rights_);
    // Brings the cluster into memory with the first message, and its inputs and outputs up to date.
    if (cluster_.is_in_memory()) {
      cluster_.renew();
    } else {
      cluster_ = s_.engine.open_cluster(id_);
    }
    if (label.binary) {
      take_frame(message, at, label, mine);
    } else {
      take_text(message, at, label, mine);
    }
  }

  std::string refusal_message(const socket_label& label, const http::problem& why) override {
    return error_message(label, why);
  }

  std::shared_ptr<cluster_socket> self() {
    return std::static_pointer_cast<cluster_socket>(shared_from_this());
  }

  void take_text(std::string_view text, std::uint64_t at, socket_label& label, const rights& mine) {
    const socket_request wanted = read_text_request(text, label);
    const std::string pointer = wanted.train ? "/train" : "/infer";
    const json::object& body = wanted.body;
    const engine::cluster_shape& shape = cluster_.shape();
    if (!wanted.train) {
      infer(at, label, mine, inputs_from(body, shape, pointer),
            body.contains("id") ? label_id_in(body) : std::string());
    } else if (is_label(body, pointer)) {
      const std::vector<float> target = targets_from(body, shape, pointer);
      expect_trainer(mine);
      try {
        s_.engine.train_label(cluster_, mine.user_id, label_id_in(body), target,
                              learned_answer(at, label));
      } catch (const refusal& why) {
        if (why.code() != refusal_code::not_found) {
          throw;
        }
        // It is the question that is not there, while the cluster is.
        answer(at, label, nullptr, [&] { return refusal_message(label, why); });
      }
    } else {
      train(at, label, mine, inputs_from(body, shape, pointer), targets_from(body, shape, pointer));
    }
  }

  void take_frame(std::string_view bytes, std::uint64_t at, socket_label& label,
                  const rights& mine) {
    const engine::cluster_shape& shape = cluster_.shape();
    const cluster_frame frame = parse_cluster_frame(bytes);
    label.number = frame.id;
    const std::vector<float> input =
        flat_blocks(frame, block_kind::input, shape.inputs, shape.input_size, "/inputs");
    if (frame.op == frame_op::train) {
      train(at, label, mine, input,
            flat_blocks(frame, block_kind::output, shape.outputs, shape.output_size, "/targets"));
    } else {
      expect_no_targets(frame);
      infer(at, label, mine, input);
    }
  }

  static void expect_trainer(const rights& mine) {
    if (!mine.train) {
      throw forbidden("only the cluster's owner and administrators may train it, as far as the "
                      "policy allows");
    }
  }

  engine::trained_callback learned_answer(std::uint64_t at, const socket_label& label) {
    return [self = self(), at, label](const train_result& r, const std::exception_ptr& why) {
      self->answer(at, label, why, [&] { return learned_message(label, r); });
    };
  }

  void train(std::uint64_t at, const socket_label& label, const rights& mine,
             const std::vector<float>& input, const std::vector<float>& target) {
    expect_trainer(mine);
    s_.engine.train(cluster_, mine.user_id, input, target, learned_answer(at, label));
  }

  /// `label_id`: under which it waits for its label; empty: it does not.
  void infer(std::uint64_t at, const socket_label& label, const rights& mine,
             const std::vector<float>& input, const std::string& label_id = {}) {
    if (!mine.infer) {
      throw forbidden("Access denied by policy");
    }
    auto show = [self = self(), at, label, cluster = cluster_](std::span<const float> found,
                                                               const std::exception_ptr& why) {
      self->answer(at, label, why, [&] { return outputs_message(label, cluster.shape(), found); });
    };
    if (label_id.empty()) {
      s_.engine.infer(cluster_, mine.user_id, input, std::move(show));
    } else {
      s_.engine.infer_for_label(cluster_, mine.user_id, label_id, input, std::move(show));
    }
  }

  engine::cluster_handle cluster_; ///< used for one message at a time only
  rights rights_;
};

} // namespace detail

HANAMI_SERVICE_INLINE std::shared_ptr<http::socket_handler>
open_cluster_socket(services& with, const request_context& request,
                    std::shared_ptr<http::socket> peer) {
  return detail::open_resource_socket<detail::cluster_socket>(with, request, std::move(peer));
}

} // namespace hanami::service::api
