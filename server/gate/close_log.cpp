#include "gate/close_log.hpp"

#include "base/clock.hpp"
#include "base/log.hpp"
#include "edge/carriage.hpp"

namespace gatehouse::gate {

void CloseLog::write(Ending ending, const net::Address& peer, const net::Transport* transport) {
  if (!log::enabled(log::Level::kInfo)) return;
  const MonotonicMs now_ms = worker_.clock().monotonic_ms();
  const auto left_out = limit_.admit(now_ms);
  if (!left_out) {
    if (!waiting()) worker_.timers().add(*this, now_ms + kWindowMs);
    return;
  }
  tell(*left_out);
  log::info({}, "gate {}: connection {}{}{} closed: {}", server_, peer.to_string(),
            transport == nullptr ? "" : " over ",
            transport == nullptr ? "" : edge::describe(*transport), name(ending));
}

void CloseLog::fire() {
  tell(limit_.end());
}

void CloseLog::tell(std::uint64_t left_out) {
  if (left_out != 0)
    log::info({}, "gate {}: {} more connections closed within a second", server_, left_out);
}

}  // namespace gatehouse::gate
