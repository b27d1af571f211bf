// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "session.hpp"

/// The first part of `session`: receiving requests.

namespace hanami::service::http::detail {

template <class Stream>
coroutine<bool> session<Stream>::read_head() {
  if (buffer_.size() == 0) {
    buffer_ = boost::beast::flat_buffer(); // who waits holds none but the smallest
  }
  bool begun = buffer_.size() > 0;
  set_deadline(begun ? phase::head : phase::idle,
               begun ? settings().header_timeout : settings().idle_timeout);
  for (;;) {
    while (!parser_->got_some() && buffer_.size() > 0 && is_line_end(first_byte())) {
      buffer_.consume(1); // an empty line before a request is to be forgiven
    }
    if (buffer_.size() > 0) {
      error_code fault;
      buffer_.consume(parser_->parse(buffer_.cdata(), fault));
      if (parser_->is_header_done()) {
        co_return true;
      }
      if (fault && fault != beast_http::error::need_more) {
        co_return co_await refuse_head(problem_with_parsing(fault));
      }
      if (buffer_.size() > most_header_bytes) {
        co_return co_await refuse_head(problem_with_parsing(beast_http::error::header_limit));
      }
    }
    if (transport_.stopping && !begun) {
      co_return false;
    }
    const bool read = co_await read_more(begun ? 4096 : 1024);
    if (!read) {
      if (timed_out_) {
        co_return co_await refuse_head(
            {transport_fault::too_slow, "the head of the request took too long"});
      }
      if (at_end_ && begun) {
        co_return co_await refuse_head(bad_request("the request ends within its head"));
      }
      co_return false;
    }
    if (!begun) {
      begun = true;
      set_deadline(phase::head, settings().header_timeout);
    }
  }
}

template <class Stream>
coroutine<std::optional<problem>> session<Stream>::read_body(std::size_t most, body_sink* sink) {
  if (parser_->content_length().value_or(0) > most) {
    co_return body_too_large(most);
  }
  parser_->body_limit(most);
  parser_->eager(true);
  if (const std::string_view expected = request_.headers.get("Expect"); !expected.empty()) {
    if (!same_word(expected, "100-continue")) {
      co_return problem(transport_fault::unknown_expectation,
                        "the only Expect known is '100-continue'");
    }
    if (parser_->version() >= 11 && buffer_.size() == 0) {
      const bool sent = co_await write_all(asio::buffer("HTTP/1.1 100 Continue\r\n\r\n", 25));
      body_broken_ = !sent;
    }
  }
  pace_.begin();
  std::optional<problem> fault;
  while (!fault && !body_broken_ && !parser_->is_done()) {
    fault = co_await read_piece(most);
    constexpr std::size_t enough = std::size_t{64} << 10;
    if (!fault && sink != nullptr && (body_.size() >= enough || parser_->is_done())) {
      fault = co_await drain(*sink);
    }
  }
  if (!fault && !body_broken_ && unpacker_ && sink == nullptr) {
    fault = co_await unpack_body();
  }
  co_return fault;
}

/// Parses what there is; where that is not enough, reads.
template <class Stream>
coroutine<std::optional<problem>> session<Stream>::read_piece(std::size_t most) {
  if (buffer_.size() > 0) {
    error_code fault;
    buffer_.consume(parser_->parse(buffer_.cdata(), fault));
    if (parser_->is_done()) {
      co_return std::nullopt;
    }
    if (fault && fault != beast_http::error::need_more) {
      co_return fault == beast_http::error::body_limit ? body_too_large(most)
                                                       : problem_with_parsing(fault);
    }
    if (buffer_.size() > most_header_bytes) {
      co_return bad_request("a chunk's head, or what follows the last chunk, is too long");
    }
  }
  set_deadline(phase::body, pace_.next(settings().body_timeout, settings().body_rate));
  const std::size_t waiting = buffer_.size();
  const std::size_t remaining =
      static_cast<std::size_t>(parser_->content_length_remaining().value_or(65536));
  const bool read = co_await read_more(std::clamp<std::size_t>(remaining, 512, 65536));
  if (read) {
    pace_.came(buffer_.size() - waiting);
    co_return std::nullopt;
  }
  if (timed_out_) {
    co_return problem(transport_fault::too_slow,
                      "the request's body, or a piece of it, took too long");
  }
  if (at_end_) {
    co_return bad_request("the request ends within its body");
  }
  body_broken_ = true;
  co_return std::nullopt;
}

template <class Stream>
coroutine<std::optional<problem>> session<Stream>::drain(body_sink& sink) {
  const auto fault = co_await work_on_body([&] {
    if (!unpacker_) {
      sink.write(body_);
      return;
    }
    unpacker_->unpack(body_, [&](std::string_view piece) { sink.write(piece); });
    if (parser_->is_done()) {
      unpacker_->finish();
    }
  });
  body_.clear();
  co_return fault;
}

/// Of a body that goes into the request.
template <class Stream>
coroutine<std::optional<problem>> session<Stream>::unpack_body() {
  std::string whole;
  const auto fault = co_await work_on_body([&] {
    unpacker_->unpack(body_, [&](std::string_view piece) { whole += piece; });
    unpacker_->finish();
  });
  body_ = std::move(whole);
  co_return fault;
}

template <class Stream>
template <class Work>
coroutine<std::optional<problem>> session<Stream>::work_on_body(Work work) {
  begin_work();
  std::exception_ptr fault;
  try {
    co_await on_worker(transport_.workers, work);
  } catch (...) {
    fault = std::current_exception();
  }
  if (fault) {
    co_return problem_for(fault);
  }
  co_return std::nullopt;
}

template <class Stream>
coroutine<bool> session<Stream>::read_more(std::size_t room) {
  const auto [trouble, count] = co_await stream_.async_read_some(buffer_.prepare(room), as_tuple);
  buffer_.commit(count);
  shard_.bytes_in.add(count);
  at_end_ = trouble == asio::error::eof;
  co_return !trouble;
}

} // namespace hanami::service::http::detail
