// SPDX-License-Identifier: Apache-2.0
#include <hanami/foundation/error.hpp>
#include <hanami/service/data/block_file.ipp>
#include <hanami/service/data/data_file.ipp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

// Whatever the bytes, a dataset's file is refused or can be read to its end. The first byte
// chooses: the rest is the file, or the content of a sound block file.

namespace {

using namespace hanami::service::data;

/// A file in memory with this content; its path.
std::filesystem::path file_of(std::span<const std::byte> content) {
  static const int memory = ::memfd_create("data_file_fuzz", 0);
  if (memory < 0 || ::ftruncate(memory, 0) != 0 || !detail::pwrite_all(memory, content, 0)) {
    std::abort();
  }
  return "/proc/self/fd/" + std::to_string(memory);
}

/// What `block_writer` would write.
std::vector<std::byte> enclosed(std::span<const std::byte> content) {
  detail::block_header header = detail::new_block_header(false);
  header.size = content.size();
  const detail::block_seal seal({}, header.salt);
  const auto front = std::as_bytes(std::span(&header, 1));
  std::vector<std::byte> all(front.begin(), front.end());
  all.resize(front.size() + content.size() + seal.overhead());
  seal.close(0, content.size(), content, all.data() + front.size());
  return all;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0 || size > detail::block_bytes) {
    return 0;
  }
  const auto rest = std::as_bytes(std::span(bytes, size)).subspan(1);
  const std::filesystem::path file = bytes[0] % 2 == 0 ? file_of(rest) : file_of(enclosed(rest));
  try {
    const data_reader reader(file, {});
    const data_layout& layout = reader.layout();
    if (bytes_of_values(layout) > size) {
      std::abort();
    }
    std::vector<float> all(layout.rows * layout.width);
    reader.read(0, layout.rows, all);
    for (const data_column& column : layout.columns) {
      reader.read(column, 0, layout.rows, std::span(all).first(layout.rows * column.width()));
    }
  } catch (const hanami::error& failure) {
    if (failure.code() != hanami::errc::invalid_data) {
      std::abort();
    }
  }
  return 0;
}
