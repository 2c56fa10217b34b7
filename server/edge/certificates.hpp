// The TLS that the ports of a process speak: certificates, their expiry, and the keys of session
// tickets. Read at the start and whenever ops ask for it; connections that run keep what they
// began with.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "actor/timer_wheel.hpp"
#include "actor/worker.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"
#include "base/world.hpp"
#include "crypto/tls.hpp"
#include "edge/tls_options.hpp"

namespace gatehouse::edge {

// Whose port a client came to: what it may ask for by ALPN (docs/protocol.md 1.7).
enum class TlsPort : std::uint8_t { kLogin, kGate };

// What a look at the certificates of a configuration finds: the first error, and what is worth a
// warning, "tls.certificates[0]: ..." each.
struct CertificateReport {
  Result<> usable;
  std::vector<std::string> warnings;
};

// Any thread, except where it says otherwise.
class Certificates final : private actor::Timer {
 public:
  // All outlive it.
  Certificates(const World& world, MetricSet& metrics);
  ~Certificates() override;
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  // Reads all files and takes them into use together; after an error, which names the key of the
  // configuration, nothing has changed. A certificate that is not valid today is an error when
  // others are in use, else a warning in the log. Ticket keys stay, unless their lifetime changes.
  [[nodiscard]] Result<> load(const TlsOptions& options);
  // The same without taking anything into use.
  [[nodiscard]] static CertificateReport check(const TlsOptions& options, std::int64_t now_s);
  // Rotates ticket keys and warns of certificates that are about to expire, from now on. Once,
  // before the worker stops.
  void start(actor::Worker& worker);
  // What start() does now and then, on its worker's thread.
  void look();

  // For new sessions; nullptr when there is no certificate.
  [[nodiscard]] std::shared_ptr<const crypto::TlsContext> context(TlsPort port) const;

 private:
  using Contexts = std::array<std::shared_ptr<const crypto::TlsContext>, 2>;
  struct Shown {
    std::string key;  // of the configuration: "tls.certificates[0]"
    std::string file;
    crypto::TlsCertificate certificate;
  };
  struct Loaded {
    Contexts contexts;
    std::vector<Shown> shown;
  };

  [[nodiscard]] static Result<Loaded> read(const TlsOptions& options,
                                           const std::shared_ptr<crypto::TlsTicketKeys>& keys);
  void fire() override;
  void set_gauges(const std::vector<Shown>& shown);
  void rotate_keys();
  void warn_of_expiry();

  const World& world_;
  MetricSet& metrics_;
  Metric& reloads_failed_;
  actor::Worker* worker_ = nullptr;
  mutable std::mutex mutex_;
  Contexts contexts_;  // under mutex_, like what follows
  std::vector<Shown> shown_;
  std::shared_ptr<crypto::TlsTicketKeys> ticket_keys_;
  std::int64_t rotate_at_ms_ = 0;
  std::int64_t warned_day_ = -1;
  std::map<std::string, Metric*> gauges_;  // by file
};

// "in 3 days", "today", "2 days ago": for people.
[[nodiscard]] std::string days_until(std::int64_t then_s, std::int64_t now_s);

}  // namespace gatehouse::edge
