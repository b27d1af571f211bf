// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/archive.hpp>
#include <hanami/stream/time/row_clock.hpp>
#include <hanami/stream/time_column.hpp>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Lines of bytes are the texts of a column, the first one its name and, behind a tab, a form:
// whatever they are, times are finite or not known, what was read once is read again, a pattern
// that was found reads the text it was found for, and an archive of all goes on as the original.

namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty() && lines.size() < 100) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

void check(bool good) {
  if (!good)
    std::abort();
}

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

template <class T>
T copied(const T& value) {
  hanami::archive_writer writer;
  writer(value);
  T again;
  hanami::archive_reader reader(writer.bytes());
  reader(again);
  return again;
}

void read_all(const hanami::time_options& options, const std::string& name,
              std::span<const std::string_view> texts) {
  hanami::time_column column(options);
  const std::vector<std::string> names{name};
  for (const std::string_view& text : texts)
    column.look(names, std::span(&text, 1));
  column.choose(names);
  hanami::row_clock clock;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    hanami::time_column again = copied(column);
    hanami::row_clock other = copied(clock);
    const auto row = texts.subspan(i, 1);
    const hanami::row_time said = column.read(row);
    check(!std::isinf(said.seconds));
    check((said.what == hanami::row_time::state::known) == std::isfinite(said.seconds));
    check(same(again.read(row).seconds, said.seconds));
    check(other.missing_before(said.seconds) == clock.missing_before(said.seconds));
    check(clock.step() >= 0 && std::isfinite(clock.step()));
  }
  column.description(names);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto lines = lines_of(text);
  if (lines.empty())
    return 0;
  for (const std::string_view line : lines)
    for (const auto& pattern : hanami::detail::find_patterns(line))
      check(pattern.read(line).has_value());
  const std::size_t tab = std::min(lines[0].find('\t'), lines[0].size());
  const std::string name(lines[0].substr(0, tab));
  const std::string form(lines[0].substr(std::min(tab + 1, lines[0].size())));
  const auto texts = std::span(lines).subspan(1);
  read_all({}, name, texts);
  try {
    read_all({.field = name, .format = form}, name, texts);
    read_all({.unit = form}, name, texts);
  } catch (const hanami::error&) {
  }
  try {
    hanami::time_column made;
    hanami::archive_reader reader(std::as_bytes(std::span(bytes, size)));
    reader(made);
    made.read(texts);
  } catch (const hanami::error&) {
  }
  return 0;
}
