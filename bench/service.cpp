// SPDX-License-Identifier: Apache-2.0
// The whole service under load: MNIST uploaded and learned by REST beside the same work done by a
// program of its own, then direct use of what was learned over WebSockets, and small requests over
// connections that stay open. Server and load generator share the machine.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

#include <CLI/CLI.hpp>

#include <hanami/data.hpp>
#include <hanami/hanami.hpp>
#include <hanami/service/api/reference/wire.hpp>
#include <hanami/service/api/v1/cluster_frames.hpp>
#include <hanami/service/base/json.hpp>
#include <hanami/service/server.hpp>

#include <support/digit_templates.hpp>
#include <support/digits.hpp>
#include <support/load.hpp>
#include <support/program.hpp>
#include <support/report.hpp>
#include <support/scratch_folder.hpp>
#include <support/websocket_frame.hpp>

namespace {

namespace api = hanami::service::api;
namespace json = hanami::service::json;

struct service_options {
  std::string data;
  std::size_t threads = 0;
  std::size_t sockets = 64;
  double seconds = 3;
  bool json = false;
};

hanami::service::server_config config_in(const std::filesystem::path& folder,
                                         const service_options& o) {
  hanami::service::server_config made;
  made.data = folder;
  made.http.port = 0;
  made.http.threads = o.threads;
  made.engine.threads = o.threads;
  made.admin_password = "a password for the bench";
  made.log_level = "off";
  return made;
}

std::string request(std::string_view method, std::string_view target, std::string_view token,
                    std::string_view body) {
  std::string text(method);
  text.append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n");
  if (!token.empty()) {
    text.append("Authorization: Bearer ").append(token).append("\r\n");
  }
  text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  return text.append(body);
}

/// Somebody who talks to the server over one connection.
class rest_client {
 public:
  explicit rest_client(std::uint16_t port) : fd_(support::detail::connect_to(port)) {}
  rest_client(const rest_client&) = delete;
  rest_client& operator=(const rest_client&) = delete;
  ~rest_client() { ::close(fd_); }

  /// The answer's body; throws what the load generator throws where it is no 2xx.
  std::string ask(std::string_view method, std::string_view target, std::string_view body = {}) {
    support::detail::send_all(fd_, request(method, target, token, body));
    std::string answer;
    std::size_t size = 0;
    while ((size = support::detail::response_size(answer)) == 0) {
      char bytes[16384];
      const ::ssize_t got = ::recv(fd_, bytes, sizeof bytes, 0);
      if (got <= 0) {
        throw std::runtime_error("the server has closed the connection");
      }
      answer.append(bytes, static_cast<std::size_t>(got));
    }
    return answer.substr(answer.find("\r\n\r\n") + 4);
  }
  /// A text in the answer.
  std::string ask_for(const char* key, std::string_view method, std::string_view target,
                      const json::value& body) {
    const std::string sent = body.is_null() ? std::string() : json::serialize(body);
    const json::value answer = json::parse(ask(method, target, sent));
    return std::string(answer.at(key).as_string());
  }

  std::string token;

 private:
  int fd_;
};

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// The images or labels as an idx file of bytes.
std::string idx_file(const hanami::image_dataset& set, bool images) {
  std::string bytes;
  const auto number = [&](std::size_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      bytes += static_cast<char>(value >> shift & 0xffu);
    }
  };
  number(images ? 0x803 : 0x801);
  number(set.size());
  if (images) {
    number(set.rows());
    number(set.columns());
  }
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (images) {
      const auto pixels = set.pixels(i);
      bytes.append(reinterpret_cast<const char*>(pixels.data()), pixels.size());
    } else {
      bytes += static_cast<char>(set.label(i));
    }
  }
  return bytes;
}

/// What both sides of the comparison begin with: images and labels on disk, not packed.
struct mnist_files {
  mnist_files(const std::filesystem::path& folder, const hanami::image_dataset& set)
      : images(folder / "images"), labels(folder / "labels") {
    for (const bool pictures : {true, false}) {
      const std::string bytes = idx_file(set, pictures);
      std::ofstream to(pictures ? images : labels, std::ios::binary);
      to.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    }
  }
  std::filesystem::path images;
  std::filesystem::path labels;
};

std::string file_text(const std::filesystem::path& file) {
  std::string text(static_cast<std::size_t>(std::filesystem::file_size(file)), '\0');
  std::ifstream(file, std::ios::binary)
      .read(text.data(), static_cast<std::streamsize>(text.size()));
  return text;
}

void await_end(rest_client& client, const std::string& task) {
  std::string state;
  while (state != "finished") {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    state = client.ask_for("state", "GET", "/v1/tasks/" + task, {});
    if (state == "failed" || state == "aborted") {
      throw std::runtime_error("a task has " + state);
    }
  }
}

