// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "../base/refusal.hpp"
#include "message.hpp"
#include "problem.hpp"

/// From bytes to a request: Beast's parser, and what it leaves to its user.

namespace hanami::service::http::detail {

namespace beast_http = boost::beast::http;
using parser_text = boost::beast::string_view;

inline constexpr std::size_t most_header_bytes = std::size_t{16} << 10;

inline int hex_digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// No overlong forms, no surrogates, nothing above U+10FFFF.
inline bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t at) {
      return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u;
    };
    const unsigned first = byte(i);
    if (first < 0x80) {
      ++i;
      continue;
    }
    const std::size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    const unsigned second = byte(i + 1);
    const bool wrong = first < 0xc2 || first > 0xf4 || (first == 0xe0 && second < 0xa0) ||
                       (first == 0xed && second > 0x9f) || (first == 0xf0 && second < 0x90) ||
                       (first == 0xf4 && second > 0x8f);
    for (std::size_t k = 1; k <= more; ++k) {
      if (wrong || (byte(i + k) & 0xc0) != 0x80) {
        return false;
      }
    }
    i += more + 1;
  }
  return true;
}

/// Whether one of the path's segments is "..".
inline bool climbs(std::string_view path) {
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    if (path.substr(0, end) == "..") {
      return true;
    }
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return false;
}

/// Percent-decodes a path; throws `bad_request`.
inline std::string decode_path(std::string_view coded) {
  std::string path;
  path.reserve(coded.size());
  for (std::size_t i = 0; i < coded.size(); ++i) {
    char c = coded[i];
    if (c == '%') {
      const int high = i + 2 < coded.size() ? hex_digit(coded[i + 1]) : -1;
      const int low = i + 2 < coded.size() ? hex_digit(coded[i + 2]) : -1;
      if (high < 0 || low < 0) {
        throw bad_request("the path has a % without two hex digits behind it");
      }
      c = static_cast<char>(high * 16 + low);
      if (c == '/') { // it would be another path than whoever stands in between has seen
        throw bad_request("the path has an encoded slash, %2F, in it");
      }
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      throw bad_request("the path has a control character in it");
    }
    path += c;
  }
  if (!is_utf8(path)) {
    throw bad_request("the path is not UTF-8");
  }
  if (climbs(path)) {
    throw bad_request("the path has a segment '..' in it");
  }
  return path;
}

/// Takes a request target apart: "/a%20b?c=d", or the same behind "http://host". Throws
/// `bad_request`.
inline void read_target(std::string_view target, request& to) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (target.starts_with(scheme)) {
      target.remove_prefix(std::min(target.find_first_of("/?", scheme.size()), target.size()));
      if (target.empty()) {
        target = "/";
      }
      break;
    }
  }
  if (!target.starts_with('/') || target.find('#') != std::string_view::npos) {
    throw bad_request("the request's target must be a path that begins with '/'");
  }
  const std::size_t question = std::min(target.find('?'), target.size());
  to.query = target.substr(std::min(question + 1, target.size()));
  to.path = decode_path(target.substr(0, question));
}

/// Parses one request into `to`; its body into `body`.
class message_parser final : public beast_http::basic_parser<true> {
 public:
  message_parser(request& to, std::string& body) : to_(to), body_(body) {
    header_limit(most_header_bytes);
    body_limit(boost::none); // known only when the head has been admitted
  }

  /// How many of the bytes are done with; the others have to come again, with more behind them.
  std::size_t parse(boost::asio::const_buffer bytes, boost::beast::error_code& fault) {
    // With less of a chunked body than its end is long, Beast's parser can run into an assertion.
    constexpr std::size_t last_chunk = 5;
    if (is_header_done() && chunked() && bytes.size() < last_chunk) {
      fault = beast_http::error::need_more;
      return 0;
    }
    const bool head = !is_header_done();
    const std::size_t count = put(bytes, fault);
    if (head) {
      look_for_folds({static_cast<const char*>(bytes.data()), count});
    }
    return count;
  }

