// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace support {

/// A frame of a WebSocket as a client sends it, masked: `opcode` 1 for text, 2 for bytes, 0 for
/// what goes on, 8 to close, 9 and 10 for ping and pong; `last`: no further frame belongs to it.
inline std::string websocket_frame(unsigned opcode, std::string data, bool last = true) {
  std::string wire(1, static_cast<char>(opcode | (last ? 0x80U : 0U)));
  if (data.size() < 126) {
    wire += static_cast<char>(0x80U | data.size());
  } else {
    const bool wide = data.size() > 0xffff;
    wire += static_cast<char>(0x80U | (wide ? 127U : 126U));
    for (int shift = wide ? 56 : 8; shift >= 0; shift -= 8) {
      wire += static_cast<char>(data.size() >> shift);
    }
  }
  constexpr std::string_view mask = "\x12\x34\x56\x78";
  wire += mask;
  for (std::size_t i = 0; i < data.size(); ++i) {
    data[i] = static_cast<char>(data[i] ^ mask[i % mask.size()]);
  }
  return wire + data;
}

} // namespace support
