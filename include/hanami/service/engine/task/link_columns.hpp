// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "../../base/refusal.hpp"
#include "../../base/similar_names.hpp"
#include "../../data/sample_reader.hpp"
#include "../cluster_shape.hpp"
#include "task_plan.hpp"

/// From the links of a task to the values of its samples: which columns of which datasets feed an
/// input or are compared with an output, and how the classes in them are numbered.

namespace hanami::service::engine::detail {

/// Opens a dataset by id.
using data_opener = std::function<std::shared_ptr<const data::data_reader>(const std::string&)>;

/// "'a', 'b', ..." of at most ten names.
inline std::string some_names(const std::vector<std::string>& names) {
  constexpr std::size_t most = 10;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) {
    text += (i == 0 ? "'" : ", '") + names[i].substr(0, 254) + "'";
  }
  return text + (names.size() > most ? ", ..." : "");
}

/// What is known, and behind it what `more` adds.
inline std::vector<std::string> merged_names(std::vector<std::string> known,
                                             const std::vector<std::string>& more) {
  std::set<std::string_view> there(known.begin(), known.end());
  std::vector<std::string> added;
  for (const std::string& name : more) {
    if (there.insert(name).second) {
      added.push_back(name);
    }
  }
  known.insert(known.end(), added.begin(), added.end());
  return known;
}

/// For each class of a column the number that `order` gives it; NaN: none.
inline std::vector<float> numbers_of(const std::vector<std::string>& classes,
                                     const std::vector<std::string>& order) {
  std::unordered_map<std::string_view, float> known;
  for (std::size_t i = 0; i < order.size(); ++i) {
    known.emplace(order[i], static_cast<float>(i));
  }
  std::vector<float> numbers;
  for (const std::string& name : classes) {
    const auto found = known.find(name);
    numbers.push_back(found == known.end() ? std::numeric_limits<float>::quiet_NaN()
                                           : found->second);
  }
  return numbers;
}

/// The datasets of a task, each opened once, and the columns that its links name. For one thread.
class column_linker {
 public:
  column_linker(task_kind kind, std::uint32_t window, const data_opener& open)
      : kind_(kind), window_(window), open_(open) {}

  /// Checks that there is one link for each buffer and that its columns can be meant for it; names
  /// the columns and the order of their classes where the link does not. `side`: "input" or
  /// "output". Throws `invalid_value` with a pointer to the fault, and what the opener throws.
  void resolve(std::vector<column_link>& links, const std::vector<buffer_shape>& buffers,
               const std::string& side) {
    std::set<std::string> linked;
    for (std::size_t i = 0; i < links.size(); ++i) {
      const std::string pointer = "/" + side + "s/" + std::to_string(i);
      const auto buffer = std::find_if(buffers.begin(), buffers.end(), [&](const buffer_shape& b) {
        return b.name == links[i].buffer;
      });
      if (buffer == buffers.end() || !linked.insert(buffer->name).second) {
        throw invalid_value_at(pointer + "/" + side,
                               std::string(buffer == buffers.end() ? "the cluster has no such name"
                                                                   : "is there twice") +
                                   "; accepted are, each once: " + names_of(buffers));
      }
      resolve_one(links[i], *buffer, side == "output", pointer);
    }
    if (links.size() < buffers.size()) {
      throw invalid_value_at("/" + side + "s",
                             "one is missing; required are: " + names_of(buffers));
    }
  }

