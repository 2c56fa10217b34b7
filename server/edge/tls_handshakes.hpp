// The work of TLS handshakes: how many begin in a second, and where their costly part is done. A
// signature takes 20 µs (ECDSA) to 1 ms (RSA), so it is done by threads that give way to the
// workers: players do not notice a storm of handshakes. Without threads the worker does it itself.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>

#include "actor/work_pool.hpp"
#include "base/log_limit.hpp"
#include "base/metrics.hpp"
#include "base/rate_bucket.hpp"
#include "base/result.hpp"
#include "base/world.hpp"
#include "edge/tls_options.hpp"
#include "net/address.hpp"

namespace gatehouse::edge {

// Any thread.
class TlsHandshakes {
 public:
  TlsHandshakes(const World& world, const TlsHandshakeLimits& limits, MetricSet& metrics);
  // Handshakes that wait are dropped. Before the workers that they belong to.
  ~TlsHandshakes();
  TlsHandshakes(const TlsHandshakes&) = delete;
  TlsHandshakes& operator=(const TlsHandshakes&) = delete;

  // One more begins; false: too many of late, which is counted.
  [[nodiscard]] bool admit();
  [[nodiscard]] bool has_threads() const { return pool_ != nullptr; }
  // kFull: too many wait, which is counted; kClosed: the pool has stopped.
  [[nodiscard]] Result<> submit(UniqueFunction<void()> work);
  // How one ended.
  void count(bool resumed) { (resumed ? resumed_ : full_).add(); }
  void note_failed(const net::Address& peer, const Error& why);

 private:
  static constexpr std::uint32_t kLinesASecond = 10;

  const Clock& clock_;
  const Rate rate_;
  std::mutex mutex_;
  RateBucket bucket_;                     // under mutex_
  LogLimit limit_{kLinesASecond, 1'000};  // of lines about failures
  Metric& full_;
  Metric& resumed_;
  Metric& failed_;
  Metric& over_rate_;
  Metric& over_queue_;
  std::unique_ptr<actor::WorkPool> pool_;
};

}  // namespace gatehouse::edge
