// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "../../../http/message.hpp"

/// GET /v1/streams/{stream_id}/socket: rows for one stream as fast as they come.
///
/// A text frame is a batch of rows, as the body of the REST call, in the format that the query
/// names; its answer is that of the REST call, or `{"error": {a problem}}`. Any number of frames
/// may be sent without waiting; each gets one answer, in their order, once its rows survive a kill
/// of the server. Frames are closed as those of a cluster's socket are.

namespace hanami::service::api {

struct request_context;
struct services;

/// A handler for a new socket, for a request that was authenticated like any other. Throws
/// `refusal`.
std::shared_ptr<http::socket_handler> open_stream_socket(services& with,
                                                         const request_context& request,
                                                         std::shared_ptr<http::socket> peer);

} // namespace hanami::service::api
