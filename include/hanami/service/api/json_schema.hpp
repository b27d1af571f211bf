// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../base/json.hpp"
#include "../base/refusal.hpp"
#include "text_form.hpp"

/// Descriptions of values: the same description validates requests, fills in defaults and is
/// printed as JSON Schema (2020-12).

namespace hanami::service::api {

enum class value_kind : std::uint8_t {
  any,
  text,
  integer,
  number,
  boolean,
  list,
  object,
  map,
  one_of
};

/// What is wrong with a value; the reference's API has its own words for each.
enum class fault_kind : std::uint8_t {
  unknown_key,
  missing_key,
  wrong_type,
  wrong_form,
  too_small,
  too_large
};

struct schema_fault {
  fault_kind kind = fault_kind::wrong_type;
  std::string pointer; ///< JSON pointer
  std::string key;     ///< last part of the pointer
  std::string detail;
  bool text_length = false; ///< too_small, too_large: of a text
  double limit = 0;         ///< too_small, too_large
};

class schema;

struct schema_property;
struct schema_variant;

/// A kind of value. Created by the static functions and refined by the others, each of which
/// returns a changed copy: `schema::integer(1, 1000).otherwise(100).describe("rows")`.
class schema {
 public:
  static schema any() { return schema(value_kind::any); }
  /// Lengths in bytes.
  static schema text(std::size_t shortest = 0, std::size_t longest = 65536,
                     text_form form = text_form::any);
  static schema uuid() { return text(36, 36, text_form::uuid); }
  static schema choice(std::vector<std::string> allowed);
  static schema integer(std::int64_t least = 0,
                        std::int64_t most = std::numeric_limits<std::int64_t>::max());
  static schema number(double least = -std::numeric_limits<double>::max(),
                       double most = std::numeric_limits<double>::max());
  static schema boolean() { return schema(value_kind::boolean); }
  static schema list(schema item, std::size_t fewest = 0, std::size_t most = 1'000'000);
  /// Other keys are rejected.
  static schema object(std::vector<schema_property> properties);
  static schema object();
  /// Any keys, all values of one kind.
  static schema map(schema item, std::size_t fewest = 0, std::size_t most = 1000);

  /// An object whose other fields depend on the one called `key`, which names the variant. Fields
  /// of another variant are rejected, and the message says whose they are.
  static schema one_of(std::string key, std::vector<schema_variant> variants);

  schema describe(std::string words) const;
  /// The default where it is left out. A property with a default is never required.
  schema otherwise(json::value standard) const;
  /// Also accepts null; for a number it means that the value is missing.
  schema or_null() const;
  schema example(json::value shown) const;
  /// Names it under `components/schemas`.
  schema called(std::string name) const;

  /// Validates a value, fills in defaults, and appends what is wrong to `faults` (at most 20).
  void check(json::value& value, const std::string& pointer,
             std::vector<schema_fault>& faults) const;
  /// A value from text, as in a query: numbers and booleans are converted; what cannot be converted
  /// stays text, which `check` rejects. Of a list: one of its entries.
  json::value from_text(std::string_view text) const;

  /// As JSON Schema. With `components`, named schemas are added there and referenced.
  json::object to_json(json::object* components = nullptr) const;

  value_kind kind() const noexcept { return kind_; }
  const std::vector<schema_property>& properties() const;
  const schema_property* property(std::string_view name) const;
  const std::string& description() const noexcept { return description_; }
  const std::optional<json::value>& standard() const noexcept { return default_; }

 private:
  explicit schema(value_kind kind) : kind_(kind) {}

  json::object plain_json(json::object* components) const;
  void check_text(const json::string& text, const std::string& pointer,
                  std::vector<schema_fault>& faults) const;
  void check_number(json::value& value, const std::string& pointer,
                    std::vector<schema_fault>& faults) const;
  bool takes_any_number(const json::value& value) const noexcept;
  void check_properties(json::object& value, const std::string& pointer,
                        std::vector<schema_fault>& faults) const;
  void check_variant(json::object& value, const std::string& pointer,
                     std::vector<schema_fault>& faults) const;
  std::string variants_with(std::string_view key) const;
  json::object variants_json(json::object* components) const;

  value_kind kind_;
  text_form form_ = text_form::any;
  double least_ = -std::numeric_limits<double>::max(); ///< value, length or number of items
  double most_ = std::numeric_limits<double>::max();
  bool nullable_ = false;
  std::vector<std::string> choices_;
  std::shared_ptr<const std::vector<schema_property>> properties_;
  std::shared_ptr<const schema> item_;
  std::string key_; ///< of `one_of`
  std::shared_ptr<const std::vector<schema_variant>> variants_;
  std::string description_;
  std::string name_;
  std::optional<json::value> default_;
  std::optional<json::value> example_;
};

enum class presence : std::uint8_t { required, optional };

/// One key of an object.
struct schema_property {
  std::string name;
  schema value;
  presence needed = presence::required;
};

/// One kind of object of a `one_of`; `value` has the key as a choice of its name alone.
struct schema_variant {
  std::string name;
  schema value;
};

/// The refusal for the faults that `schema::check` found; at least one.
refusal invalid_values(std::vector<schema_fault> faults);

} // namespace hanami::service::api
