// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "../../http/message.hpp"

/// GET /v1/clusters/{cluster_id}/socket: use of one cluster as fast as messages arrive.
///
/// A text frame is `{"id": any, "infer": {...}}` or `{"id": any, "train": {...}}`, with the
/// bodies of the REST calls, validated by the same schemas; answers are `{"id": ..., "outputs":
/// {...}}`,
/// `{"id": ..., "learned": {...}}` and `{"id": ..., "error": {a problem}}`. Binary frames
/// and their answers are described in `cluster_frames.hpp`.
///
/// The policy's rule for GET on this path decides who may open it, the rules for the two REST calls
/// which requests are accepted.
///
/// Any number of requests may be in flight. Each gets one answer, in the order of the requests; a
/// training is answered once it survives a kill of the server. While too many requests are
/// unanswered, or answers are not read, no more requests are read. An invalid request is answered
/// with an error; what is not a request at all closes the socket with 1002 or 1003, or 1009 where
/// it is too long. An expired or void token closes it with 1008, the deletion of the cluster with
/// 1001: at the next message, or within a second.

namespace hanami::service::api {

struct request_context;
struct services;

/// A handler for a new socket, for a request that was authenticated like any other. Throws
/// `refusal`.
std::shared_ptr<http::socket_handler> open_cluster_socket(services& with,
                                                          const request_context& request,
                                                          std::shared_ptr<http::socket> peer);

} // namespace hanami::service::api