  /// The values of links that have been resolved, for the same buffers.
  std::vector<data::sample_link> values_of(const std::vector<column_link>& links,
                                           const std::vector<buffer_shape>& buffers, bool outputs) {
    std::vector<data::sample_link> made;
    for (const column_link& link : links) {
      const auto buffer = std::find_if(buffers.begin(), buffers.end(), [&](const buffer_shape& b) {
        return b.name == link.buffer;
      });
      if (buffer == buffers.end()) {
        throw invalid_value("the cluster has no '" + link.buffer + "'");
      }
      const std::shared_ptr<const data::data_reader>& from = dataset(link.dataset_id);
      std::size_t at = buffer->first;
      const std::size_t first_of_link = made.size();
      for (std::size_t i = 0; i < link.columns.size(); ++i) {
        data::sample_link one{from, from->layout().column(link.columns[i]), at};
        at += static_cast<std::size_t>(one.column.width());
        if (i < link.classes.size() && !link.classes[i].empty()) {
          one.numbers = numbers_of(one.column.classes, link.classes[i]);
          one.one_hot = outputs && kind_ == task_kind::train ? buffer->size : 0;
        }
        one.column.classes.clear();
        made.push_back(std::move(one));
      }
      const std::size_t a_row = at - buffer->first;
      const std::size_t rows = outputs ? 1 : window_;
      if (!is_one_hot(made, first_of_link) && a_row * rows > buffer->size) {
        throw invalid_value("'" + buffer->name + "' has " + std::to_string(buffer->size) +
                            " values, not " + std::to_string(a_row * rows));
      }
      for (std::size_t i = first_of_link; i < made.size(); ++i) {
        made[i].stride = a_row;
      }
    }
    return made;
  }

  /// Adds to the buffers the classes of resolved links.
  void note_classes(const std::vector<column_link>& links, std::vector<buffer_shape>& buffers) {
    for (const column_link& link : links) {
      std::size_t place = 0;
      for (std::size_t i = 0; i < link.classes.size(); ++i) {
        for (buffer_shape& buffer : buffers) {
          if (buffer.name == link.buffer && !link.classes[i].empty()) {
            buffer.classes[place] = link.classes[i];
          }
        }
        place += static_cast<std::size_t>(
            dataset(link.dataset_id)->layout().column(link.columns[i]).width());
      }
    }
  }

 private:
  static bool is_one_hot(const std::vector<data::sample_link>& links, std::size_t first) {
    return links.size() == first + 1 && links[first].one_hot > 0;
  }

  static std::string names_of(const std::vector<buffer_shape>& buffers) {
    std::string names;
    for (const buffer_shape& b : buffers) {
      names += (names.empty() ? "'" : ", '") + b.name + "'";
    }
    return names;
  }

  const std::shared_ptr<const data::data_reader>& dataset(const std::string& id) {
    std::shared_ptr<const data::data_reader>& reader = readers_[id];
    if (!reader) {
      reader = open_(id);
    }
    return reader;
  }

  void resolve_one(column_link& link, const buffer_shape& buffer, bool output,
                   const std::string& pointer) {
    const data::data_layout& layout = dataset(link.dataset_id)->layout();
    if (link.columns.empty()) {
      link.columns = {link.buffer};
    }
    const bool decided = !link.classes.empty(); // before a restart
    std::vector<std::vector<std::string>> classes(link.columns.size());
    std::size_t width = 0;
    bool one_hot = false;
    for (std::size_t i = 0; i < link.columns.size(); ++i) {
      const std::string here = pointer + "/columns/" + std::to_string(i);
      const data::data_column& column = column_of(layout, link.columns[i], here);
      if (!decided && column.classes.empty()) {
        expect_numbers(buffer, width, output, here);
      } else if (!decided && output) {
        classes[i] = classes_of_output(column, buffer, link.columns.size(), here);
        one_hot = true;
      } else if (!decided) {
        classes[i] = classes_of_input(column, buffer, width, here);
      } else {
        one_hot = output && !link.classes[i].empty();
      }
      width += static_cast<std::size_t>(column.width());
    }
    if (!one_hot) {
      expect_size(buffer, width, output, link.columns.size(), pointer);
    }
    const bool any = std::any_of(classes.begin(), classes.end(),
                                 [](const auto& names) { return !names.empty(); });
    if (any) {
      link.classes = std::move(classes);
    }
  }

