// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

#include <hanami/io/digits.hpp>

#if __has_include(<zlib.h>)
#include <hanami/io/gzip.hpp>
#endif

namespace support {

/// `--data`, the folder with MNIST.
inline void add_data_option(CLI::App& app, std::string& folder) {
  app.add_option("--data", folder,
                 "folder with MNIST's four files, also packed (.gz); without it drawn digits")
      ->envname("HANAMI_MNIST_DIR")
      ->type_name("DIR");
}

/// From the folder, or drawn, which is said; packed files where zlib is.
inline hanami::digit_images find_digits(const std::string& folder) {
#if __has_include(<zlib.h>)
  const auto reader = &hanami::read_file_or_gzip;
#else
  const auto reader = &hanami::read_file;
#endif
  hanami::digit_images found = hanami::load_digits(folder, reader);
  if (found.drawn) {
    std::cerr << "no MNIST at hand (--data, HANAMI_MNIST_DIR): learning drawn digits\n";
  }
  return found;
}

} // namespace support
