// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "session.hpp"

/// The last part of `session`: sending answers.

namespace hanami::service::http::detail {

template <class Stream>
coroutine<bool> session<Stream>::respond(response answer) {
  if (!is_sendable(answer)) {
    transport_.answers.report("an answer with a status or a field that cannot be sent");
    answer = response_of(internal_problem());
  }
  framing how;
  how.version = parser_->version();
  how.https_only = secure ? transport_.https_only : std::chrono::seconds(0);
  how.keep_alive = keep_alive_ && !answer.close && !transport_.stopping;
  if (answer.source) {
    how.length = answer.source->size();
  } else if (!answer.events) {
    how.length = answer.body.size();
  }
  const bool has_body = !is_head_ && !has_no_content(answer.status);
  if (!how.length && !has_no_content(answer.status)) {
    how.chunked = how.version >= 11;
    how.keep_alive = how.keep_alive && how.chunked; // or only the end of all tells the body's
  }
  if (answer.events && answer.content_type.empty()) {
    answer.content_type = "text/event-stream";
  }
  head_.clear();
  write_head(head_, answer, how, shard_.date_line());

  bool sent = false;
  const bool keep_alive = how.keep_alive;
  if (has_body && answer.source) {
    sent = co_await send_source(std::move(answer), how);
  } else if (has_body && answer.events) {
    sent = co_await send_events(std::move(answer), how);
  } else if (has_body) {
    const std::array<asio::const_buffer, 2> all{asio::buffer(head_), asio::buffer(answer.body)};
    sent = co_await write_all(all);
  } else {
    sent = co_await write_all(asio::buffer(head_));
  }
  begin_work();
  ends_in_order_ = sent && !keep_alive;
  co_return sent&& keep_alive;
}

/// Sends a piece behind what waits in `head_`.
template <class Stream>
coroutine<bool> session<Stream>::send_piece(std::string_view piece, bool chunked) {
  if (chunked) {
    char size[24];
    const int length = std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
    head_.append(size, static_cast<std::size_t>(length));
  }
  const std::array<asio::const_buffer, 3> all{
      asio::buffer(head_), asio::buffer(piece.data(), piece.size()),
      asio::buffer("\r\n", chunked ? std::size_t{2} : std::size_t{0})};
  const bool sent = co_await write_all(all);
  head_.clear();
  co_return sent;
}

template <class Stream>
coroutine<bool> session<Stream>::send_source(response answer, framing how) {
  std::string piece = shard_.take_buffer();
  piece.resize(std::size_t{64} << 10);
  std::uint64_t left = how.length.value_or(std::numeric_limits<std::uint64_t>::max());
  bool sent = true;
  std::size_t count = 1;
  while (sent && left > 0 && count > 0) {
    begin_work();
    const std::size_t room = static_cast<std::size_t>(std::min<std::uint64_t>(left, piece.size()));
    std::exception_ptr fault;
    try {
      co_await on_worker(transport_.workers,
                         [&] { count = answer.source->read(std::span(piece.data(), room)); });
    } catch (...) {
      fault = std::current_exception();
    }
    if (fault || (count == 0 && how.length) || count > room) {
      // The head has promised more: only a broken connection tells the client so.
      transport_.answers.report("a body broke off while it was sent");
      if (fault) {
        problem_for(fault);
      }
      close_quietly(lowest(stream_));
      co_return false;
    }
    left -= count;
    if (count > 0) {
      sent = co_await send_piece({piece.data(), count}, how.chunked);
    }
  }
  shard_.give_buffer(std::move(piece));
  if (sent && how.chunked) {
    sent = co_await send_piece({}, true);
  } else if (sent && !head_.empty()) {
    sent = co_await write_all(asio::buffer(head_)); // nothing came, and the head waits still
  }
  co_return sent;
}

template <class Stream>
coroutine<bool> session<Stream>::send_events(response answer, framing how) {
  constexpr auto pause = std::chrono::milliseconds(250);
  // So that nobody between here and there takes the connection for idle.
  const auto silence_most =
      std::min<std::chrono::milliseconds>(settings().idle_timeout / 4, std::chrono::seconds(15));
  bool sent = co_await write_all(asio::buffer(head_));
  head_.clear();
  auto last_written = steady::now();
  tcp_timer timer(shard_.io.get_executor());
  bool more = true;
  while (sent && more && !transport_.stopping) {
    begin_work();
    std::string events;
    std::exception_ptr fault;
    try {
      co_await on_worker(transport_.workers, [&] { more = answer.events->next(events); });
    } catch (...) {
      fault = std::current_exception();
    }
    if (fault) {
      problem_for(fault);
      more = false;
    }
    if (events.empty() && steady::now() - last_written >= silence_most) {
      events = ":\n\n";
    }
    if (!events.empty()) {
      sent = co_await send_piece(events, how.chunked);
      last_written = steady::now();
    }
    if (sent && more) {
      timer.expires_after(pause);
      co_await timer.async_wait(as_tuple);
      sent = lowest(stream_).is_open() && !peer_is_gone(lowest(stream_));
    }
  }
  if (sent && how.chunked) {
    sent = co_await send_piece({}, true);
  }
  co_return sent;
}

} // namespace hanami::service::http::detail
