#include "edge/tls_handshakes.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/log.hpp"

namespace gatehouse::edge {
namespace {

constexpr const char* kHelp = "TLS handshakes by how they ended";
constexpr int kNice = 10;  // the workers come first

Metric& ended(MetricSet& metrics, const char* label) {
  return metrics.counter("tls_handshakes_total", label, kHelp);
}

}  // namespace

TlsHandshakes::TlsHandshakes(const World& world, const TlsHandshakeLimits& limits,
                             MetricSet& metrics)
    : clock_(world.clock),
      rate_(Rate::per_second(limits.per_s)),
      full_(ended(metrics, "result=\"full\"")),
      resumed_(ended(metrics, "result=\"resumed\"")),
      failed_(ended(metrics, "result=\"failed\"")),
      over_rate_(ended(metrics, "result=\"over_rate\"")),
      over_queue_(ended(metrics, "result=\"over_queue\"")) {
  if (limits.threads == 0) return;
  pool_ = std::make_unique<actor::WorkPool>(world,
                                            actor::WorkPoolOptions{.name = "tls",
                                                                   .threads = limits.threads,
                                                                   .queue_max = limits.waiting_max,
                                                                   .nice = kNice});
}

TlsHandshakes::~TlsHandshakes() = default;

bool TlsHandshakes::admit() {
  if (!rate_.limited()) return true;
  std::lock_guard lock(mutex_);
  if (bucket_.take(rate_, 1, clock_.monotonic_ns())) return true;
  over_rate_.add();
  return false;
}

void TlsHandshakes::note_failed(const net::Address& peer, const Error& why) {
  failed_.add();
  if (!log::enabled(log::Level::kInfo)) return;
  const auto left_out = limit_.admit(clock_.monotonic_ms());
  if (!left_out) return;
  log::info({}, "{}: no TLS handshake: {}{}", peer.to_string(), why.message,
            *left_out == 0 ? "" : fmt::format(" ({} more were not logged)", *left_out));
}

Result<> TlsHandshakes::submit(UniqueFunction<void()> work) {
  auto taken = pool_->submit(std::move(work));
  if (!taken && taken.error().code == Errc::kFull) over_queue_.add();
  return taken;
}

}  // namespace gatehouse::edge
