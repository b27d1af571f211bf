// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "text_form.hpp"

#include <algorithm>

#include "../base/compile.hpp"
#include "../base/uuid.hpp"

namespace hanami::service::api {

namespace detail {

inline bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// A letter, then letters, digits and what `others` holds.
inline bool is_word(std::string_view text, std::string_view others) {
  return !text.empty() && is_letter(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return is_letter(c) || is_digit(c) || others.find(c) != std::string_view::npos;
         });
}

inline bool is_base64(std::string_view text) {
  if (text.size() % 4 != 0) {
    return false;
  }
  for (int padding = 0; padding < 2 && !text.empty() && text.back() == '='; ++padding) {
    text.remove_suffix(1);
  }
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '+' || c == '/'; });
}

inline bool is_printable(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

} // namespace detail

HANAMI_SERVICE_INLINE bool has_form(std::string_view text, text_form form) {
  switch (form) {
  case text_form::any:
    return true;
  case text_form::uuid:
    return is_uuid(text);
  case text_form::identifier:
    return detail::is_word(text, "_");
  case text_form::user_id:
    return detail::is_word(text, "_@.-");
  case text_form::name:
    return detail::is_word(text, "_- ");
  case text_form::label:
    return detail::is_printable(text);
  case text_form::base64:
    return detail::is_base64(text);
  case text_form::path:
    return detail::is_word(text, "_./-");
  }
  return false;
}

HANAMI_SERVICE_INLINE std::string_view pattern_of(text_form form) {
  switch (form) {
  case text_form::uuid:
    return "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$";
  case text_form::identifier:
    return "^[a-zA-Z][a-zA-Z_0-9]*$";
  case text_form::user_id:
    return "^[a-zA-Z][a-zA-Z_0-9@.-]*$";
  case text_form::name:
    return "^[a-zA-Z][a-zA-Z_0-9 -]*$";
  case text_form::base64:
    return "^[a-zA-Z0-9+/]*={0,2}$";
  case text_form::path:
    return "^[a-zA-Z][a-zA-Z_0-9./-]*$";
  case text_form::label:
    return R"(^[^\u0000-\u001f\u007f]*$)";
  case text_form::any:
    break;
  }
  return {};
}

} // namespace hanami::service::api
