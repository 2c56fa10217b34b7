#include "gate/close_log.hpp"

#include "base/clock.hpp"
#include "base/log.hpp"

namespace gatehouse::gate {

void CloseLog::write(Ending ending, const net::Address& peer) {
  if (!log::enabled(log::Level::kInfo)) return;
  if (!waiting()) {
    lines_ = 0;
    worker_.timers().add(*this, monotonic_ms() + 1'000);
  }
  if (lines_ >= kLinesPerSecond) {
    ++unsaid_;
    return;
  }
  ++lines_;
  log::info({}, "gate {}: connection {} closed: {}", server_, peer.to_string(), name(ending));
}

void CloseLog::fire() {
  if (unsaid_ == 0) return;
  log::info({}, "gate {}: {} more connections closed within a second", server_, unsaid_);
  unsaid_ = 0;
}

}  // namespace gatehouse::gate
