// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <charconv>
#include <compare>
#include <concepts>
#include <cstddef>
#include <limits>
#include <ostream>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

#include "../foundation/error.hpp"
#include "../foundation/number_text.hpp"

/// Labels of classes: text, integers, booleans, enumerators. All of them are text inside, so that 7
/// from a program and "7" from a file are the same class.

namespace hanami::inline HANAMI_ISA {

/// What may name a class. Floating-point numbers may not: they are values, for a `regressor`.
template <class T>
concept label_value =
    std::convertible_to<const T&, std::string_view> || std::integral<T> || std::is_enum_v<T>;

namespace detail {

inline constexpr std::size_t label_digits = std::numeric_limits<long long>::digits10 + 3;

/// The text of a label that is not text itself: `true`, a character, a decimal number.
template <class T>
std::string_view write_label(T value, std::array<char, label_digits>& room) noexcept {
  if constexpr (std::is_enum_v<T>) {
    return write_label(static_cast<std::underlying_type_t<T>>(value), room);
  } else if constexpr (std::same_as<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::same_as<T, char>) {
    room[0] = value;
    return {room.data(), 1};
  } else {
    const auto end = std::to_chars(room.data(), room.data() + room.size(), value).ptr;
    return {room.data(), static_cast<std::size_t>(end - room.data())};
  }
}

} // namespace detail

/// A label as functions take it. It owns nothing: not to be kept.
class label_view {
 public:
  template <label_value T>
  label_view(const T& value) noexcept { // any label will do
    if constexpr (std::convertible_to<const T&, std::string_view>) {
      text_ = value;
    } else {
      text_ = detail::write_label(value, digits_);
    }
  }
  label_view(const label_view&) = delete;
  label_view& operator=(const label_view&) = delete;

  std::string_view text() const noexcept { return text_; }

 private:
  std::array<char, detail::label_digits> digits_;
  std::string_view text_;
};

/// A label that is kept. Compares with everything that may be a label.
class class_label {
 public:
  class_label() = default; ///< empty text, which names no class
  template <label_value T>
  class_label(const T& value) : text_(label_view(value).text()) {} // as in `label_view`

  const std::string& text() const noexcept { return text_; }
  operator std::string_view() const noexcept { return text_; }

  /// The integer, boolean or enumerator that the label was, or one that its text spells. Throws
  /// `errc::invalid_argument` where it spells none, or one that does not fit.
  template <class T>
  requires std::integral<T> || std::is_enum_v<T> T as()
  const {
    if constexpr (std::is_enum_v<T>) {
      return static_cast<T>(as<std::underlying_type_t<T>>());
    } else if constexpr (std::same_as<T, bool>) {
      if (text_ == "true" || text_ == "1") {
        return true;
      }
      if (text_ == "false" || text_ == "0") {
        return false;
      }
    } else if constexpr (std::same_as<T, char>) {
      if (text_.size() == 1) {
        return text_[0];
      }
    } else {
      T value{};
      const char* end = text_.data() + text_.size();
      const auto parsed = parse_number(text_.data(), end, value);
      if (parsed.ec == std::errc() && parsed.ptr == end) {
        return value;
      }
    }
    raise(errc::invalid_argument, "the label '" + text_ + "' is no value of the type asked");
  }

  template <label_value T>
  friend bool operator==(const class_label& a, const T& b) noexcept {
    return a.text_ == label_view(b).text();
  }
  friend std::strong_ordering operator<=>(const class_label& a, const class_label& b) noexcept {
    return a.text_.compare(b.text_) <=> 0;
  }
  friend std::ostream& operator<<(std::ostream& stream, const class_label& of) {
    return stream << of.text_;
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(text_);
  }

 private:
  std::string text_;
};

} // namespace hanami
