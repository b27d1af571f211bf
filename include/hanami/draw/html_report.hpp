// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include "../foundation/error.hpp"

namespace hanami::inline HANAMI_ISA {

/// Text as it may stand between tags and in quoted attributes of HTML.
inline std::string html_text(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
    case '<':
      safe += "&lt;";
      break;
    case '>':
      safe += "&gt;";
      break;
    case '&':
      safe += "&amp;";
      break;
    case '"':
      safe += "&quot;";
      break;
    case '\'':
      safe += "&#39;";
      break;
    default:
      safe += c;
    }
  }
  return safe;
}

namespace detail {

inline std::string base64(std::string_view bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t three = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      const auto byte = i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U;
      three = (three << 8) | byte;
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += i + k > bytes.size() ? '=' : digits[(three >> (18 - 6 * k)) & 63];
    }
  }
  return text;
}

inline void put_little_endian(std::string& to, std::size_t value, int bytes) {
  for (int k = 0; k < bytes; ++k) {
    to += static_cast<char>((value >> (8 * k)) & 255);
  }
}

} // namespace detail

/// A grey picture, `rows` times `columns` bytes (255 is ink), as an address for `<img src>` that
/// holds the picture itself: a bitmap file of 256 greys, lines bottom up, each padded to 4 bytes.
inline std::string picture_uri(std::span<const std::uint8_t> pixels, std::size_t rows,
                               std::size_t columns) {
  const std::size_t line = (columns + 3) / 4 * 4;
  constexpr std::size_t head = 14 + 40 + 256 * 4;
  std::string file = "BM";
  const auto put = [&](std::size_t value, int bytes) {
    detail::put_little_endian(file, value, bytes);
  };
  put(head + rows * line, 4);
  put(0, 4);
  put(head, 4);
  put(40, 4);
  put(columns, 4);
  put(rows, 4);
  put(1, 2);
  put(8, 2);
  for (int k = 0; k < 6; ++k) {
    put(0, 4);
  }
  for (std::size_t ink = 0; ink < 256; ++ink) {
    put((255 - ink) * 0x010101, 4);
  }
  for (std::size_t r = rows; r-- > 0;) {
    for (std::size_t c = 0; c < line; ++c) {
      put(c < columns ? pixels[r * columns + c] : 0U, 1);
    }
  }
  return "data:image/bmp;base64," + detail::base64(file);
}

/// A page that needs no other file: a title, a row of key numbers, cards. Text is escaped, content
/// of cards is HTML (`to_svg` of a plot or a drawing, `picture_uri`).
class html_report {
 public:
  html_report(std::string_view title, std::string_view subtitle) {
    body_ =
        "<header><h1>" + html_text(title) + "</h1><p>" + html_text(subtitle) + "</p></header>\n";
  }

  void begin_numbers() { body_ += "<section class='numbers'>"; }
  void number(std::string_view value, std::string_view what) {
    body_ += "<div><b>" + html_text(value) + "</b><span>" + html_text(what) + "</span></div>";
  }
  /// 1234567 as 1,234,567.
  void number(std::uint64_t value, std::string_view what) {
    std::string digits = std::to_string(value);
    for (std::size_t at = digits.size(); at > 3; at -= 3) {
      digits.insert(at - 3, ",");
    }
    number(digits, what);
  }
  void end_numbers() { body_ += "</section>\n"; }

  /// Wide cards take the whole row.
  void card(std::string_view title, std::string_view note, const std::string& content,
            bool wide = false) {
    body_ += wide ? "<section class='card wide'>" : "<section class='card'>";
    body_ += "<h2>" + html_text(title) + "</h2>";
    if (!note.empty()) {
      body_ += "<p class='note'>" + html_text(note) + "</p>";
    }
    body_ += content + "</section>\n";
  }

  /// Throws `errc::file_error`.
  void write(const std::filesystem::path& path) const {
    std::ofstream file(path, std::ios::binary);
    file << "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
         << "<meta name='viewport' content='width=device-width'><title>hanami</title><style>"
         << style << "</style></head><body><main>\n"
         << body_ << "</main></body></html>\n";
    file.flush();
    if (!file) {
      raise(errc::file_error, "cannot write '" + path.string() + "'");
    }
  }

 private:
  static constexpr const char* style = R"(
:root { --page: #faf7f8; --card: #fff; --ink: #2b2430; --soft: #857a89; --line: #ece5ea;
        --accent: #cf3f7c; --leaf: #3f8f6b; --sky: #3d78c2; --bark: #a5702e; }
@media (prefers-color-scheme: dark) {
  :root { --page: #17141a; --card: #221d26; --ink: #efe9f0; --soft: #9c90a1; --line: #383040;
          --accent: #f07aa8; --leaf: #6cc39b; --sky: #7db0ee; --bark: #d9a566; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
       font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 36px 24px 60px; display: grid;
       grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 20px; }
header, .numbers, .wide { grid-column: 1 / -1; }
h1 { margin: 0; font-size: 30px; letter-spacing: -.02em; }
header p { margin: 2px 0 0; color: var(--soft); }
h2 { margin: 0 0 4px; font-size: 17px; }
.note { margin: 0 0 14px; color: var(--soft); font-size: 13px; }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 1px;
           background: var(--line); border: 1px solid var(--line); border-radius: 14px;
           overflow: hidden; }
.numbers div { background: var(--card); padding: 16px 18px; }
.numbers b { display: block; font-size: 24px; letter-spacing: -.02em; line-height: 1.2; }
.numbers div:first-child b { color: var(--accent); }
.numbers span { color: var(--soft); font-size: 13px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 14px;
        padding: 20px 22px; min-width: 0; }
figure { margin: 0 0 14px; } figure:last-child { margin: 0; }
figcaption { font-size: 13px; font-weight: 600; margin-bottom: 4px; }
.plot { width: 100%; height: auto; display: block; }
.plot text { font-size: 12px; fill: var(--soft); }
.grid { stroke: var(--line); } .below { opacity: .1; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
table.confusion { border-collapse: separate; border-spacing: 3px; width: 100%;
                  table-layout: fixed; font-variant-numeric: tabular-nums; font-size: 13px; }
.confusion td, .confusion th { text-align: center; padding: 7px 0; border-radius: 6px; }
.confusion th { color: var(--soft); font-weight: 600; }
.confusion td { background: var(--page); }
.confusion td i { font-style: normal; color: var(--line); }
.confusion td.right { color: var(--leaf); font-weight: 600; }
.digits { display: grid; grid-template-columns: repeat(auto-fill, minmax(84px, 1fr)); gap: 12px; }
.digits div { text-align: center; font-size: 13px; color: var(--soft); }
.digits img { width: 100%; image-rendering: pixelated; border-radius: 8px; display: block;
              border: 1px solid var(--line); margin-bottom: 3px; }
.digits b { color: var(--leaf); } .digits em { color: var(--accent); font-style: normal;
                                               font-weight: 700; }
.drawing svg { display: block; margin: 0 auto; max-width: 100%; height: auto; }
pre { margin: 0; font: 12.5px/1.5 ui-monospace, Menlo, Consolas, monospace; overflow-x: auto; }
@media (max-width: 800px) { main { grid-template-columns: minmax(0, 1fr); } }
)";

  std::string body_;
};

} // namespace hanami
