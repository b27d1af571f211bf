// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "drawn_digits.hpp"
#include "idx.hpp"

namespace hanami::inline HANAMI_ISA {

/// Handwritten digits, or other images with labels, to learn from, and others to be tested on.
struct digit_images {
  image_dataset train;
  image_dataset test;
  bool drawn = false;          ///< by the program itself
  std::string set = "MNIST";   ///< its name
  std::size_t first_label = 0; ///< the label of class 0

  const char* name() const noexcept { return drawn ? "drawn digits" : set.c_str(); }
};

/// MNIST, or a set of the same form, from a folder with its four files. `set` is what their names
/// begin with (`emnist-letters`); it may be left out where the folder has no other. Labels are
/// those of both parts together: 0 to 9 or further, or from 1 on. Throws what `load_mnist` throws.
/// Without a folder as many drawn digits, in less than a second: 60,000 to learn from, 10,000 from
/// another seed.
template <file_reader Reader = decltype(&read_file)>
digit_images load_digits(const std::filesystem::path& folder, Reader reader = &read_file,
                         std::string_view set = {}) {
  if (folder.empty()) {
    return {draw_digits(60'000, 1), draw_digits(10'000, 2), true};
  }
  const detail::idx_pair train = detail::find_mnist(folder, mnist_part::train, set);
  const detail::idx_pair test = detail::find_mnist(folder, mnist_part::test, set);
  const idx_classes one = find_idx_classes(train.labels, reader);
  const idx_classes other = find_idx_classes(test.labels, reader);
  idx_classes both(0, std::min(one.first, other.first));
  both.count = std::max(one.first + one.count, other.first + other.count) - both.first;
  if (both.count < 10) { // some digits do not occur
    both = 10;
  }
  digit_images read{load_idx(train.images, train.labels, both, reader),
                    load_idx(test.images, test.labels, both, reader)};
  if (!train.set.empty()) {
    read.set = train.set;
  }
  read.first_label = both.first;
  return read;
}

} // namespace hanami
