// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "check.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <functional>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../cluster.hpp"
#include "../../foundation/error.hpp"
#include "../../io/checkpoint.hpp"
#include "../access/oidc/provider.hpp"
#include "../access/policy.hpp"
#include "../access/token.hpp"
#include "../base/clock.hpp"
#include "../base/compile.hpp"
#include "../base/data_lock.hpp"
#include "../base/descriptors.hpp"
#include "../base/ip_network.hpp"
#include "../base/logger.hpp"
#include "../data/block_file.hpp"
#include "../engine/disk/snapshot_files.hpp"
#include "../http/tls_context.hpp"
#include "../store/sqlite.hpp"
#include "../store/tables.hpp"
#include "../stream/stream_session.hpp"
#include "copied_files.hpp"
#include "held_generations.hpp"

namespace hanami::service {

namespace detail {

/// One look at a server's things.
class inspection {
 public:
  inspection(const server_config& config, std::ostream& out)
      : config_(config), out_(out), running_(data_lock::is_held(config.data)) {}

  bool run() {
    say(verdict::ok, "settings", std::to_string(known_settings().size()) + " are understood");
    look("policies", [this] { look_at_policies(); });
    look("certificate", [this] { look_at_certificate(); });
    if (!config_.oidc.issuer.empty()) {
      look("provider", [this] { look_at_provider(); });
    }
    look("log file", [this] { look_at_log(); });
    look("data", [this] { look_at_data(); });
    look("descriptors", [this] { look_at_descriptors(); });
    look("address", [this] { look_at_port("address", config_.http.port); });
    if (config_.tls.redirect_port != 0) {
      look("redirect", [this] { look_at_port("redirect", config_.tls.redirect_port); });
    }
    std::error_code ignored;
    if (std::filesystem::exists(config_.data / database_name, ignored)) {
      look("database", [this] { look_at_database(); });
      look("key of files", [this] { look_at_key(); });
      look_at_all("cluster", "clusters", [this](const std::string& id) { read_cluster(id); });
      look_at_all("stream", "streams", [this](const std::string& id) { read_stream(id); });
      look_at_all("dataset", "datasets",
                  [this](const std::string& id) { read_blocks("datasets/" + id); });
      look_at_all("checkpoint", "checkpoints",
                  [this](const std::string& id) { read_checkpoint(id); });
    }
    return good_;
  }

 private:
  enum class verdict { ok, warning, fault };

  void say(verdict how, std::string_view what, std::string_view text) {
    constexpr std::array<const char*, 3> words{"ok      ", "warning ", "fault   "};
    out_ << words[static_cast<std::size_t>(how)] << what << ": " << text << '\n';
    good_ = good_ && how != verdict::fault;
  }

  void look(const char* what, const std::function<void()>& work) {
    try {
      work();
    } catch (...) {
      say(verdict::fault, what, text_of(std::current_exception()));
    }
  }

  void look_at_policies() {
    access::policy::load(config_.auth.policies);
    say(verdict::ok, "policies",
        config_.auth.policies.empty() ? "the built-in ones" : config_.auth.policies.string());
  }

  void look_at_certificate() {
    if (config_.tls.certificate.empty()) {
      const auto address = ip_address::parse(config_.http.address);
      const bool here = address && address->is_loopback();
      say(here ? verdict::ok : verdict::warning, "certificate",
          here ? "none; only this machine is served"
               : "none: passwords travel as they are, unless a proxy on this machine is before it");
      return;
    }
    const auto context = http::detail::make_tls_context(config_.tls);
    ::X509* const own = ::SSL_CTX_get0_certificate(context->native_handle());
    int days = 0;
    int seconds = 0;
    ::ASN1_TIME_diff(&days, &seconds, nullptr, ::X509_get0_notAfter(own));
    const bool over = days < 0 || seconds < 0;
    say(over ? verdict::fault : (days < 14 ? verdict::warning : verdict::ok), "certificate",
        config_.tls.certificate.string() +
            (over ? " has ended" : " is good for " + std::to_string(days) + " days"));
  }

  /// Of log-ins: its settings, and whether it can be asked.
  void look_at_provider() {
    server_config silent = config_;
    silent.log_level = "off";
    silent.log_file.clear();
    logger nowhere(silent);
    access::oidc::provider provider(config_.oidc, nowhere);
    try {
      provider.address_for({});
      say(verdict::ok, "provider", config_.oidc.issuer + " answers");
    } catch (const refusal&) {
      say(verdict::warning, "provider",
          config_.oidc.issuer + " does not answer as it should; the log of a server says why when "
                                "somebody logs in");
    }
  }

