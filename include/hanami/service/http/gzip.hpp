// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <boost/beast/core/string.hpp>

#include "../../foundation/error.hpp"
#include "../../io/gzip.hpp"
#include "../base/refusal.hpp"
#include "message.hpp"
#include "problem.hpp"

/// Bodies packed by gzip (RFC 9110, 8.4): of requests, which are unpacked within bounds, and of
/// answers, where the client takes them so and it is worth it.

namespace hanami::service::http {

namespace detail {

inline bool is_gzip(std::string_view coding) {
  const boost::beast::string_view word(coding.data(), coding.size());
  return boost::beast::iequals(word, "gzip") || boost::beast::iequals(word, "x-gzip");
}

inline std::string_view without_blanks(std::string_view text) {
  const std::size_t first = std::min(text.find_first_not_of(" \t"), text.size());
  text.remove_prefix(first);
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

/// The weight of an entry such as "gzip;q=0.5", which becomes "gzip"; 0 for one that is malformed.
inline double take_weight(std::string_view& entry) {
  const std::size_t semicolon = entry.find(';');
  const std::string_view behind = semicolon == std::string_view::npos
                                      ? std::string_view()
                                      : without_blanks(entry.substr(semicolon + 1));
  entry = without_blanks(entry.substr(0, semicolon));
  if (semicolon == std::string_view::npos) {
    return 1;
  }
  double weight = 0;
  if (behind.starts_with("q=") || behind.starts_with("Q=")) {
    std::from_chars(behind.data() + 2, behind.data() + behind.size(), weight);
  }
  return weight >= 0 && weight <= 1 ? weight : 0;
}

[[noreturn]] inline void refuse_memory() {
  throw error(errc::out_of_memory, "zlib: not enough memory");
}

} // namespace detail

/// Whether `Accept-Encoding` prefers gzip to a body as it is.
inline bool accepts_gzip(const fields& headers) {
  std::optional<double> gzip, plain, others;
  for (std::string_view rest : headers.get_all("Accept-Encoding")) {
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      std::string_view word = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const double weight = detail::take_weight(word);
      if (detail::is_gzip(word)) {
        gzip = std::max(gzip.value_or(0), weight);
      } else if (boost::beast::iequals({word.data(), word.size()}, "identity")) {
        plain = weight;
      } else if (word == "*") {
        others = weight;
      }
    }
  }
  const double wanted = gzip.value_or(others.value_or(0));
  return wanted > 0 && wanted >= plain.value_or(0);
}

/// Whether an answer may be packed: a text of some length, no events, of which each has to arrive
/// at once, and nothing that must not be stored. Those are the answers with secrets in them, whose
/// packed length would tell of the secret to who can have his own words put beside it (BREACH).
inline bool can_be_packed(const response& what) {
  constexpr std::size_t least = 1024; // a packet more or less is what it is about
  const std::string_view type =
      std::string_view(what.content_type).substr(0, what.content_type.find(';'));
  const bool text = type.starts_with("text/") || type == "application/json" ||
                    type == "application/x-ndjson" || type == "image/svg+xml";
  return text && !what.events && (what.source || what.body.size() >= least) &&
         what.headers.get("Content-Encoding").empty() &&
         what.headers.get("Content-Range").empty() &&
         what.headers.get("Cache-Control").find("no-store") == std::string_view::npos;
}

/// Packs what is given to it, piece after piece.
class gzip_packer {
 public:
  gzip_packer() {
    constexpr int level = 3; // texts of numbers hardly get shorter by more
    constexpr int gzip = 16 + MAX_WBITS;
    if (deflateInit2(&stream_, level, Z_DEFLATED, gzip, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
      detail::refuse_memory();
    }
  }
  gzip_packer(const gzip_packer&) = delete;
  gzip_packer& operator=(const gzip_packer&) = delete;
  ~gzip_packer() { deflateEnd(&stream_); }

  /// What is to be packed next, at most 4 GiB; it stays the caller's until `read` gives less than
  /// it has room for. `last`: nothing comes after it.
  void give(std::string_view piece, bool last) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data())); // only reads it
    stream_.avail_in = static_cast<uInt>(piece.size());
    last_ = last;
  }
  /// Fills the buffer as far as what was given suffices.
  std::size_t read(std::span<char> buffer) {
    stream_.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream_.avail_out = static_cast<uInt>(buffer.size());
    done_ = deflate(&stream_, last_ ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_END;
    return buffer.size() - stream_.avail_out;
  }
  /// The last byte has been read.
  bool done() const noexcept { return done_; }

 private:
  z_stream stream_{};
  bool last_ = false;
  bool done_ = false;
};

/// A body that is packed as it is read.
class packed_source final : public body_source {
 public:
  explicit packed_source(std::unique_ptr<body_source> from)
      : from_(std::move(from)), piece_(std::size_t{32} << 10, '\0') {}

  std::optional<std::uint64_t> size() const override { return {}; }
  std::size_t read(std::span<char> buffer) override {
    std::size_t filled = 0;
    while (filled < buffer.size() && !packer_.done()) {
      filled += packer_.read(buffer.subspan(filled));
      if (filled < buffer.size() && !packer_.done()) {
        const std::size_t count = from_->read(piece_);
        packer_.give({piece_.data(), count}, count == 0);
      }
    }
    return filled;
  }

