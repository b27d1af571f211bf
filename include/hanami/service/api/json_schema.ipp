// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "json_schema.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "../base/compile.hpp"

namespace hanami::service::api {

namespace detail {

inline constexpr std::size_t most_schema_faults = 20;

inline void escape_pointer(std::string& to, std::string_view key) {
  to += '/';
  for (const char c : key) {
    if (c == '~') {
      to += "~0";
    } else if (c == '/') {
      to += "~1";
    } else {
      to += c;
    }
  }
}

inline std::string below(const std::string& pointer, std::string_view key) {
  std::string result = pointer;
  escape_pointer(result, key);
  return result;
}

inline std::string last_part(const std::string& pointer) {
  const std::size_t slash = pointer.rfind('/');
  return slash == std::string::npos ? pointer : pointer.substr(slash + 1);
}

inline void add_fault(std::vector<schema_fault>& faults, fault_kind kind,
                      const std::string& pointer, std::string detail, double limit = 0,
                      bool text_length = false) {
  if (faults.size() < most_schema_faults) {
    faults.push_back({kind, pointer, last_part(pointer), std::move(detail), text_length, limit});
  }
}

inline std::string plain_number(double value) {
  if (std::abs(value) < 1e15 && value == std::floor(value)) {
    return std::to_string(static_cast<std::int64_t>(value));
  }
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);
  return {text, end.ptr};
}

inline std::string_view name_of_kind(value_kind kind) {
  switch (kind) {
  case value_kind::text:
    return "a string";
  case value_kind::integer:
    return "an integer";
  case value_kind::number:
    return "a number";
  case value_kind::boolean:
    return "true or false";
  case value_kind::list:
    return "a list";
  case value_kind::object:
  case value_kind::map:
  case value_kind::one_of:
    return "an object";
  case value_kind::any:
    break;
  }
  return "any value";
}

} // namespace detail

HANAMI_SERVICE_INLINE schema schema::text(std::size_t shortest, std::size_t longest,
                                          text_form form) {
  schema made(value_kind::text);
  made.least_ = static_cast<double>(shortest);
  made.most_ = static_cast<double>(longest);
  made.form_ = form;
  return made;
}

HANAMI_SERVICE_INLINE schema schema::choice(std::vector<std::string> allowed) {
  schema made(value_kind::text);
  made.choices_ = std::move(allowed);
  return made;
}

HANAMI_SERVICE_INLINE schema schema::integer(std::int64_t least, std::int64_t most) {
  schema made(value_kind::integer);
  made.least_ = static_cast<double>(least);
  made.most_ = static_cast<double>(most);
  return made;
}

HANAMI_SERVICE_INLINE schema schema::number(double least, double most) {
  schema made(value_kind::number);
  made.least_ = least;
  made.most_ = most;
  return made;
}

HANAMI_SERVICE_INLINE schema schema::list(schema item, std::size_t fewest, std::size_t most) {
  schema made(value_kind::list);
  made.item_ = std::make_shared<const schema>(std::move(item));
  made.least_ = static_cast<double>(fewest);
  made.most_ = static_cast<double>(most);
  return made;
}

HANAMI_SERVICE_INLINE schema schema::object(std::vector<schema_property> properties) {
  schema made(value_kind::object);
  made.properties_ = std::make_shared<const std::vector<schema_property>>(std::move(properties));
  return made;
}

HANAMI_SERVICE_INLINE schema schema::object() { return object(std::vector<schema_property>{}); }

HANAMI_SERVICE_INLINE schema schema::map(schema item, std::size_t fewest, std::size_t most) {
  schema made(value_kind::map);
  made.item_ = std::make_shared<const schema>(std::move(item));
  made.least_ = static_cast<double>(fewest);
  made.most_ = static_cast<double>(most);
  return made;
}

HANAMI_SERVICE_INLINE schema schema::one_of(std::string key, std::vector<schema_variant> variants) {
  schema made(value_kind::one_of);
  made.key_ = std::move(key);
  made.variants_ = std::make_shared<const std::vector<schema_variant>>(std::move(variants));
  return made;
}

HANAMI_SERVICE_INLINE schema schema::describe(std::string words) const {
  schema changed = *this;
  changed.description_ = std::move(words);
  return changed;
}

HANAMI_SERVICE_INLINE schema schema::otherwise(json::value standard) const {
  schema changed = *this;
  changed.default_ = std::move(standard);
  return changed;
}

HANAMI_SERVICE_INLINE schema schema::or_null() const {
  schema changed = *this;
  changed.nullable_ = true;
  return changed;
}