  void look_at_log() {
    if (config_.log_file.empty()) {
      say(verdict::ok, "log file", "none: the standard error stream");
      return;
    }
    const std::filesystem::path folder =
        config_.log_file.has_parent_path() ? config_.log_file.parent_path() : ".";
    std::error_code ignored;
    const bool there = std::filesystem::exists(config_.log_file, ignored);
    if (::access((there ? config_.log_file : folder).c_str(), W_OK) != 0) {
      throw error(errc::file_error, "cannot write " + config_.log_file.string() + ": " +
                                        std::generic_category().message(errno));
    }
    say(verdict::ok, "log file", config_.log_file.string());
  }

  void look_at_data() {
    namespace fs = std::filesystem;
    std::error_code trouble;
    fs::path there = fs::absolute(config_.data);
    const bool exists = fs::is_directory(there);
    while (!fs::exists(there) && there.has_relative_path()) {
      there = there.parent_path();
    }
    if (::access(there.c_str(), R_OK | W_OK | X_OK) != 0) {
      throw error(errc::file_error,
                  "cannot write " + there.string() + ": " + std::generic_category().message(errno));
    }
    const fs::space_info space = fs::space(there, trouble);
    const std::uint64_t free_mib = trouble ? 0 : space.available >> 20;
    const bool open = exists && (fs::status(there).permissions() &
                                 (fs::perms::group_all | fs::perms::others_all)) != fs::perms::none;
    const bool short_of = free_mib < 1024;
    say(open || short_of ? verdict::warning : verdict::ok, "data",
        fs::absolute(config_.data).string() + (exists ? "" : " will be made") + ", " +
            std::to_string(free_mib) + " MiB are free" +
            (open ? "; others than its owner may enter: chmod 700 keeps them out" : "") +
            (running_ ? "; a server is at work on it" : ""));
  }

  void look_at_descriptors() {
    const std::size_t limit = raise_descriptor_limit();
    const descriptor_shares shares(limit);
    const bool enough = shares.connections >= config_.http.connections;
    say(enough ? verdict::ok : verdict::warning, "descriptors",
        std::to_string(limit) + " may be open" +
            (enough ? ""
                    : ", which is enough for " + std::to_string(shares.connections) + " of " +
                          std::to_string(config_.http.connections) + " connections"));
  }

  void look_at_port(const char* what, std::uint16_t port) {
    const std::string where = with_brackets(config_.http.address) + ':' + std::to_string(port);
    const std::error_code trouble = try_to_bind(port);
    if (!trouble) {
      say(verdict::ok, what, where + " is free");
    } else if (trouble == std::errc::address_in_use && running_) {
      say(verdict::ok, what, where + " is in use, as a server is at work");
    } else {
      throw error(errc::file_error, where + ": " + trouble.message());
    }
  }

