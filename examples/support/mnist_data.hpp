// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdlib>
#include <string>
#include <utility>

#include <hanami/hanami.hpp>

#if __has_include(<zlib.h>)
#include <hanami/io/gzip.hpp>
#endif

namespace example {

/// Images to learn from and others to be tested on.
struct mnist_data {
  std::string name; ///< "MNIST" or "drawn digits"
  hanami::image_dataset train;
  hanami::image_dataset test;

  bool drawn() const { return name == "drawn digits"; }
};

/// MNIST, or a set of the same form, from a folder; packed files if zlib is there.
inline mnist_data read_mnist(const std::string& folder) {
#if __has_include(<zlib.h>)
  const auto reader = &hanami::read_file_or_gzip;
#else
  const auto reader = &hanami::read_file;
#endif
  return {"MNIST", hanami::load_mnist(folder, hanami::mnist_part::train, reader),
          hanami::load_mnist(folder, hanami::mnist_part::test, reader)};
}

/// As many digits of the program's own hand; those to be tested on have another seed.
inline mnist_data draw_mnist() {
  return {"drawn digits", hanami::draw_digits(60000, 1), hanami::draw_digits(10000, 2)};
}

/// From `folder`, or else from the folder that HANAMI_MNIST_DIR names, or else drawn.
inline mnist_data find_mnist(std::string folder) {
  if (folder.empty()) {
    const char* set = std::getenv("HANAMI_MNIST_DIR");
    folder = set == nullptr ? "" : set;
  }
  return folder.empty() ? draw_mnist() : read_mnist(folder);
}

} // namespace example
