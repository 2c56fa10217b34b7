// How long a client may take to prove who it is.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.hpp"

namespace gatehouse::edge {

struct HandshakeClock {
  // `timeout_ms` bounds the whole handshake, `progress_ms` the time from one whole line or frame to
  // the next; 0: no bound.
  HandshakeClock(MonotonicMs now, std::uint32_t timeout_ms, std::uint32_t progress)
      : end_ms(timeout_ms == 0 ? 0 : now + timeout_ms), progress_ms(progress) {
    progressed(now);
  }

  // Something came whole.
  void progressed(MonotonicMs now) {
    due_ms = end_ms;
    if (progress_ms == 0) return;
    const MonotonicMs next = now + progress_ms;
    due_ms = end_ms == 0 ? next : std::min(end_ms, next);
  }
  // Whether the whole has taken too long, and not just its next part.
  [[nodiscard]] bool over(MonotonicMs now) const { return end_ms != 0 && now >= end_ms; }

  MonotonicMs end_ms;
  std::uint32_t progress_ms;
  MonotonicMs due_ms = 0;  // when the connection is closed if nothing more comes; 0: never
};

}  // namespace gatehouse::edge