HANAMI_SERVICE_INLINE schema schema::example(json::value shown) const {
  schema changed = *this;
  changed.example_ = std::move(shown);
  return changed;
}

HANAMI_SERVICE_INLINE schema schema::called(std::string name) const {
  schema changed = *this;
  changed.name_ = std::move(name);
  return changed;
}

HANAMI_SERVICE_INLINE const std::vector<schema_property>& schema::properties() const {
  static const std::vector<schema_property> none;
  return properties_ == nullptr ? none : *properties_;
}

HANAMI_SERVICE_INLINE const schema_property* schema::property(std::string_view name) const {
  for (const schema_property& m : properties()) {
    if (m.name == name) {
      return &m;
    }
  }
  return nullptr;
}

HANAMI_SERVICE_INLINE void schema::check_text(const json::string& text, const std::string& pointer,
                                              std::vector<schema_fault>& faults) const {
  const std::string_view words(text.data(), text.size());
  if (!choices_.empty()) {
    if (std::find(choices_.begin(), choices_.end(), words) == choices_.end()) {
      std::string all;
      for (const std::string& choice : choices_) {
        all += (all.empty() ? "" : ", ") + choice;
      }
      detail::add_fault(faults, fault_kind::wrong_form, pointer, "must be one of: " + all);
    }
    return;
  }
  const auto length = static_cast<double>(words.size());
  if (length < least_) {
    detail::add_fault(faults, fault_kind::too_small, pointer,
                      "must have at least " + detail::plain_number(least_) + " bytes", least_,
                      true);
  } else if (length > most_) {
    detail::add_fault(faults, fault_kind::too_large, pointer,
                      "must have at most " + detail::plain_number(most_) + " bytes", most_, true);
  } else if (!has_form(words, form_)) {
    detail::add_fault(faults, fault_kind::wrong_form, pointer,
                      form_ == text_form::label ? std::string("must not have control characters")
                                                : "must match " + std::string(pattern_of(form_)));
  }
}

HANAMI_SERVICE_INLINE void schema::check_number(json::value& value, const std::string& pointer,
                                                std::vector<schema_fault>& faults) const {
  double number = 0;
  if (kind_ == value_kind::integer) {
    constexpr double beyond = 9223372036854775808.0; // 2^63
    if (const double* real = value.if_double();
        real != nullptr && *real == std::trunc(*real) && std::abs(*real) < beyond) {
      value = static_cast<std::int64_t>(*real); // 1.0 is an integer, as JSON Schema has it
    }
    if (!value.is_int64()) {
      // An unsigned number beyond the signed ones is an integer still, but too large for any use.
      detail::add_fault(faults, value.is_uint64() ? fault_kind::too_large : fault_kind::wrong_type,
                        pointer, "must be an integer up to " + detail::plain_number(most_), most_);
      return;
    }
    number = static_cast<double>(value.get_int64());
  } else {
    if (!value.is_number()) {
      detail::add_fault(faults, fault_kind::wrong_type, pointer, "must be a number");
      return;
    }
    number = value.to_number<double>();
  }
  if (number < least_) {
    detail::add_fault(faults, fault_kind::too_small, pointer,
                      "must be at least " + detail::plain_number(least_), least_);
  } else if (number > most_) {
    detail::add_fault(faults, fault_kind::too_large, pointer,
                      "must be at most " + detail::plain_number(most_), most_);
  }
}

HANAMI_SERVICE_INLINE bool schema::takes_any_number(const json::value& value) const noexcept {
  return (value.is_number() && least_ < -1e300 && most_ > 1e300) || (nullable_ && value.is_null());
}

HANAMI_SERVICE_INLINE void schema::check_properties(json::object& value, const std::string& pointer,
                                                    std::vector<schema_fault>& faults) const {
  for (const auto& item : value) {
    if (property(item.key()) == nullptr) {
      std::string known;
      for (const schema_property& m : properties()) {
        known += (known.empty() ? "" : ", ") + m.name;
      }
      detail::add_fault(faults, fault_kind::unknown_key, detail::below(pointer, item.key()),
                        "is not known here; known are: " + known);
    }
  }
  for (const schema_property& m : properties()) {
    if (json::value* found = value.if_contains(m.name)) {
      m.value.check(*found, detail::below(pointer, m.name), faults);
    } else if (m.value.default_) {
      value[m.name] = *m.value.default_;
    } else if (m.needed == presence::required) {
      detail::add_fault(faults, fault_kind::missing_key, detail::below(pointer, m.name),
                        "is required");
    }
  }
}

