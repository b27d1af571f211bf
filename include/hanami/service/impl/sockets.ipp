// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../api/sockets.hpp"

#include <limits>
#include <mutex>

#include "../../foundation/error.hpp"
#include "../access/policy.hpp"
#include "../api/cluster_socket.hpp"
#include "../api/wire.hpp"
#include "../clock.hpp"
#include "../problem.hpp"

namespace hanami::service::api {

namespace detail {

/// One socket of a client of the reference.
class reference_socket final : public http::socket_handler,
                               public watched_socket,
                               public std::enable_shared_from_this<reference_socket> {
 public:
  using ready_function = std::function<void()>;

  reference_socket(services& with, const access::policy& rules,
                   std::function<void(std::function<void()>)> run,
                   std::shared_ptr<http::socket> peer)
      : s_(with), rules_(rules), run_(std::move(run)), peer_(std::move(peer)) {}

  void on_message(std::string_view message, bool, ready_function ready) override {
    if (!is_welcome()) {
      ready();
      return;
    }
    switch (target_) {
    case target_kind::none:
      later(std::string(message), std::move(ready), &reference_socket::greet);
      return;
    case target_kind::upload:
      later(std::string(message), std::move(ready), &reference_socket::take_piece);
      return;
    case target_kind::cluster:
      use_cluster(message, std::move(ready));
    }
  }

  void on_close() noexcept override {
    const std::lock_guard lock(mutex_);
    peer_.reset();
  }

  void look() noexcept override { is_welcome(); }

 private:
  enum class target_kind : std::uint8_t { none, cluster, upload };

  /// False, with the end of the socket, where the token has expired or is void by now.
  bool is_welcome() noexcept {
    try {
      const std::lock_guard lock(token_mutex_);
      const std::uint64_t now = s_.door.changes();
      if (!token_.empty() && (now != seen_ || now_ms() >= expires_ms_)) {
        s_.door.identify(token_);
        seen_ = now;
      }
      return true;
    } catch (const problem& why) {
      refuse(why.what());
    } catch (const std::exception&) {
      refuse("something went wrong here");
    }
    return false;
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
  /// A client that would wait for ever learns why it should not.
  void refuse(std::string_view why) {
    if (const auto to = peer()) {
      to->close(1008, why.substr(0, 120));
    }
  }

  /// What may wait for the disk does so on a worker.
  void later(std::string message, ready_function ready,
             void (reference_socket::*work)(const std::string&)) {
    run_([self = shared_from_this(), message = std::move(message), ready = std::move(ready), work] {
      ((*self).*work)(message);
      ready();
    });
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
    } catch (const problem& refused) {
      why = refused.status() == 401 ? "Token invalid" : refused.what();
    } catch (const std::exception&) {
      why = "the first message must be JSON with token, target and uuid";
    }
    send(json::serialize(json::object{{"success", false}, {"error", why}}));
  }

  void enter(const std::string& token, const std::string& target, const std::string& id) {
    {
      const std::lock_guard lock(token_mutex_);
      token_.clear();
      seen_ = s_.door.changes();
      who_ = s_.door.identify(token);
      expires_ms_ = who_.expires * 1000;
      token_ = token;
    }
    const auto need = [&](const char* path, const char* method) {
      if (!rules_.allows(path, method, who_.role)) {
        throw forbidden("Access denied by policy");
      }
    };
    if (target == "cluster") {
      need("v1.0alpha/cluster/set_mode", "PUT");
      id_ = s_.rows.get_to_change(who_, store::resource_kind::cluster, id).id;
      shape_ = s_.engine.shape(id_);
      forget_values();
      target_ = target_kind::cluster;
    } else if (target == "file_upload") {
      need("v1.0alpha/dataset/upload/csv", "POST");
      s_.data.find_part(who_, id);
      id_ = id;
      target_ = target_kind::upload;
    } else {
      throw bad_request("target must be cluster or file_upload");
    }
  }

  void take_piece(const std::string& message) {
    const std::optional<upload_message> piece = parse_upload_message(message);
    if (!piece) {
      send(write_upload_response(false, "not a FileUpload_Message"));
      return;
    }
    try {
      s_.data.write(who_, id_, piece->position,
                    std::as_bytes(std::span(piece->data.data(), piece->data.size())));
      send(write_upload_response(true, {}));
    } catch (const std::exception& why) {
      send(write_upload_response(false, why.what()));
    }
  }

  void forget_values() {
    input_.assign(shape_->input_size, 0.0F);
    target_values_.assign(shape_->output_size, std::numeric_limits<float>::quiet_NaN());
  }

  /// Puts the values of a message where they belong. What is wrong with it, or nothing.
  std::string place(const cluster_message& message) {
    const bool input = message.target == buffer_kind::input;
    if (message.target == buffer_kind::output) {
      return "values go to inputs and to what is expected, not to outputs";
    }
    const engine::buffer_shape* buffer =
        input ? shape_->input(message.buffer) : shape_->output(message.buffer);
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

  void use_cluster(std::string_view bytes, ready_function ready) {
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
        train(std::move(ready));
      } else {
        infer(std::move(ready));
      }
    } catch (const std::exception& refused) {
      refuse(refused.what());
    }
  }

  void train(const ready_function& ready) {
    s_.engine.train(
        id_, who_.user_id, input_, target_values_,
        [self = shared_from_this(), ready](const train_result&, const std::exception_ptr& error) {
          self->finish(error, ready, [&] { self->send(acknowledgement(true)); });
        });
    forget_values();
  }

  void infer(const ready_function& ready) {
    s_.engine.infer(id_, who_.user_id, input_,
                    [self = shared_from_this(), shape = shape_,
                     ready](std::span<const float> found, const std::exception_ptr& error) {
                      self->finish(error, ready, [&] {
                        for (const engine::buffer_shape& out : shape->outputs) {
                          self->send(write_cluster_message(out.name, false, process_kind::request,
                                                           buffer_kind::output,
                                                           found.subspan(out.first, out.size)));
                        }
                      });
                    });
    forget_values();
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
  const access::policy& rules_;
  std::function<void(std::function<void()>)> run_;
  std::mutex mutex_;
  std::shared_ptr<http::socket> peer_;
  std::mutex token_mutex_; ///< guards the three below
  std::string token_;
  std::int64_t expires_ms_ = 0;
  std::uint64_t seen_ = 0; ///< changes of the door when the token was looked at
  // One message at a time: the rest is touched by nobody else.
  target_kind target_ = target_kind::none;
  identity who_;
  std::string id_;
  std::shared_ptr<const engine::cluster_shape> shape_;
  std::vector<float> input_;
  std::vector<float> target_values_;
};

} // namespace detail

HANAMI_SERVICE_INLINE std::shared_ptr<http::socket_handler>
open_reference_socket(services& with, const access::policy& rules,
                      std::function<void(std::function<void()>)> run,
                      std::shared_ptr<http::socket> peer) {
  auto opened =
      std::make_shared<detail::reference_socket>(with, rules, std::move(run), std::move(peer));
  with.watch.add(opened);
  return opened;
}

} // namespace hanami::service::api
