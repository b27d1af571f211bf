// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/api/json_schema.ipp>
#include <hanami/service/api/text_form.ipp>
#include <hanami/service/base/json.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

// Whatever the text, it is not JSON, or it has faults, or it is what the schema says: then nothing
// more is wrong with it, every default is in its place, and it can be read as what it is.

namespace {

using namespace hanami::service;
using api::schema;

/// One of everything.
const schema& body_schema() {
  static const schema made = schema::object(
      {{"id", schema::uuid()},
       {"kind", schema::choice({"train", "request"})},
       {"name", schema::text(1, 20, api::text_form::name).otherwise("nobody")},
       {"label", schema::text(0, 9, api::text_form::label).or_null()},
       {"path", schema::text(0, 30, api::text_form::path).otherwise("x")},
       {"bytes", schema::text(0, 30, api::text_form::base64).otherwise("")},
       {"epochs", schema::integer(1, 1000).otherwise(1)},
       {"share", schema::number(0, 1).or_null()},
       {"strict", schema::boolean().otherwise(false)},
       {"values", schema::map(schema::list(schema::number().or_null(), 0, 5), 0, 3)},
       {"links", schema::list(schema::object({{"user", schema::text(1, 9, api::text_form::user_id)},
                                              {"rest", schema::any().otherwise(nullptr)}}),
                              0, 3)
                     .otherwise(json::array{})}});
  return made;
}

void expect(bool good) {
  if (!good) {
    std::abort();
  }
}

void expect_readable(const json::value& body) {
  expect(body.at("id").as_string().size() == 36);
  expect(body.at("kind").is_string());
  expect(!body.at("name").as_string().empty());
  const std::int64_t epochs = body.at("epochs").to_number<std::int64_t>();
  expect(epochs >= 1 && epochs <= 1000);
  expect(body.at("share").is_null() || body.at("share").to_number<double>() <= 1);
  expect(body.at("strict").is_bool());
  for (const auto& each : body.at("values").as_object()) {
    for (const json::value& number : each.value().as_array()) {
      expect(number.is_null() || number.is_number());
    }
  }
  for (const json::value& link : body.at("links").as_array()) {
    expect(link.at("user").as_string().size() <= 9);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  body_schema().from_text(text);
  json::error_code trouble;
  json::value body = json::parse(text, trouble);
  if (trouble) {
    return 0;
  }
  std::vector<api::schema_fault> faults;
  body_schema().check(body, "", faults);
  if (!faults.empty()) {
    return 0;
  }
  expect_readable(body);
  const json::value checked = body;
  body_schema().check(body, "", faults);
  expect(faults.empty() && body == checked);
  return 0;
}
