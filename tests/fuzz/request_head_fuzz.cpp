// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/http/head.hpp>
#include <hanami/service/http/message.ipp>
#include <hanami/service/http/problem.ipp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/buffer.hpp>

// Whatever the bytes, a request is refused or taken apart, and in whatever pieces they come it is
// the same. A path that is taken is UTF-8, has no control characters and climbs nowhere. The first
// byte is the size of the pieces.

namespace {

namespace http = hanami::service::http;

struct outcome {
  http::request head;
  std::string body;
  bool whole = false;
  bool good = false;
};

/// As the transport reads: what the parser leaves stays in front of the next piece.
outcome parse(std::string_view bytes, std::size_t piece) {
  outcome made;
  http::detail::message_parser parser(made.head, made.body);
  boost::beast::error_code trouble;
  std::size_t begin = 0;
  for (std::size_t end = 0; end < bytes.size() && !parser.is_done();) {
    end = std::min(end + piece, bytes.size());
    for (std::size_t taken = 1; taken > 0 && begin < end && !parser.is_done();) {
      taken = parser.parse(boost::asio::buffer(bytes.data() + begin, end - begin), trouble);
      begin += taken;
      if (trouble == boost::beast::http::error::need_more) {
        trouble = {};
        break;
      }
      if (trouble) {
        return made;
      }
    }
  }
  made.whole = parser.is_done();
  made.good = parser.is_header_done() && !parser.fault();
  return made;
}

bool is_sound(const std::string& path) {
  return path.starts_with('/') && http::detail::is_utf8(path) && !http::detail::climbs(path) &&
         std::none_of(path.begin(), path.end(),
                      [](char c) { return (static_cast<unsigned char>(c) < 0x20) || c == 0x7f; });
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes + 1), size - 1);
  const outcome whole = parse(text, text.size());
  const outcome pieces = parse(text, std::size_t{bytes[0]} + 1);
  if (whole.whole != pieces.whole || whole.good != pieces.good) {
    std::abort();
  }
  if (whole.good && !is_sound(whole.head.path)) {
    std::abort();
  }
  if (whole.whole && (whole.head.path != pieces.head.path || whole.body != pieces.body ||
                      whole.head.headers.all() != pieces.head.headers.all())) {
    std::abort();
  }
  return 0;
}
