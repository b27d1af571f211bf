// SPDX-License-Identifier: Apache-2.0
// Loads two shared libraries with hidden symbols, as programs load plugins and Python its modules,
// and takes clusters from the one to the other and back. Ends with 0 if all is as in one library.

#include <cstdio>

#include <dlfcn.h>

#include "plugin.hpp"

namespace {

plugin load(const char* path) {
  void* library = ::dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    std::fputs(::dlerror(), stderr);
    std::exit(2);
  }
  return reinterpret_cast<plugin (*)()>(::dlsym(library, "hanami_plugin"))();
}

int faults = 0;

void expect(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "not so: %s\n", what);
    ++faults;
  }
}

} // namespace

int main(int count, char** paths) {
  if (count != 3) {
    return 2;
  }
  const plugin one = load(paths[1]);
  const plugin other = load(paths[2]);

  hanami::cluster* alone = one.make();
  hanami::cluster* shared = one.make();
  hanami::cluster* second = other.make();
  for (unsigned n = 0; n < 600; n += 40) { // one library after the other, with other work between
    one.train(*alone, n, n + 40);
    (n % 80 == 0 ? other : one).train(*shared, n, n + 40);
    other.train(*second, n / 4, n / 4 + 10);
    expect(one.infer(*alone, 0.3f) == other.infer(*shared, 0.3f), "answers are the same");
    expect(one.infer(*second, 0.3f) == other.infer(*second, 0.3f), "answers of the second, too");
  }
  hanami::quantized_cluster* small = one.copy(*second);
  hanami::quantized_cluster* large = other.copy(*shared);
  expect(one.infer_copy(*small, 0.6f) == other.infer_copy(*small, 0.6f), "copies answer the same");
  expect(one.infer_copy(*large, 0.6f) == other.infer_copy(*large, 0.6f), "the larger one, too");
  one.destroy_copy(large);
  other.destroy_copy(small);
  other.destroy(alone);
  other.destroy(shared);
  one.destroy(second);

  expect(one.knows(other.fail) && other.knows(one.fail), "errors of the other library are known");
  expect(one.code() == other.code().default_error_condition(), "codes say the same");
  return faults == 0 ? 0 : 1;
}