  std::error_code try_to_bind(std::uint16_t port) const {
    ::addrinfo hints{};
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    hints.ai_socktype = SOCK_STREAM;
    ::addrinfo* found = nullptr;
    const std::string host(without_brackets(config_.http.address));
    const int trouble = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (trouble != 0) {
      throw error(errc::file_error, host + ": " + ::gai_strerror(trouble));
    }
    const hanami::detail::file_handle socket(
        ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    errno = 0;
    const bool bound = ::bind(socket.get(), found->ai_addr, found->ai_addrlen) == 0;
    const std::error_code why = bound ? std::error_code() : hanami::detail::system_trouble();
    ::freeaddrinfo(found);
    return why;
  }

  void look_at_database() {
    store::connection on(config_.data / database_name, store::open_mode::read_only);
    store::statement found = on.query("PRAGMA integrity_check(1)");
    if (found.step() && found.text(0) != "ok") {
      throw error(errc::invalid_data, found.text(0));
    }
    store::statement broken = on.query("PRAGMA foreign_key_check");
    if (broken.step()) {
      throw error(errc::invalid_data, "rows of " + broken.text(0) + " refer to none");
    }
    store::statement version = on.query("PRAGMA user_version");
    version.step();
    const auto is = static_cast<std::size_t>(version.integer(0));
    const std::size_t known = store::migrations.size();
    if (is > known) {
      throw error(errc::unsupported_version, "it is of version " + std::to_string(is) +
                                                 "; this build knows versions up to " +
                                                 std::to_string(known));
    }
    say(verdict::ok, "database",
        "whole, of version " + std::to_string(is) +
            (is < known ? ", which the next start brings to " + std::to_string(known) : ""));
  }

  void look_at_key() {
    std::error_code ignored;
    const std::filesystem::path file = file_key_of(config_);
    const bool there = std::filesystem::exists(file, ignored);
    if (config_.encrypt_files && !there) {
      throw error(errc::file_error,
                  "there is no " + file.string() + "; without it, encrypted files cannot be read");
    }
    if (config_.encrypt_files) {
      key_ = access::key_of_files(config_);
    }
    say(verdict::ok, "key of files", config_.encrypt_files ? file.string() : "none is wanted");
  }

  void look_at_all(const char* kind, const char* what,
                   const std::function<void(const std::string&)>& read) {
    std::vector<std::string> ids;
    look(what, [&] {
      store::connection on(config_.data / database_name, store::open_mode::read_only);
      store::statement rows =
          on.query("SELECT id FROM resources WHERE kind = ? ORDER BY id", std::string_view(kind));
      while (rows.step()) {
        ids.push_back(rows.text(0));
      }
    });
    std::size_t good = 0;
    for (const std::string& id : ids) {
      try {
        read(id);
        ++good;
      } catch (...) {
        if (const std::string why = text_of(std::current_exception()); is_there(kind, id)) {
          say(verdict::fault, kind + (' ' + id), why);
        } else {
          ++good; // it was removed meanwhile
        }
      }
    }
    say(good == ids.size() ? verdict::ok : verdict::fault, what,
        std::to_string(good) + " of " + std::to_string(ids.size()) + " can be read");
  }

  bool is_there(const char* kind, const std::string& id) const {
    store::connection on(config_.data / database_name, store::open_mode::read_only);
    store::statement row =
        on.query("SELECT 1 FROM resources WHERE kind = ? AND id = ?", std::string_view(kind), id);
    return row.step();
  }

  std::vector<std::byte> read_blocks(const std::string& name) const {
    const data::block_reader from(config_.data / name, key_);
    std::vector<std::byte> piece;
    for (std::uint64_t at = 0; at < from.size(); at += piece.size()) {
      piece.resize(static_cast<std::size_t>(
          std::min<std::uint64_t>(from.size() - at, std::size_t{1} << 20)));
      from.read(at, piece);
    }
    return piece;
  }

  std::vector<std::byte> whole(const std::string& name) const {
    const data::block_reader from(config_.data / name, key_);
    std::vector<std::byte> bytes(static_cast<std::size_t>(from.size()));
    from.read(0, bytes);
    return bytes;
  }

  void read_checkpoint(const std::string& id) const {
    from_checkpoint<cluster>(whole("checkpoints/" + id));
  }

  void read_cluster(const std::string& id) const {
    read_patiently("clusters/" + id,
                   [](std::span<const std::byte> snapshot) { from_checkpoint<cluster>(snapshot); });
  }
  void read_stream(const std::string& id) const {
    read_patiently("streams/" + id, [](std::span<const std::byte> snapshot) {
      from_checkpoint<streams::stream_session>(snapshot);
    });
  }

  /// The newest snapshot and the journals since, again where a server replaces them meanwhile.
  void read_patiently(const std::string& folder, const engine::snapshot_reader& load) const {
    constexpr unsigned tries = 5;
    for (unsigned i = 0;; ++i) {
      try {
        read_generations(folder, load);
        return;
      } catch (const error& why) {
        if (!running_ || i + 1 == tries || why.code() != errc::file_error) {
          throw;
        }
      }
    }
  }

  void read_generations(const std::string& folder, const engine::snapshot_reader& load) const {
    std::optional<std::uint64_t> newest;
    std::vector<std::uint64_t> journals;
    for (const std::string& name : names_in(config_.data / folder)) {
      std::uint64_t number = 0;
      const std::size_t dash = name.find('-');
      std::from_chars(name.data() + std::min(dash + 1, name.size()), name.data() + name.size(),
                      number);
      if (is_generation(name, "snapshot")) {
        newest = std::max(newest.value_or(0), number);
      } else if (is_generation(name, "journal")) {
        journals.push_back(number);
      }
    }
    if (!newest) {
      throw error(errc::file_error, "there is no snapshot in " + folder);
    }
    load(whole(folder + "/snapshot-" + std::to_string(*newest)));
    const engine::snapshot_files files(config_.data / folder, key_, false);
    for (const std::uint64_t each : journals) {
      if (each >= *newest) {
        engine::read_journal(config_.data / folder / ("journal-" + std::to_string(each)), each,
                             files.key_of_journal(),
                             [](const engine::journal_record&) { return true; });
      }
    }
  }

  const server_config& config_;
  std::ostream& out_;
  const bool running_;
  std::optional<access::secret_key> key_;
  bool good_ = true;
};

} // namespace detail

HANAMI_SERVICE_INLINE bool check(const server_config& config, std::ostream& out) {
  return detail::inspection(config, out).run();
}

} // namespace hanami::service