 private:
  std::unique_ptr<body_source> from_;
  std::string piece_;
  gzip_packer packer_;
};

namespace detail {

/// A text as a source.
class text_source final : public body_source {
 public:
  explicit text_source(std::string text) : text_(std::move(text)) {}
  std::optional<std::uint64_t> size() const override { return text_.size(); }
  std::size_t read(std::span<char> buffer) override {
    const std::size_t count = std::min(buffer.size(), text_.size() - at_);
    std::copy_n(text_.data() + at_, count, buffer.data());
    at_ += count;
    return count;
  }

 private:
  std::string text_;
  std::size_t at_ = 0;
};

} // namespace detail

/// Packs an answer; a long one while it is sent, on a worker.
inline void pack(response& what) {
  constexpr std::size_t at_once = std::size_t{64} << 10;
  what.headers.add("Content-Encoding", "gzip");
  if (!what.source && what.body.size() > at_once) {
    what.source = std::make_unique<detail::text_source>(std::exchange(what.body, {}));
  }
  if (what.source) {
    what.source = std::make_unique<packed_source>(std::move(what.source));
    return;
  }
  gzip_packer packer;
  packer.give(what.body, true);
  std::string packed;
  while (!packer.done()) {
    const std::size_t filled = packed.size();
    packed.resize(filled + what.body.size() / 2 + 64);
    packed.resize(filled + packer.read(std::span(packed).subspan(filled)));
  }
  what.body = std::move(packed);
}

/// Unpacks the body of a request as it comes in, member after member, and refuses it as soon as
/// more comes out than should: 413. Memory does not depend on what comes out.
class gzip_unpacker {
 public:
  /// `most`: bytes that may come out.
  explicit gzip_unpacker(std::size_t most) : most_(most) {
    constexpr int gzip_only = 16 + MAX_WBITS;
    if (inflateInit2(&stream_, gzip_only) != Z_OK) {
      detail::refuse_memory();
    }
  }
  gzip_unpacker(const gzip_unpacker&) = delete;
  gzip_unpacker& operator=(const gzip_unpacker&) = delete;
  ~gzip_unpacker() { inflateEnd(&stream_); }

  /// Calls `take(std::string_view)` with what comes out, at most 64 KiB at a time. Throws `problem`
  /// and what `take` throws.
  template <class Take>
  void unpack(std::string_view packed, Take take) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data())); // only reads it
    stream_.avail_in = static_cast<uInt>(packed.size());
    in_ += packed.size();
    block_.resize(std::size_t{64} << 10);
    bool full = false;
    while (stream_.avail_in > 0 || full) {
      if (whole_) { // another member
        inflateReset(&stream_);
        whole_ = false;
      }
      stream_.next_out = reinterpret_cast<Bytef*>(block_.data());
      stream_.avail_out = static_cast<uInt>(block_.size());
      step();
      full = stream_.avail_out == 0 && !whole_;
      const std::size_t count = block_.size() - stream_.avail_out;
      check_size(count);
      if (count > 0) {
        take(std::string_view(block_.data(), count));
      }
    }
  }
  /// Throws `bad_request` where the body has ended too early.
  void finish() const {
    if (!whole_) {
      throw bad_request("the body, packed by gzip, ends before its end mark");
    }
  }

 private:
  void step() {
    const int result = inflate(&stream_, Z_NO_FLUSH);
    whole_ = result == Z_STREAM_END;
    if (result == Z_MEM_ERROR) {
      detail::refuse_memory();
    }
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      throw bad_request(std::string("the body is not what gzip packs: ") +
                        (stream_.msg != nullptr ? stream_.msg : "a dictionary is missing"));
    }
  }

  void check_size(std::size_t more) {
    constexpr std::uint64_t free_of_ratio = std::uint64_t{1} << 20;
    constexpr std::uint64_t most_ratio = 256; // what people send is packed to a twentieth or so
    out_ += more;
    if (out_ > most_) {
      throw problem(transport_fault::body_too_large, "the body of this request has at most " +
                                                         std::to_string(most_) +
                                                         " bytes when it is unpacked");
    }
    if (out_ > free_of_ratio && out_ / most_ratio > in_) {
      throw problem(transport_fault::body_too_large, "the body unpacks to more than " +
                                                         std::to_string(most_ratio) +
                                                         " times its size; send it as it is");
    }
  }

  z_stream stream_{};
  std::string block_;
  std::size_t most_;
  std::uint64_t in_ = 0;
  std::uint64_t out_ = 0;
  bool whole_ = false; ///< a member has ended, and no other one has begun
};

/// How a request's body is to be unpacked; nothing: it comes as it is. Throws `problem` 415 for a
/// coding that is not known here.
inline std::unique_ptr<gzip_unpacker> unpacker_for(const fields& headers, std::size_t most) {
  std::unique_ptr<gzip_unpacker> unpacker;
  for (const std::string_view field : headers.get_all("Content-Encoding")) {
    const std::string_view word = detail::without_blanks(field);
    if (detail::is_gzip(word) && !unpacker) {
      unpacker = std::make_unique<gzip_unpacker>(most);
    } else if (!boost::beast::iequals({word.data(), word.size()}, "identity")) {
      throw problem(transport_fault::unknown_coding,
                    "a body comes as it is or packed once by gzip: 'Content-Encoding: gzip'");
    }
  }
  return unpacker;
}

} // namespace hanami::service::http