  static const data::data_column& column_of(const data::data_layout& layout,
                                            const std::string& name, const std::string& pointer) {
    try {
      return layout.column(name);
    } catch (const refusal& e) {
      throw invalid_value_at(pointer, e.what());
    }
  }

  void expect_size(const buffer_shape& buffer, std::size_t width, bool output, std::size_t columns,
                   const std::string& pointer) const {
    const std::size_t rows = output ? 1 : window_;
    if (width <= buffer.size && width * rows == buffer.size) {
      return;
    }
    std::string why = "'" + buffer.name + "' has " + std::to_string(buffer.size) + " values; " +
                      (columns == 1 ? "the column has " : "the columns have ") +
                      std::to_string(width) + " a row, in " + std::to_string(rows) + " row(s)";
    if (output && width == 1 && buffer.kind != output_kind::linear) {
      why += "; if its numbers are classes, upload the data with this column among `classes`";
    }
    throw invalid_value_at(pointer, why);
  }

  /// Of a column without classes.
  static void expect_numbers(const buffer_shape& buffer, std::size_t place, bool output,
                             const std::string& pointer) {
    if (const auto known = buffer.classes.find(place); !output && known != buffer.classes.end()) {
      throw invalid_value_at(pointer, "holds numbers; the cluster has learned from classes here: " +
                                          some_names(known->second));
    }
  }

  std::vector<std::string> classes_of_output(const data::data_column& column,
                                             const buffer_shape& buffer, std::size_t columns,
                                             const std::string& pointer) const {
    const std::string what = "'" + column.name + "' holds classes (" + some_names(column.classes) +
                             "), and '" + buffer.name + "' ";
    if (buffer.kind == output_kind::linear) {
      throw invalid_value_at(pointer, what +
                                          "is a linear output; classes are for a softmax output " +
                                          "with as many values as there are classes");
    }
    if (columns != 1) {
      throw invalid_value_at(pointer, what + "has other columns, too; classes stand alone");
    }
    const auto known = buffer.classes.find(0);
    std::vector<std::string> names =
        known == buffer.classes.end() ? std::vector<std::string>() : known->second;
    if (kind_ != task_kind::train && names.empty()) {
      throw invalid_value_at(pointer, what + "knows no names of classes; training with a column of "
                                             "classes tells it");
    }
    names = merged_names(std::move(names), column.classes);
    if (kind_ == task_kind::train && names.size() > buffer.size) {
      throw invalid_value_at(pointer,
                             what + "has " + std::to_string(buffer.size) + " values for " +
                                 std::to_string(names.size()) + " classes" +
                                 (names.size() > column.classes.size()
                                      ? ", those of earlier tasks among them: " + some_names(names)
                                      : std::string()));
    }
    return names;
  }

  std::vector<std::string> classes_of_input(const data::data_column& column,
                                            const buffer_shape& buffer, std::size_t place,
                                            const std::string& pointer) const {
    const auto known = buffer.classes.find(place);
    if (kind_ != task_kind::train) {
      if (known == buffer.classes.end()) {
        throw invalid_value_at(pointer, "'" + column.name + "' holds classes (" +
                                            some_names(column.classes) +
                                            "); the cluster has learned from no classes at value " +
                                            std::to_string(place) + " of '" + buffer.name + "'");
      }
      return known->second;
    }
    std::vector<std::string> names = merged_names(
        known == buffer.classes.end() ? std::vector<std::string>() : known->second, column.classes);
    constexpr std::size_t most_bytes = std::size_t{64} << 10;
    std::size_t bytes = 0;
    for (const std::string& name : names) {
      bytes += name.size() + 3;
    }
    if (bytes > most_bytes) {
      throw invalid_value_at(pointer, "'" + column.name +
                                          "' is too various for an input: the names "
                                          "of its classes have more than 64 KiB");
    }
    return names;
  }

  const task_kind kind_;
  const std::uint32_t window_;
  const data_opener& open_;
  std::map<std::string, std::shared_ptr<const data::data_reader>> readers_;
};

} // namespace hanami::service::engine::detail
