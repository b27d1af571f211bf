// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include <hanami/io/checkpoint.hpp>
#include <hanami/model/classifier.hpp>
#include <hanami/model/regressor.hpp>
#include <hanami/quantized/quantized_cluster.hpp>

namespace {

using namespace hanami;

constexpr std::size_t most_inputs = 1000; // beyond them nothing is new, only slow

/// A sound one of every kind, written.
struct sound_things {
  std::vector<std::byte> classes;
  std::vector<std::byte> values;
  std::vector<std::byte> bits;

  sound_things() {
    classifier names({"a", "b"});
    regressor numbers({"a", "b"});
    for (int i = 0; i < 60; ++i) {
      const std::vector row{static_cast<float>(i % 7) - 2.0f, static_cast<float>(i % 5)};
      names.learn(row, i % 3);
      numbers.learn(row, row[0]);
    }
    classes = written(names);
    values = written(numbers);
    bits = written(quantized_cluster(names.cluster()));
  }

  template <class T>
  static std::vector<std::byte> written(const T& thing) {
    archive_writer to;
    checkpoint_traits<T>::write(to, thing);
    return to.bytes();
  }
};

/// Whatever was read must answer and learn.
template <class T, class Use>
void read_and_use(std::span<const std::byte> bytes, Use use) {
  try {
    archive_reader from(bytes);
    T thing = checkpoint_traits<T>::read(from);
    if (thing.input_size() <= most_inputs) {
      use(thing, std::vector<float>(thing.input_size(), 0.5f));
    }
  } catch (const error&) {
  }
}

void learn_classes(classifier& model, const std::vector<float>& row) {
  if (model.classes().size() > most_inputs) {
    return;
  }
  model.learn(row, "one more");
  if (model.predict(row).text().empty() || find_fault(model.cluster().state()) != nullptr) {
    std::abort();
  }
}

void learn_values(regressor& model, const std::vector<float>& row) {
  if (model.value_count() > most_inputs) {
    return;
  }
  const bool shares = model.cluster().cluster_template().outputs[0].kind == output_kind::sigmoid;
  model.learn(row, std::vector<float>(model.value_count(), shares ? 0.5f : 7.0f));
  model.predict_values(row);
  if (find_fault(model.cluster().state()) != nullptr) {
    std::abort();
  }
}

} // namespace

/// The first byte chooses the kind, and whether the rest is its content or changes to a sound one
/// (four bytes each: place, place, how, value). Build with `clang++ -fsanitize=fuzzer,address`.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  static const sound_things sound;
  const std::vector<std::byte>* const all[] = {&sound.classes, &sound.values, &sound.bits};
  const unsigned kind = data[0] % 3;
  const auto rest = std::as_bytes(std::span(data, size)).subspan(1);
  std::vector<std::byte> bytes(rest.begin(), rest.end());
  if (data[0] / 3 % 2 == 1) {
    bytes = *all[kind];
    for (std::size_t at = 0; at + 4 <= rest.size() && !bytes.empty(); at += 4) {
      const std::size_t place = (std::to_integer<std::size_t>(rest[at]) << 8 |
                                 std::to_integer<std::size_t>(rest[at + 1])) %
                                bytes.size();
      const auto where = bytes.begin() + static_cast<std::ptrdiff_t>(place);
      switch (std::to_integer<unsigned>(rest[at + 2]) % 3) {
      case 0:
        *where = rest[at + 3];
        break;
      case 1:
        bytes.insert(where, rest[at + 3]);
        break;
      default:
        bytes.erase(where);
        break;
      }
    }
  }
  switch (kind) {
  case 0:
    read_and_use<classifier>(bytes, learn_classes);
    break;
  case 1:
    read_and_use<regressor>(bytes, learn_values);
    break;
  default:
    read_and_use<quantized_cluster>(
        bytes, [](const auto& model, const std::vector<float>& row) { model.infer(row); });
    break;
  }
  return 0;
}