std::string upload_mnist(rest_client& client, const mnist_files& from) {
  const std::string files[] = {file_text(from.images), file_text(from.labels)};
  const json::value begun = json::parse(
      client.ask("POST", "/v1/uploads",
                 json::serialize(json::object{{"name", "digits"},
                                              {"format", "mnist"},
                                              {"sizes", {files[0].size(), files[1].size()}}})));
  for (std::size_t part = 0; part < 2; ++part) {
    const std::string id(begun.at("parts").at(part).at("id").as_string());
    constexpr std::size_t piece = std::size_t{16} << 20;
    for (std::size_t at = 0; at < files[part].size(); at += piece) {
      client.ask("PUT", "/v1/parts/" + id + "?position=" + std::to_string(at),
                 std::string_view(files[part]).substr(at, piece));
    }
  }
  const std::string upload(begun.at("id").as_string());
  await_end(client, client.ask_for("id", "POST", "/v1/uploads/" + upload + "/finish", {}));
  return std::string(begun.at("becomes").as_string());
}

void train_by_task(rest_client& client, const std::string& cluster, const std::string& dataset) {
  const auto link = [&](const char* side, const char* name, const char* column) {
    return json::array{
        json::object{{side, name}, {"dataset_id", dataset}, {"columns", json::array{column}}}};
  };
  const std::string task =
      client.ask_for("id", "POST", "/v1/clusters/" + cluster + "/tasks",
                     json::object{{"kind", "train"},
                                  {"name", "digits"},
                                  {"inputs", link("input", "picture", "picture")},
                                  {"outputs", link("output", "digit", "label")}});
  await_end(client, task);
}

/// The same template, samples and order without a service.
double train_alone(const mnist_files& from) {
  const auto begin = std::chrono::steady_clock::now();
  const hanami::image_dataset set = hanami::load_idx(from.images, from.labels);
  hanami::cluster net(support::fields_of(64), {.seed = 1});
  net.start_task(set.size());
  std::vector<float> input(set.input_size());
  std::vector<float> target(set.target_size());
  for (std::size_t i = 0; i < set.size(); ++i) {
    set.read(i, input, target);
    net.train(input, target);
  }
  return seconds_since(begin);
}

support::table measure_epoch(rest_client& client, const std::string& cluster,
                             const mnist_files& set) {
  support::table table("epoch", "From files to a cluster that has seen all images once, wall time",
                       {{"what", "what"}, {"seconds", "seconds", 2}, {"of alone", "ratio", 2}});
  const double alone_before = train_alone(set);
  const auto begin = std::chrono::steady_clock::now();
  const std::string dataset = upload_mnist(client, set);
  const double uploaded = seconds_since(begin);
  train_by_task(client, cluster, dataset);
  const double all = seconds_since(begin);
  const double alone = (alone_before + train_alone(set)) / 2; // around it, for the machine's moods
  table.add({std::string("program of its own"), alone, 1.0});
  table.add({std::string("upload by REST"), uploaded, uploaded / alone});
  table.add({std::string("upload and training task by REST"), all, all / alone});
  return table;
}

/// A question in the reference's protocol.
std::string reference_question(std::span<const float> input) {
  return support::websocket_frame(2, api::write_cluster_message("picture", true,
                                                                api::process_kind::request,
                                                                api::buffer_kind::input, input));
}