  /// What is wrong with a head that has been parsed; nothing: it is good.
  std::optional<problem> fault() const {
    if (bad_target_) {
      return bad_target_;
    }
    if (hosts_ > 1 || (hosts_ == 0 && version_ >= 11)) {
      return bad_request("a request of HTTP/1.1 has one Host field");
    }
    // Whatever others could read differently, so that a second request hides behind the first.
    if (folded_) {
      return bad_request("a header field goes on in a second line, which HTTP no longer knows");
    }
    const auto codings = to_.headers.get_all("Transfer-Encoding");
    if (codings.size() > 1 || (!codings.empty() && (version_ < 11 || !is_chunked(codings[0])))) {
      return bad_request("the only Transfer-Encoding known here is 'chunked', in HTTP/1.1");
    }
    const auto lengths = to_.headers.get_all("Content-Length");
    if (lengths.size() > 1 || (!lengths.empty() && !codings.empty())) {
      return bad_request("a request says once how long its body is");
    }
    if (!lengths.empty() && lengths[0].find_first_not_of("0123456789") != std::string_view::npos) {
      return bad_request("the Content-Length is a number");
    }
    return std::nullopt;
  }

  int version() const noexcept { return version_; }
  const std::string& target() const noexcept { return target_; }
  bool has_body() const { return chunked() || content_length().value_or(0) > 0; }

 private:
  static bool is_chunked(std::string_view coding) {
    return boost::beast::iequals({coding.data(), coding.size()}, "chunked");
  }

  /// Beast joins lines that are folded (RFC 9112, 5.2), so that only the bytes tell.
  void look_for_folds(std::string_view head) {
    const auto begins_blank = [](std::string_view line) {
      return line.starts_with(' ') || line.starts_with('\t');
    };
    folded_ = folded_ || (after_line_ && begins_blank(head));
    for (std::size_t at = head.find('\n'); at < head.size(); at = head.find('\n', at + 1)) {
      folded_ = folded_ || begins_blank(head.substr(at + 1));
    }
    after_line_ = head.empty() ? after_line_ : head.ends_with('\n');
  }

  void on_request_impl(beast_http::verb, parser_text method, parser_text target, int version,
                       boost::beast::error_code&) override {
    to_.method.assign(method.data(), method.size());
    target_.assign(target.data(), target.size());
    version_ = version;
    try {
      read_target(target_, to_);
    } catch (const refusal& why) {
      bad_target_ = why;
    }
  }
  void on_field_impl(beast_http::field field, parser_text name, parser_text value,
                     boost::beast::error_code&) override {
    if (head_done_) {
      return; // trailers must not be taken for what the head said
    }
    hosts_ += field == beast_http::field::host;
    to_.headers.add(std::string(name.data(), name.size()), std::string(value.data(), value.size()));
  }
  void on_header_impl(boost::beast::error_code&) override { head_done_ = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>& length,
                         boost::beast::error_code&) override {
    // Not what it says it has: memory is for what has come.
    body_.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(length.value_or(0), 65536)));
  }
  std::size_t on_body_impl(parser_text piece, boost::beast::error_code&) override {
    body_.append(piece.data(), piece.size());
    return piece.size();
  }
  void on_chunk_header_impl(std::uint64_t, parser_text, boost::beast::error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, parser_text piece,
                                 boost::beast::error_code&) override {
    body_.append(piece.data(), piece.size());
    return piece.size();
  }
  void on_finish_impl(boost::beast::error_code&) override {}
  void on_response_impl(int, parser_text, int, boost::beast::error_code&) override {}

  request& to_;
  std::string& body_;
  std::string target_;
  std::optional<problem> bad_target_;
  int version_ = 11;
  int hosts_ = 0;
  bool head_done_ = false;
  bool folded_ = false;
  bool after_line_ = false; ///< the head's bytes so far end with a line
};

/// What the parser found, as a refusal.
inline problem problem_with_parsing(const boost::beast::error_code& fault) {
  if (fault == beast_http::error::header_limit) {
    return {transport_fault::header_too_large,
            "the head of a request has at most " + std::to_string(most_header_bytes) + " bytes"};
  }
  return bad_request("the request is malformed: " + fault.message());
}

inline problem body_too_large(std::size_t most) {
  return {transport_fault::body_too_large,
          "the body of this request has at most " + std::to_string(most) + " bytes"};
}

} // namespace hanami::service::http::detail
