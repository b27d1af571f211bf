// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/archive.hpp>
#include <hanami/stream/time_zone.hpp>

#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

// Whatever the bytes, a file of a zone and a rule are taken or refused; a zone that was
// taken is the same behind an archive, and a rule is never further from UTC than it can say.

namespace {

void check(const hanami::detail::zone_table& zone) {
  hanami::archive_writer writer;
  writer(zone);
  hanami::detail::zone_table again;
  hanami::archive_reader(writer.bytes())(again);
  for (std::int64_t utc = -90000000000; utc <= 90000000000; utc += 12345678901)
    if (zone.offset(utc) != again.offset(utc))
      std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  try {
    check(hanami::detail::zone_file({bytes, size}).read());
  } catch (const hanami::error&) {
  }
  if (const auto rule = hanami::detail::daylight_rule::parse(text)) {
    for (std::int64_t utc = -3000000000; utc < 5000000000; utc += 86400 * 97)
      if (std::abs(rule->offset(utc)) > 200 * 3600)
        std::abort();
  }
  return 0;
}