/// A question in a binary frame of the modern socket.
std::string modern_question(std::span<const float> input) {
  std::string frame;
  const auto put = [&](auto value) {
    frame.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  put(api::frame_op::infer);
  put(std::uint8_t{0});
  put(std::uint16_t{1});
  put(std::uint32_t{7});
  put(api::block_kind::input);
  put(std::uint8_t{0});
  put(std::uint16_t{0});
  put(static_cast<std::uint32_t>(input.size()));
  for (const float value : input) {
    put(value);
  }
  return support::websocket_frame(2, std::move(frame));
}

class rate_table {
 public:
  explicit rate_table(const service_options& o) : options_(o) {}

  /// As fast as it goes, then at half of that.
  void add(const std::string& what, support::load_plan plan) {
    plan.seconds = options_.seconds;
    const support::load_result most = support::run_load(plan);
    const auto connections = static_cast<double>(plan.connections);
    table_.add({what, connections, most.rate, most.median_ms, most.p99_ms});
    plan.rate = most.rate / 2;
    const support::load_result half = support::run_load(plan);
    table_.add({what + ", half load", connections, half.rate, half.median_ms, half.p99_ms});
  }
  support::table take() { return std::move(table_); }

 private:
  const service_options& options_;
  support::table table_{"rates",
                        "Requests and answers, server and load generator on one machine",
                        {{"what", "what"},
                         {"connections", "connections"},
                         {"a second", "rate"},
                         {"median ms", "median_ms", 3},
                         {"99 % ms", "p99_ms", 3}}};
};

support::table measure_rates(const service_options& o, std::uint16_t port, rest_client& client,
                             const std::string& cluster, std::span<const float> input) {
  rate_table rates(o);
  support::load_plan plan;
  plan.port = port;
  plan.connections = o.sockets;

  const std::string small =
      client.ask_for("id", "POST", "/v1/clusters", json::object{{"name", "small"}});
  const std::string place = "/v1/clusters/" + small;
  plan.message = request("GET", place, client.token, {});
  rates.add("GET of a cluster", plan);
  plan.message = request("POST", place + "/infer", client.token, R"({"inputs":{"input":[20.5]}})");
  rates.add("POST infer, 1 input", plan);
  plan.message = request("POST", place + "/train", client.token,
                         R"({"inputs":{"input":[20.5]},"targets":{"output":[4]}})");
  rates.add("POST train, 1 input, journaled", plan);

  plan.websocket = true;
  plan.opening = {support::client_handshake("/"),
                  support::websocket_frame(1, json::serialize(json::object{{"token", client.token},
                                                                           {"target", "cluster"},
                                                                           {"uuid", cluster}}))};
  plan.message = reference_question(input);
  rates.add("direct IO of the reference, 784 inputs", plan);

  std::string handshake = support::client_handshake("/v1/clusters/" + cluster + "/socket");
  handshake.insert(handshake.size() - 2, "Authorization: Bearer " + client.token + "\r\n");
  plan.opening = {handshake};
  plan.message = modern_question(input);
  rates.add("modern socket, binary, 784 inputs", plan);
  return rates.take();
}

/// A cluster that is on disk only is asked: it comes into memory for that.
support::table measure_coming_back(const service_options& o, const std::filesystem::path& folder,
                                   const std::string& token, const std::string& cluster,
                                   std::span<const float> input) {
  constexpr int times = 9;
  const std::string question = json::serialize(
      json::object{{"inputs", json::object{{"picture", json::array(input.begin(), input.end())}}}});
  std::vector<double> first;
  std::vector<double> second;
  for (int i = 0; i < times; ++i) {
    const hanami::service::server service(config_in(folder, o));
    rest_client client(service.port());
    client.token = token;
    client.ask("GET", "/v1/me");
    for (std::vector<double>* const to : {&first, &second}) {
      const auto begin = std::chrono::steady_clock::now();
      client.ask("POST", "/v1/clusters/" + cluster + "/infer", question);
      to->push_back(seconds_since(begin) * 1000);
    }
  }
  support::table table(
      "coming_back", "POST infer to a cluster that has learned all images once",
      {{"it is", "where"}, {"median ms", "median_ms", 2}, {"most ms", "most_ms", 2}});
  for (const auto& [where, all] : {std::pair{"on disk only", &first}, {"in memory", &second}}) {
    std::sort(all->begin(), all->end());
    table.add({std::string(where), (*all)[times / 2], all->back()});
  }
  return table;
}

void add_options(CLI::App& app, service_options& o) {
  support::add_data_option(app, o.data);
  app.add_option("--threads", o.threads,
                 "network threads, and threads of the engine (0: the service's defaults)")
      ->check(CLI::Range(0, 1024));
  app.add_option("--sockets", o.sockets, "connections at once (64)")->check(CLI::Range(1, 10'000));
  app.add_option("--seconds", o.seconds, "of each measurement (3)")->check(CLI::Range(0.1, 600.0));
  support::add_json_flag(app, o.json);
}

int run(const service_options& o) {
  support::raise_file_limit();
  const hanami::digit_images digits = support::find_digits(o.data);
  const scratch_folder folder;
  std::optional<hanami::service::server> service(std::in_place, config_in(folder.path, o));
  rest_client client(service->port());
  client.token =
      client.ask_for("access_token", "POST", "/v1/sessions",
                     json::object{{"user_id", "admin"}, {"password", "a password for the bench"}});
  const std::string cluster = client.ask_for(
      "id", "POST", "/v1/clusters",
      json::object{{"name", "digits"}, {"template", hanami::to_text(support::fields_of(64))}});

  std::vector<support::table> tables;
  tables.push_back(measure_epoch(client, cluster, {folder.path, digits.train}));
  std::vector<float> input(digits.test.input_size());
  digits.test.read_input(0, input);
  tables.push_back(measure_rates(o, service->port(), client, cluster, input));
  service.reset();
  tables.push_back(measure_coming_back(o, folder.path, client.token, cluster, input));
  support::print_report({{"data", digits.name()}, {"threads", o.threads}, {"seconds", o.seconds}},
                        tables, o.json);
  return 0;
}

} // namespace

int main(int count, char** arguments) {
  CLI::App app("The whole service under load, on clusters that have learned.", "service");
  service_options o;
  add_options(app, o);
  return support::run_program(app, count, arguments, [&] { return run(o); });
}
