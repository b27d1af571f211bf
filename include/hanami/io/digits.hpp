// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>

#include "drawn_digits.hpp"
#include "idx.hpp"

namespace hanami::inline HANAMI_ISA {

/// Handwritten digits to learn from, and others to be tested on.
struct digit_images {
  image_dataset train;
  image_dataset test;
  bool drawn = false; ///< by the program itself

  const char* name() const noexcept { return drawn ? "drawn digits" : "MNIST"; }
};

/// MNIST, or a set of the same form, as `load_mnist` reads it, whose errors it throws. Without a
/// folder as many drawn digits, in less than a second: 60,000 to learn from, 10,000 from another
/// seed.
template <file_reader Reader = decltype(&read_file)>
digit_images load_digits(const std::filesystem::path& folder, Reader reader = &read_file) {
  if (folder.empty()) {
    return {draw_digits(60'000, 1), draw_digits(10'000, 2), true};
  }
  return {load_mnist(folder, mnist_part::train, reader),
          load_mnist(folder, mnist_part::test, reader)};
}

} // namespace hanami
