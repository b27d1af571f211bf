// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sockets.hpp"

#include <limits>
#include <mutex>

#include "../../../foundation/error.hpp"
#include "../../access/policy.hpp"
#include "../../base/clock.hpp"
#include "../../base/compile.hpp"
#include "../../base/refusal.hpp"
#include "../open_sockets.hpp"
#include "wire.hpp"

namespace hanami::service::api {

namespace detail {

/// A socket of a client of the reference.
class reference_socket final : public http::socket_handler,
                               public expiring_socket,
                               public std::enable_shared_from_this<reference_socket> {
 public:
  using ready_function = std::function<void()>;

  reference_socket(services& with, std::shared_ptr<http::socket> peer)
      : s_(with), peer_(std::move(peer)) {}

  void on_message(std::string_view message, bool, ready_function ready) override {
    if (target_ == target_kind::cluster && cluster_.is_in_memory() && knows_rights()) {
      use_cluster(message, ready); // waits for nothing
      return;
    }
    s_.run([self = shared_from_this(), text = std::string(message), ready = std::move(ready)] {
      self->take(text, ready);
    });
  }

  bool knows_peer() const override { return target_ != target_kind::none; }

  void on_close() noexcept override {
    const std::lock_guard lock(mutex_);
    peer_.reset();
  }

  void close_if_expired() noexcept override { is_welcome(); }

 private:
  enum class target_kind : std::uint8_t { none, cluster, upload };

  std::uint64_t changes() const { return s_.authenticator.changes() + s_.resources.changes(); }

  /// Whether the rights are certainly still what they were.
  bool knows_rights() {
    const std::unique_lock lock(rights_mutex_, std::try_to_lock);
    return lock && changes() == seen_ && now_ms() < expires_ms_;
  }

  /// False, after closing the socket, where the token has expired or is void, or no longer permits
  /// what the socket is for.
  bool is_welcome() noexcept {
    try {
      const std::lock_guard lock(rights_mutex_);
      const std::uint64_t now = changes();
      if (!token_.empty() && (now != seen_ || now_ms() >= expires_ms_)) {
        caller_ = s_.authenticator.identify(token_);
        expect_rights(caller_, target_, id_);
        seen_ = now;
      }
      return true;
    } catch (const refusal& why) {
      refuse(why.what());
    } catch (const std::exception&) {
      s_.log.error("socket", std::current_exception());
      refuse("something went wrong here");
    }
    return false;
  }

  /// Throws `forbidden` and `not_found`. The owner of an upload is checked with each piece.
  void expect_rights(const identity& caller, target_kind target, const std::string& id) const {
    const bool cluster = target == target_kind::cluster;
    if (!(cluster ? s_.rules.allows("v1.0alpha/cluster/set_mode", "PUT", caller)
                  : s_.rules.allows("v1.0alpha/dataset/upload/csv", "POST", caller))) {
      throw forbidden("Access denied by policy");
    }
    if (cluster) {
      s_.resources.expect_changeable(caller, store::resource_kind::cluster, id);
    }
  }

  std::shared_ptr<http::socket> peer() {
    const std::lock_guard lock(mutex_);
    return peer_;
  }
  void send(std::string message) {
    if (const auto to = peer()) {
      to->send(std::move(message), true);
    }
  }
  /// Closes the socket and says why, instead of leaving the client waiting.
  void refuse(std::string_view why) {
    if (const auto to = peer()) {
      to->close(1008, why.substr(0, 120));
    }
  }

  /// On a worker: may wait for the disk.
  void take(const std::string& message, const ready_function& ready) {
    if (is_welcome()) {
      switch (target_) {
      case target_kind::none:
        greet(message);
        break;
      case target_kind::upload:
        take_piece(message);
        break;
      case target_kind::cluster:
        if (bring_back()) {
          use_cluster(message, ready);
          return;
        }
        break;
      }
    }
    ready();
  }

  void greet(const std::string& message) {
    std::string why;
    try {
      const json::value first = json::parse(message);
      const auto text = [&](const char* key) {
        const json::string& found = first.at(key).as_string();
        return std::string(found.data(), found.size());
      };
      enter(text("token"), text("target"), text("uuid"));
      send(json::serialize(json::object{{"success", true}, {"uuid", id_}}));
      return;
    } catch (const refusal& refused) {
      why = refused.code() == refusal_code::unauthenticated ? "Token invalid" : refused.what();
    } catch (const std::exception&) {
      why = "the first message must be JSON with token, target and uuid";
    }
    send(json::serialize(json::object{{"success", false}, {"error", why}}));
  }

  void enter(const std::string& token, const std::string& target, const std::string& id) {
    const std::uint64_t now = changes(); // before what it counts is read
    const identity caller = s_.authenticator.identify(token);
    if (target != "cluster" && target != "file_upload") {
      throw bad_request("target must be cluster or file_upload");
    }
    const auto wanted = target == "cluster" ? target_kind::cluster : target_kind::upload;
    expect_rights(caller, wanted, id);
    if (wanted == target_kind::cluster) {
      cluster_ = s_.engine.open_cluster(id);
      forget_values();
    } else {
      s_.data.find_part(caller, id);
    }
    const std::lock_guard lock(rights_mutex_);
    token_ = token;
    caller_ = caller;
    expires_ms_ = caller.expires * 1000;
    seen_ = now;
    id_ = id;
    user_id_ = caller.user_id;
    target_ = wanted;
  }

  identity present_identity() {
    const std::lock_guard lock(rights_mutex_);
    return caller_;
  }

  void take_piece(const std::string& message) {
    const std::optional<upload_message> piece = parse_upload_message(message);
    if (!piece) {
      send(write_upload_response(false, "not a FileUpload_Message"));
      return;
    }
    try {
      s_.data.write(present_identity(), id_, piece->position,
                    std::as_bytes(std::span(piece->data.data(), piece->data.size())));
      send(write_upload_response(true, {}));
    } catch (const std::exception& why) {
      send(write_upload_response(false, why.what()));
    }
  }

  void forget_values() {
    input_.assign(cluster_.shape().input_size, 0.0F);
    target_values_.assign(cluster_.shape().output_size, std::numeric_limits<float>::quiet_NaN());
  }

  /// Looks a cluster up anew that has left memory; false, after closing the socket, where it
  /// cannot come back.
  bool bring_back() {
    if (cluster_.is_in_memory()) {
      return true;
    }
    try {
      cluster_ = s_.engine.open_cluster(id_);
    } catch (const std::exception& refused) {
      refuse(refused.what());
      return false;
    }
    if (input_.size() != cluster_.shape().input_size ||
        target_values_.size() != cluster_.shape().output_size) {
      forget_values();
    }
    return true;
  }

  /// Copies the values of a message to their place. Returns what is wrong with it, or an empty
  /// text.
  std::string place(const cluster_message& message) {
    const bool input = message.target == buffer_kind::input;
    if (message.target == buffer_kind::output) {
      return "values go to inputs and to what is expected, not to outputs";
    }
    const engine::buffer_shape* buffer =
        input ? cluster_.shape().input(message.buffer) : cluster_.shape().output(message.buffer);
    if (buffer == nullptr) {
      return "the cluster has no " + std::string(input ? "input '" : "output '") +
             message.buffer.substr(0, 60) + "'";
    }
    if (message.values.size() != buffer->size) {
      return "'" + buffer->name + "' takes " + std::to_string(buffer->size) + " values, not " +
             std::to_string(message.values.size());
    }
    std::vector<float>& to = input ? input_ : target_values_;
    std::copy(message.values.begin(), message.values.end(),
              to.begin() + static_cast<std::ptrdiff_t>(buffer->first));
    return {};
  }

  static std::string acknowledgement(bool last) {
    constexpr float zero = 0.0F;
    return write_cluster_message({}, last, process_kind::train, buffer_kind::input,
                                 std::span(&zero, 1));
  }

  void use_cluster(std::string_view bytes, const ready_function& ready) {
    const std::optional<cluster_message> message = parse_cluster_message(bytes);
    const std::string why = message ? place(*message) : "not a ClusterIO_Message";
    if (!why.empty()) {
      refuse(why);
      ready();
      return;
    }
    if (!message->last) {
      send(acknowledgement(false));
      ready();
      return;
    }
    try {
      if (message->process == process_kind::train) {
        train(ready);
      } else {
        infer(ready);
      }
    } catch (const std::exception& refused) {
      refuse(refused.what());
      ready();
    }
  }

  // The next message may come, on another thread, before the engine's calls return.

  void train(const ready_function& ready) {
    const std::vector<float> input = std::move(input_);
    const std::vector<float> target = std::move(target_values_);
    forget_values();
    s_.engine.train(
        cluster_, user_id_, input, target,
        [self = shared_from_this(), ready](const train_result&, const std::exception_ptr& error) {
          self->finish(error, ready, [&] { self->send(acknowledgement(true)); });
        });
  }

  void infer(const ready_function& ready) {
    const std::vector<float> input = std::move(input_);
    forget_values();
    s_.engine.infer(cluster_, user_id_, input,
                    [self = shared_from_this(), cluster = cluster_,
                     ready](std::span<const float> found, const std::exception_ptr& error) {
                      self->finish(error, ready, [&] {
                        for (const engine::buffer_shape& out : cluster.shape().outputs) {
                          self->send(write_cluster_message(out.name, false, process_kind::request,
                                                           buffer_kind::output,
                                                           found.subspan(out.first, out.size)));
                        }
                      });
                    });
  }

  template <class Answer>
  void finish(const std::exception_ptr& error, const ready_function& ready, Answer answer) {
    try {
      if (error) {
        std::rethrow_exception(error);
      }
      answer();
    } catch (const std::exception& refused) {
      refuse(refused.what());
    }
    ready();
  }

  services& s_;
  std::mutex mutex_;
  std::shared_ptr<http::socket> peer_;
  std::mutex rights_mutex_; ///< guards the four below
  std::string token_;       ///< empty: the first message has not come
  identity caller_;
  std::int64_t expires_ms_ = 0;
  std::uint64_t seen_ = 0; ///< `changes` when the rights were checked
  // One message at a time: the rest is touched by nobody else, and these three, which
  // `close_if_expired` reads, are set under the lock and then stay.
  target_kind target_ = target_kind::none;
  std::string id_;
  std::string user_id_;
  engine::cluster_handle cluster_;
  std::vector<float> input_;
  std::vector<float> target_values_;
};

} // namespace detail

HANAMI_SERVICE_INLINE std::shared_ptr<http::socket_handler>
open_reference_socket(services& with, std::shared_ptr<http::socket> peer) {
  auto opened = std::make_shared<detail::reference_socket>(with, std::move(peer));
  with.sockets.add(opened);
  return opened;
}

} // namespace hanami::service::api