HANAMI_SERVICE_INLINE std::string schema::variants_with(std::string_view key) const {
  std::string owners;
  for (const schema_variant& other : *variants_) {
    if (other.value.property(key) != nullptr) {
      owners += (owners.empty() ? "" : ", ") + other.name;
    }
  }
  return owners;
}

HANAMI_SERVICE_INLINE void schema::check_variant(json::object& value, const std::string& pointer,
                                                 std::vector<schema_fault>& faults) const {
  const json::value* given = value.if_contains(key_);
  const auto chosen =
      std::find_if(variants_->begin(), variants_->end(), [&](const schema_variant& v) {
        return given != nullptr && given->is_string() && given->get_string() == v.name;
      });
  if (chosen == variants_->end()) {
    std::string all;
    for (const schema_variant& v : *variants_) {
      all += (all.empty() ? "" : ", ") + v.name;
    }
    detail::add_fault(faults, given == nullptr ? fault_kind::missing_key : fault_kind::wrong_form,
                      detail::below(pointer, key_),
                      (given == nullptr ? "is required: one of: " : "must be one of: ") + all);
    return;
  }
  json::object belonging;
  for (auto& item : value) {
    const std::string owners =
        chosen->value.property(item.key()) == nullptr ? variants_with(item.key()) : std::string();
    if (owners.empty()) {
      belonging[item.key()] = std::move(item.value());
    } else {
      detail::add_fault(faults, fault_kind::unknown_key, detail::below(pointer, item.key()),
                        "does not belong to " + key_ + " " + chosen->name +
                            "; it is for: " + owners);
    }
  }
  value = std::move(belonging);
  chosen->value.check_properties(value, pointer, faults);
}

HANAMI_SERVICE_INLINE void schema::check(json::value& value, const std::string& pointer,
                                         std::vector<schema_fault>& faults) const {
  if (faults.size() >= detail::most_schema_faults || (nullable_ && value.is_null())) {
    return;
  }
  const auto wrong_type = [&] {
    detail::add_fault(faults, fault_kind::wrong_type, pointer,
                      "must be " + std::string(detail::name_of_kind(kind_)));
  };
  const auto check_count = [&](std::size_t count) {
    if (static_cast<double>(count) < least_) {
      detail::add_fault(faults, fault_kind::too_small, pointer,
                        "must have at least " + detail::plain_number(least_) + " entries", least_);
    } else if (static_cast<double>(count) > most_) {
      detail::add_fault(faults, fault_kind::too_large, pointer,
                        "must have at most " + detail::plain_number(most_) + " entries", most_);
    }
  };
  switch (kind_) {
  case value_kind::any:
    return;
  case value_kind::text:
    return value.is_string() ? check_text(value.get_string(), pointer, faults) : wrong_type();
  case value_kind::integer:
  case value_kind::number:
    return check_number(value, pointer, faults);
  case value_kind::boolean:
    return value.is_bool() ? void() : wrong_type();
  case value_kind::list:
    if (!value.is_array()) {
      return wrong_type();
    }
    check_count(value.get_array().size());
    for (std::size_t i = 0; i < value.get_array().size(); ++i) {
      if (item_->kind_ == value_kind::number && item_->takes_any_number(value.get_array()[i])) {
        continue; // of the long lists that samples are, none is worth a pointer
      }
      item_->check(value.get_array()[i], pointer + '/' + std::to_string(i), faults);
      if (faults.size() >= detail::most_schema_faults) {
        return;
      }
    }
    return;
  case value_kind::object:
    return value.is_object() ? check_properties(value.get_object(), pointer, faults) : wrong_type();
  case value_kind::one_of:
    return value.is_object() ? check_variant(value.get_object(), pointer, faults) : wrong_type();
  case value_kind::map:
    if (!value.is_object()) {
      return wrong_type();
    }
    check_count(value.get_object().size());
    for (auto& item : value.get_object()) {
      item_->check(item.value(), detail::below(pointer, item.key()), faults);
    }
    return;
  }
}

