// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <cmath>
#include <string>

#include "service/support/fixtures.hpp"

/// What can be seen of a dataset: rows, statistics, classes.

using namespace server_test;

namespace {

const std::string table = "size,colour,weight\n"
                          "1,red,0.1\n"
                          "2,blue,\n"
                          "4,red,0.3\n"
                          ",,-5\n"
                          "3,=cmd,1e10\n";

json::value get(const server_fixture& fixture, const std::string& target) {
  const heard answer = fixture.ask("GET", target, {}, fixture.admin());
  INFO(target << ' ' << answer.body);
  REQUIRE(answer.status == 200);
  return answer.content();
}

} // namespace

TEST_CASE("rows are seen with several columns, and classes by their names", "[service]") {
  const server_fixture fixture;
  const std::string at = "/v1/datasets/" + upload_csv(fixture, table, fixture.admin());
  const json::value all = get(fixture, at + "/content");
  CHECK(all.at("columns") == json::array{"size", "colour", "weight"});
  CHECK(all.at("total").as_int64() == 5);
  CHECK(all.at("rows") ==
        json::array{json::array{1.0, "red", 0.1}, json::array{2.0, "blue", nullptr},
                    json::array{4.0, "red", 0.3}, json::array{nullptr, nullptr, -5.0},
                    json::array{3.0, "=cmd", 1e10}});
  const json::value some =
      get(fixture, at + "/content?columns=weight&columns=colour&first=1&count=2");
  CHECK(some.at("columns") == json::array{"weight", "colour"});
  CHECK(some.at("first").as_int64() == 1);
  CHECK(some.at("rows") == json::array{json::array{nullptr, "blue"}, json::array{0.3, "red"}});
  CHECK(get(fixture, at + "/content?first=99").at("rows").as_array().empty());
  const heard unknown = fixture.ask("GET", at + "/content?columns=Color", {}, fixture.admin());
  CHECK(unknown.status == 404);
  CHECK_THAT(unknown.text("detail"), Catch::Contains("it has 'colour', "));
}

TEST_CASE("a dataset is downloaded with its classes, and no cell is a formula", "[service]") {
  const server_fixture fixture;
  const std::string id = upload_csv(fixture, table, fixture.admin());
  CHECK(fixture.ask("GET", "/v1/datasets/" + id + "/csv", {}, fixture.admin()).body ==
        "\"size\",\"colour\",\"weight\"\r\n1,\"red\",0.1\r\n2,\"blue\",\r\n4,\"red\",0.3\r\n"
        ",,-5\r\n3,\"'=cmd\",1e+10\r\n");
}

TEST_CASE("the statistics of columns are those of all their rows", "[service]") {
  const server_fixture fixture;
  const std::string id = upload_csv(fixture, table, fixture.admin());
  const json::value columns = get(fixture, "/v1/datasets/" + id + "/statistics").at("columns");
  const json::value& size = columns.at(0);
  CHECK(size.at("known").as_int64() == 4);
  CHECK(size.at("missing").as_int64() == 1);
  CHECK(size.at("least").to_number<double>() == 1);
  CHECK(size.at("most").to_number<double>() == 4);
  CHECK(size.at("mean").to_number<double>() == Approx(2.5));
  CHECK(size.at("standard_deviation").to_number<double>() == Approx(std::sqrt(1.25)));
  CHECK(size.at("classes").as_array().empty());
  const json::value& colour = columns.at(1);
  CHECK(colour.at("known").as_int64() == 4);
  CHECK(colour.at("missing").as_int64() == 1);
  CHECK(colour.at("mean").is_null());
  CHECK(colour.at("classes") == json::array{json::object{{"name", "red"}, {"count", 2}},
                                            json::object{{"name", "blue"}, {"count", 1}},
                                            json::object{{"name", "=cmd"}, {"count", 1}}});
}
