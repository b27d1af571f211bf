// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace hanami::service::api {

/// Forms of texts; each is also printed as a regular expression.
enum class text_form : std::uint8_t {
  any,
  uuid,       ///< 8-4-4-4-12 hex digits
  identifier, ///< letter, then letters, digits, _
  user_id,    ///< the same with @ . -
  name,       ///< letter, then letters, digits, _ - and blanks
  label,      ///< any printable text: UTF-8 without control characters
  base64,     ///< with padding
  path        ///< letter, then letters, digits, _ . / -
};

/// Whether a text has a form; checked in one pass, without regular expressions.
bool has_form(std::string_view text, text_form form);
/// The regular expression of a form; empty for `any` and `label`.
std::string_view pattern_of(text_form form);

} // namespace hanami::service::api
