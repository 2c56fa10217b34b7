// What a Pass stands for; known to the guard and its passes alone.
#pragma once

#include <cstdint>

#include "edge/guard.hpp"

namespace gatehouse::edge {

// Everything under the guard's lock.
struct PassNode {
  static constexpr std::uint16_t kNoWorker = UINT16_MAX;
  enum class State : std::uint8_t { kCounted, kShed, kFree };

  Guard& guard;
  const Door door;
  const net::Address peer;
  Guard::Source* source = nullptr;  // while kCounted
  PassNode* previous = nullptr;     // of the source, the oldest first
  PassNode* next = nullptr;
  PassHolder* holder = nullptr;  // touched on `worker` only
  std::uint32_t refs = 0;
  std::uint16_t worker = kNoWorker;
  State state = State::kCounted;
  Refused why = Refused::kUnauthenticatedLimit;  // in kShed
};

struct Guard::Source {
  RateBucket connects;
  std::uint32_t count = 0;
  PassNode* first = nullptr;
  PassNode* last = nullptr;
  Source* previous = nullptr;  // in by_count_[count]; those that came there first, first
  Source* next = nullptr;

  [[nodiscard]] bool nothing(std::int64_t now_ns) const {
    return count == 0 && connects.full_in_ns(now_ns) <= 0;
  }
};

}  // namespace gatehouse::edge
