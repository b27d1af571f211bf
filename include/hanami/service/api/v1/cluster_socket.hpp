// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "../../http/message.hpp"

/// GET /v1/clusters/{cluster_id}/socket: one cluster, asked and trained as fast as messages come.
///
/// A text frame is `{"id": any, "infer": {...}}` or `{"id": any, "train": {...}}`, with what the
/// REST calls take, checked by the same schemas; answers are `{"id": ..., "outputs": {...}}`,
/// `{"id": ..., "learned": {...}}` and `{"id": ..., "error": {a problem}}`. A binary frame is as
/// `cluster_frames.hpp` says, and gets an answer of that form.
///
/// The policy of GET on this path lets in; that of the two REST calls says which requests are done.
///
/// Any number of requests may be under way. Each gets one answer, in the order of the requests;
/// that of a training means that it survives a kill of the server. While too much is unanswered, or
/// the answers are not taken, nothing more is read. A wrong request is answered with its error;
/// what is no request at all closes the socket: 1002 or 1003, 1009 where it is too long. A token
/// that expires or is void closes it with 1008, and the end of the cluster with 1001; both count
/// from the next message on, and within a second where none comes.

namespace hanami::service::api {

struct request_context;
struct services;

inline constexpr std::string_view cluster_protocol = "hanami.v1";

/// What answers a new socket; `request` has been let in as any request is. Throws `refusal`.
std::shared_ptr<http::socket_handler> open_cluster_socket(services& with,
                                                          const request_context& request,
                                                          std::shared_ptr<http::socket> peer);

} // namespace hanami::service::api
