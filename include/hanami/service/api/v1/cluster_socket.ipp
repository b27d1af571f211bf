// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cluster_socket.hpp"

#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "../../access/policy.hpp"
#include "../../base/clock.hpp"
#include "../../base/compile.hpp"
#include "../../base/json_text.hpp"
#include "../../base/refusal.hpp"
#include "../../http/problem.hpp"
#include "../credentials.hpp"
#include "../open_sockets.hpp"
#include "../services.hpp"
#include "cluster_frames.hpp"
#include "direct_use.hpp"

namespace hanami::service::api {

namespace detail {

/// The form of the answer to a request.
struct socket_label {
  bool binary = false;
  std::uint32_t number = 0; ///< binary
  std::string id;           ///< text: JSON; empty: it had none
};

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
class cluster_socket final : public http::socket_handler,
                             public expiring_socket,
                             public std::enable_shared_from_this<cluster_socket> {
 public:
  using ready_function = std::function<void()>;

  cluster_socket(services& with, const request_context& request, bool named_protocol,
                 std::shared_ptr<http::socket> peer)
      : s_(with), token_(token_of(request.message)), id_(request.text("cluster_id")),
        named_protocol_(named_protocol), peer_(std::move(peer)) {
    learn_rights();
  }

  std::string_view subprotocol() const noexcept override {
    return named_protocol_ ? cluster_protocol : std::string_view();
  }

  void on_message(std::string_view message, bool binary, ready_function ready) override {
    if (cluster_.is_in_memory()) {
      take(message, binary);
      read_on_by(std::move(ready));
      return;
    }
    // Reading a cluster from disk may take long.
    s_.run([self = shared_from_this(), text = std::string(message), binary,
            ready = std::move(ready)]() mutable {
      self->take(text, binary);
      self->read_on_by(std::move(ready));
    });
  }

  void on_close() noexcept override {
    const std::lock_guard lock(mutex_);
    peer_.reset();
    ready_ = nullptr;
    slots_.clear();
  }

  void close_if_expired() noexcept override {
    try {
      present_rights();
    } catch (const refusal& over) {
      leave(over);
    } catch (const std::exception&) { // the database is busy: checked again later
    }
  }

 private:
  /// Limits for unanswered requests, their bytes, and unsent bytes of answers.
  static constexpr std::size_t most_unanswered = 256;
  static constexpr std::size_t most_bytes = std::size_t{1} << 20;
  static constexpr std::size_t most_unsent = std::size_t{256} << 10;

  struct rights {
    std::string user_id;
    bool infer = false;
    bool train = false;
  };
  /// A request's place in the order of the answers.
  struct slot {
    std::size_t bytes = 0; ///< of the request
    bool done = false;
    bool binary = false;
    std::uint16_t close_code = 0; ///< not 0: the end, for this reason
    std::string answer;
  };

  // Who may do what.

  std::uint64_t changes() const { return s_.authenticator.changes() + s_.resources.changes(); }

  /// Throws `unauthenticated`, `forbidden`, and `not_found` where the cluster is gone or hidden.
  void learn_rights() {
    const std::uint64_t now = changes(); // before what it counts is read
    const identity caller = s_.authenticator.identify(token_);
    const auto owned = s_.resources.cluster_ownership(caller, id_);
    const auto allows = [&](const char* path, const char* method) {
      return s_.rules.allows(path, method, caller);
    };
    if (!allows("v1/clusters/{cluster_id}/socket", "GET")) {
      throw forbidden("Access denied by policy");
    }
    rights_ = {caller.user_id, allows("v1/clusters/{cluster_id}/infer", "POST"),
               may_change(caller, *owned) && allows("v1/clusters/{cluster_id}/train", "POST")};
    expires_ms_ = caller.expires * 1000;
    seen_ = now;
  }

  rights present_rights() {
    const std::lock_guard lock(rights_mutex_);
    if (now_ms() >= expires_ms_ || changes() != seen_) {
      learn_rights();
    }
    return rights_;
  }

  /// Closes the socket, whose permission has ended.
  void leave(const refusal& why) {
    const bool gone = why.code() == refusal_code::not_found;
    const std::lock_guard lock(mutex_);
    end(gone ? 1001 : 1008, gone ? "the cluster is gone" : why.what());
  }
  void end(std::uint16_t code, std::string_view reason) {
    if (peer_ && !ended_) {
      ended_ = true;
      peer_->close(code, reason);
    }
  }

  // Requests.

  void take(std::string_view message, bool binary) {
    const std::optional<std::uint64_t> place = open_slot(message.size(), binary);
    if (!place) {
      return; // the end is on its way
    }
    const std::uint64_t at = *place;
    socket_label label;
    label.binary = binary;
    rights mine;
    try {
      mine = present_rights();
    } catch (const refusal& over) {
      leave(over);
      settle(at, 0, {});
      return;
    } catch (const std::exception&) {
      fail(at, label, std::current_exception());
      return;
    }
    try {
      present_cluster();
      if (binary) {
        take_frame(message, at, label, mine);
      } else {
        take_text(message, at, label, mine);
      }
    } catch (...) {
      fail(at, label, std::current_exception());
    }
  }

  /// Brings the cluster into memory with the first message, and its inputs and outputs up to date.
  void present_cluster() {
    if (cluster_.is_in_memory()) {
      cluster_.renew();
    } else {
      cluster_ = s_.engine.open_cluster(id_);
    }
  }

  void take_text(std::string_view text, std::uint64_t at, socket_label& label, const rights& mine) {
    const socket_request wanted = read_text_request(text, label);
    const std::string pointer = wanted.train ? "/train" : "/infer";
    const std::vector<float> input = inputs_from(wanted.body, cluster_.shape(), pointer);
    if (wanted.train) {
      train(at, label, mine, input, targets_from(wanted.body, cluster_.shape(), pointer));
    } else {
      infer(at, label, mine, input);
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

  void train(std::uint64_t at, const socket_label& label, const rights& mine,
             const std::vector<float>& input, const std::vector<float>& target) {
    if (!mine.train) {
      throw forbidden("only the cluster's owner and administrators may train it, as far as the "
                      "policy allows");
    }
    s_.engine.train(cluster_, mine.user_id, input, target,
                    [self = shared_from_this(), at, label](const train_result& r,
                                                           const std::exception_ptr& why) {
                      self->answer(at, label, why, [&] { return learned_message(label, r); });
                    });
  }

  void infer(std::uint64_t at, const socket_label& label, const rights& mine,
             const std::vector<float>& input) {
    if (!mine.infer) {
      throw forbidden("Access denied by policy");
    }
    s_.engine.infer(cluster_, mine.user_id, input,
                    [self = shared_from_this(), at, label, cluster = cluster_](
                        std::span<const float> found, const std::exception_ptr& why) {
                      self->answer(at, label, why,
                                   [&] { return outputs_message(label, cluster.shape(), found); });
                    });
  }

  // Answers, in the order of the requests.

  std::optional<std::uint64_t> open_slot(std::size_t bytes, bool binary) {
    const std::lock_guard lock(mutex_);
    if (ending_ || ended_) {
      return std::nullopt;
    }
    slots_.push_back({bytes, false, binary, 0, {}});
    bytes_ += bytes;
    return first_ + slots_.size() - 1;
  }

  template <class Write>
  void answer(std::uint64_t at, const socket_label& label, const std::exception_ptr& why,
              Write write) {
    if (why) {
      fail(at, label, why);
      return;
    }
    try {
      settle(at, 0, write());
    } catch (...) {
      fail(at, label, std::current_exception());
    }
  }

  void fail(std::uint64_t at, const socket_label& label, const std::exception_ptr& why) {
    try {
      std::rethrow_exception(why);
    } catch (const protocol_breach& breach) {
      settle(at, breach.code(), breach.what());
    } catch (const refusal& refused) {
      const bool gone = refused.code() == refusal_code::not_found;
      settle(at, gone ? 1001 : 0,
             gone ? std::string("the cluster is gone") : error_message(label, refused));
    } catch (const std::exception&) {
      s_.log.error("socket", why);
      settle(at, 0,
             error_message(label, refusal(refusal_code::internal, "something went wrong here")));
    }
  }

  /// `code` 0: an answer; else closes the socket after all earlier requests have been answered.
  void settle(std::uint64_t at, std::uint16_t code, std::string answer) {
    {
      const std::lock_guard lock(mutex_);
      if (at < first_ || at - first_ >= slots_.size()) {
        return; // the peer has gone
      }
      slot& mine = slots_[static_cast<std::size_t>(at - first_)];
      mine.done = true;
      mine.close_code = code;
      ending_ = ending_ || code != 0;
      mine.answer = std::move(answer);
      send_settled();
    }
    read_on();
  }

  void send_settled() {
    while (!slots_.empty() && slots_.front().done) {
      slot& next = slots_.front();
      if (next.close_code != 0) {
        end(next.close_code, next.answer);
      } else if (peer_ && !ended_) {
        peer_->send(std::move(next.answer), next.binary);
      }
      bytes_ -= next.bytes;
      slots_.pop_front();
      ++first_;
    }
  }

  void read_on_by(ready_function ready) {
    {
      const std::lock_guard lock(mutex_);
      ready_ = std::move(ready);
    }
    read_on();
  }

  /// Lets the next message be read as soon as there is room for its answer.
  void read_on() {
    ready_function ready;
    std::shared_ptr<http::socket> full;
    {
      const std::lock_guard lock(mutex_);
      if (!ready_ || slots_.size() >= most_unanswered || bytes_ >= most_bytes) {
        return;
      }
      if (peer_ && !ended_ && peer_->waiting() > most_unsent) {
        full = peer_;
      } else {
        ready.swap(ready_);
      }
    }
    if (full) {
      full->when_sent([kept = weak_from_this()] {
        if (const auto self = kept.lock()) {
          self->read_on();
        }
      });
    } else {
      ready();
    }
  }

  services& s_;
  const std::string token_;
  const std::string id_;
  const bool named_protocol_;
  engine::cluster_handle cluster_; ///< used for one message at a time only

  std::mutex rights_mutex_; ///< guards the rights
  rights rights_;
  std::int64_t expires_ms_ = 0;
  std::uint64_t seen_ = 0; ///< `changes` when the rights were checked

  std::mutex mutex_; ///< guards all below
  std::shared_ptr<http::socket> peer_;
  std::deque<slot> slots_;  ///< unanswered, or waiting for one before them
  std::uint64_t first_ = 0; ///< number of the first slot
  std::size_t bytes_ = 0;   ///< of the requests in the slots
  ready_function ready_;    ///< kept while nothing more is to be read
  bool ending_ = false;     ///< nothing more is taken; what was taken before is answered
  bool ended_ = false;      ///< the close has been sent
};

/// Whether a client offers our protocol in Sec-WebSocket-Protocol, apart from `bearer.` tokens;
/// false where it offers none. Throws `bad_request` where it offers only others.
inline bool names_cluster_protocol(const http::request& from) {
  bool others = false;
  for (const std::string_view word : offered_protocols(from)) {
    if (word == cluster_protocol) {
      return true;
    }
    others = others || !word.starts_with(bearer_protocol);
  }
  if (others) {
    throw bad_request("the only WebSocket protocol here is 'hanami.v1'");
  }
  return false;
}

} // namespace detail

HANAMI_SERVICE_INLINE std::shared_ptr<http::socket_handler>
open_cluster_socket(services& with, const request_context& request,
                    std::shared_ptr<http::socket> peer) {
  const bool named = detail::names_cluster_protocol(request.message);
  auto opened = std::make_shared<detail::cluster_socket>(with, request, named, std::move(peer));
  with.sockets.add(opened);
  return opened;
}

} // namespace hanami::service::api