HANAMI_SERVICE_INLINE json::value schema::from_text(std::string_view text) const {
  const char* const end = text.data() + text.size();
  if (kind_ == value_kind::list) {
    return item_->from_text(text);
  }
  if (kind_ == value_kind::integer) {
    std::int64_t number = 0;
    const auto parsed = std::from_chars(text.data(), end, number);
    if (parsed.ec == std::errc() && parsed.ptr == end) {
      return number;
    }
  } else if (kind_ == value_kind::number) {
    double number = 0;
    const auto parsed = std::from_chars(text.data(), end, number);
    if (parsed.ec == std::errc() && parsed.ptr == end && std::isfinite(number)) {
      return number;
    }
  } else if (kind_ == value_kind::boolean && (text == "true" || text == "false")) {
    return text == "true";
  }
  return json::value(json::string(text));
}

HANAMI_SERVICE_INLINE json::object schema::to_json(json::object* components) const {
  if (components == nullptr || name_.empty()) {
    return plain_json(components);
  }
  if (!components->contains(name_)) {
    (*components)[name_] = nullptr; // it may hold itself
    (*components)[name_] = plain_json(components);
  }
  return {{"$ref", "#/components/schemas/" + name_}};
}

HANAMI_SERVICE_INLINE json::object schema::variants_json(json::object* components) const {
  json::array all;
  json::object mapping;
  for (const schema_variant& v : *variants_) {
    all.push_back(v.value.to_json(components));
    if (const json::value* reference = all.back().as_object().if_contains("$ref")) {
      mapping[v.name] = *reference;
    }
  }
  json::object made{{"oneOf", std::move(all)}};
  json::object discriminator{{"propertyName", key_}};
  if (!mapping.empty()) {
    discriminator["mapping"] = std::move(mapping);
  }
  made["discriminator"] = std::move(discriminator);
  if (!description_.empty()) {
    made["description"] = description_;
  }
  return made;
}

HANAMI_SERVICE_INLINE json::object schema::plain_json(json::object* components) const {
  if (kind_ == value_kind::one_of) {
    return variants_json(components);
  }
  static constexpr const char* types[] = {"",      "string", "integer", "number", "boolean",
                                          "array", "object", "object",  "object"};
  json::object made;
  if (kind_ != value_kind::any) {
    const char* type = types[static_cast<std::size_t>(kind_)];
    if (nullable_) {
      made["type"] = json::array{type, "null"};
    } else {
      made["type"] = type;
    }
  }
  const auto limit = [&](const char* least, const char* most) {
    if (least_ > -1e300) {
      made[least] = kind_ == value_kind::number ? json::value(least_)
                                                : json::value(static_cast<std::int64_t>(least_));
    }
    if (most_ < 9e18) {
      made[most] = kind_ == value_kind::number ? json::value(most_)
                                               : json::value(static_cast<std::int64_t>(most_));
    }
  };
  switch (kind_) {
  case value_kind::text:
    if (!choices_.empty()) {
      made["enum"] = json::array(choices_.begin(), choices_.end());
      break;
    }
    limit("minLength", "maxLength");
    if (form_ == text_form::uuid) {
      made["format"] = "uuid";
    } else if (!pattern_of(form_).empty()) {
      made["pattern"] = pattern_of(form_);
    }
    break;
  case value_kind::integer:
  case value_kind::number:
    limit("minimum", "maximum");
    break;
  case value_kind::list:
    limit("minItems", "maxItems");
    made["items"] = item_->to_json(components);
    break;
  case value_kind::map:
    limit("minProperties", "maxProperties");
    made["additionalProperties"] = item_->to_json(components);
    break;
  case value_kind::object: {
    json::object described;
    json::array required;
    for (const schema_property& m : properties()) {
      described[m.name] = m.value.to_json(components);
      if (m.needed == presence::required && !m.value.default_) {
        required.emplace_back(m.name);
      }
    }
    made["properties"] = std::move(described);
    if (!required.empty()) {
      made["required"] = std::move(required);
    }
    made["additionalProperties"] = false;
    break;
  }
  case value_kind::any:
  case value_kind::boolean:
  case value_kind::one_of:
    break;
  }
  if (!description_.empty()) {
    made["description"] = description_;
  }
  if (default_) {
    made["default"] = *default_;
  }
  if (example_) {
    made["examples"] = json::array{*example_};
  }
  return made;
}

HANAMI_SERVICE_INLINE refusal invalid_values(std::vector<schema_fault> faults) {
  const std::size_t more = faults.size() - 1;
  refusal why =
      invalid_value(faults.front().pointer + ": " + faults.front().detail +
                    (more > 0 ? " (and " + std::to_string(more) + " more)" : std::string()));
  for (schema_fault& fault : faults) {
    why.faults.push_back({std::move(fault.pointer), std::move(fault.detail)});
  }
  return why;
}

} // namespace hanami::service::api
