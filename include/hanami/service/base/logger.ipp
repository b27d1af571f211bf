// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "logger.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <mutex>
#include <utility>

#include <spdlog/details/file_helper.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "../../foundation/error.hpp"
#include "compile.hpp"

namespace hanami::service {

namespace detail {

/// As it may stand in a line of a log, or in JSON: no quotes, no control characters.
inline std::string log_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool plain = static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
    line += plain ? c : (c == '"' ? '\'' : ' ');
  }
  return line;
}

/// A file that can be left for a new one of the same name.
class log_file_sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  /// Throws `errc::file_error`, as does `reopen`.
  explicit log_file_sink(std::filesystem::path file) : path_(std::move(file)), file_(opened()) {}

  void reopen() {
    auto next = opened();
    const std::lock_guard lock(mutex_);
    file_.swap(next);
  }

 private:
  std::unique_ptr<spdlog::details::file_helper> opened() const {
    try {
      auto made = std::make_unique<spdlog::details::file_helper>();
      made->open(path_.string());
      return made;
    } catch (const spdlog::spdlog_ex& why) {
      throw error(errc::file_error, "cannot write the log file: " + std::string(why.what()));
    }
  }

  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    file_->write(line);
  }
  void flush_() override { file_->flush(); }

  const std::filesystem::path path_;
  std::unique_ptr<spdlog::details::file_helper> file_;
};

} // namespace detail

HANAMI_SERVICE_INLINE logger::logger(const server_config& config)
    : file_(config.log_file.empty() ? nullptr
                                    : std::make_shared<detail::log_file_sink>(config.log_file)) {
  spdlog::sink_ptr sink = file_;
  if (!sink) {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  }
  to_ = std::make_shared<spdlog::logger>("hanami", std::move(sink));
  to_->set_level(spdlog::level::from_str(config.log_level));
  to_->set_pattern(config.log_json
                       ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":"%v"})"
                       : "%Y-%m-%d %H:%M:%S.%e %l: %v");
  to_->flush_on(std::min(to_->level(), spdlog::level::info)); // who reads it sees what has happened
}

HANAMI_SERVICE_INLINE void logger::reopen() {
  if (file_) {
    file_->reopen();
  }
}

HANAMI_SERVICE_INLINE bool logger::keeps_debug() const noexcept {
  return to_->should_log(spdlog::level::debug);
}

HANAMI_SERVICE_INLINE void logger::write(int level, std::string_view part,
                                         std::string_view what) noexcept {
  try {
    const auto as = static_cast<spdlog::level::level_enum>(level);
    if (to_->should_log(as)) {
      to_->log(as, "{}: {}", part, detail::log_line(what));
    }
  } catch (...) { // there is nobody left to tell
  }
}

HANAMI_SERVICE_INLINE void logger::debug(std::string_view part, std::string_view what) noexcept {
  write(spdlog::level::debug, part, what);
}

HANAMI_SERVICE_INLINE void logger::info(std::string_view part, std::string_view what) noexcept {
  write(spdlog::level::info, part, what);
}

HANAMI_SERVICE_INLINE void logger::warning(std::string_view part, std::string_view what) noexcept {
  write(spdlog::level::warn, part, what);
}

HANAMI_SERVICE_INLINE void logger::error(std::string_view part, std::string_view what) noexcept {
  write(spdlog::level::err, part, what);
}

HANAMI_SERVICE_INLINE void logger::error(std::string_view part,
                                         const std::exception_ptr& thrown) noexcept {
  try {
    write(spdlog::level::err, part, text_of(thrown));
  } catch (...) { // no memory for the text
    write(spdlog::level::err, part, "an exception");
  }
}

HANAMI_SERVICE_INLINE std::string text_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& why) {
    return why.what();
  } catch (...) {
    return "an exception of an unknown type";
  }
}

} // namespace hanami::service
