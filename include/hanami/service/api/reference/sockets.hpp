// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "../../http/message.hpp"
#include "../services.hpp"

/// WebSockets of the reference's clients: on any path; the first message says who calls and for
/// what (`{"token": ..., "target": "cluster" | "file_upload", "uuid": ...}`), then come
/// protobuf messages, each of which gets an answer. Any number of sockets may use one cluster. A
/// token that expires or is void ends the socket.

namespace hanami::service::api {

/// A handler for a new socket. The policy applies here, too: for "cluster" the rule of `PUT
/// v1.0alpha/cluster/set_mode`, for "file_upload" that of `POST v1.0alpha/dataset/upload/csv`.
std::shared_ptr<http::socket_handler> open_reference_socket(services& with,
                                                            std::shared_ptr<http::socket> peer);

} // namespace hanami::service::api
