// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace hanami::service::access::detail {

/// What published leaks show to be tried first, of eight characters and more, in lower case.
inline constexpr std::string_view common_passwords[] = {
    "00000000",     "0123456789", "1122334455", "11111111",    "1111111111",    "112233445566",
    "11223344",     "12121212",   "12341234",   "12344321",    "123123123",     "123321123",
    "12345678",     "123456789",  "1234567890", "12345678910", "123456789a",    "1234qwer",
    "123qweasd",    "147258369",  "1q2w3e4r",   "1q2w3e4r5t",  "1q2w3e4r5t6y",  "1qaz2wsx",
    "1qaz2wsx3edc", "66666666",   "789456123",  "87654321",    "88888888",      "987654321",
    "9876543210",   "99999999",   "a1b2c3d4",   "a1234567",    "a12345678",     "a123456789",
    "aa123456",     "aa12345678", "abc12345",   "abc123456",   "abcd1234",      "abcdefgh",
    "abcdefghi",    "access14",   "admin123",   "admin1234",   "administrator", "adminadmin",
    "alexander",    "asdasdasd",  "asdf1234",   "asdfasdf",    "asdfghjk",      "asdfghjkl",
    "babygirl",     "barcelona",  "baseball",   "basketball",  "butterfly",     "changeme",
    "changeme1",    "charlie1",   "chocolate",  "computer",    "corvette",      "default1",
    "dragon123",    "elephant",   "football",   "football1",   "freedom1",      "garfield",
    "hanami123",    "hello123",   "iloveyou",   "iloveyou1",   "internet",      "jennifer",
    "jordan23",     "killer123",  "letmein1",   "letmein123",  "liverpool",     "loveme123",
    "maverick",     "mercedes",   "michelle",   "midnight",    "monkey123",     "p@ssw0rd",
    "p@ssword",     "pa55word",   "pass1234",   "passw0rd",    "password",      "password!",
    "password1",    "password1!", "password12", "password123", "password1234",  "passwords",
    "pokemon1",     "princess",   "princess1",  "q1w2e3r4",    "q1w2e3r4t5",    "qazwsxedc",
    "qwer1234",     "qwerasdf",   "qwerqwer",   "qwerty12",    "qwerty123",     "qwerty1234",
    "qwertyui",     "qwertyuiop", "rootroot",   "samantha",    "secret123",     "service1",
    "starwars",     "sunshine",   "sunshine1",  "superman",    "superman1",     "test1234",
    "testtest",     "trustno1",   "user1234",   "victoria",    "welcome1",      "welcome123",
    "whatever",     "zaq12wsx",   "zaq1zaq1",   "zxcvbnm1",    "zxcvbnm123"};

/// Whether guessing begins with it: one of those above, or one character again and again.
inline bool is_common_password(std::string_view password) {
  std::string lower(password);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower.find_first_not_of(lower.substr(0, 1)) == std::string::npos ||
         std::find(std::begin(common_passwords), std::end(common_passwords), lower) !=
             std::end(common_passwords);
}

/// Characters of a text in UTF-8, as people count them, nearly: code points.
inline std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

} // namespace hanami::service::access::detail
