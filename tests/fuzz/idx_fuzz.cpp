// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/idx.hpp>

#include <cstdlib>
#include <sstream>

// Whatever the bytes, `read_idx` gives images whose sizes and labels fit or a hanami::error. The
// first byte says how many of the others are labels.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0)
    return 0;
  const std::span<const std::uint8_t> rest(bytes + 1, size - 1);
  const auto labels = rest.first(std::min<std::size_t>(bytes[0], rest.size()));
  const auto images = rest.subspan(labels.size());
  try {
    const hanami::image_dataset data =
        hanami::read_idx(images, labels, hanami::idx_classes::found());
    if (data.size() * data.input_size() + 12 > images.size())
      std::abort();
    hanami::sample_buffer buffer;
    for (std::size_t i = 0; i < data.size(); ++i)
      if (buffer.read(data, i).target[data.label(i)] != 1.0f)
        std::abort();
  } catch (const hanami::error&) {
  }
  return 0;
}
