// Hierarchical timing wheel, 1 ms ticks: O(1) add, cancel and fire. After Varghese and Lauck,
// "Hashed and hierarchical timing wheels", 1987, scheme 7.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/clock.hpp"

namespace gatehouse::actor {

// Embed in what waits. fire() runs once on the worker's thread, after the timer left the wheel;
// it may add the timer again or destroy it. Destroying a waiting timer cancels it.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer() { cancel(); }

  [[nodiscard]] bool waiting() const { return previous_ != nullptr; }
  void cancel();

 protected:
  virtual void fire() = 0;

 private:
  friend class TimerWheel;
  Timer* previous_ = nullptr;
  Timer* next_ = nullptr;
  MonotonicMs due_ = 0;
};

// Owned by one worker and touched by its thread only.
class TimerWheel {
 public:
  explicit TimerWheel(MonotonicMs now);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  ~TimerWheel();

  // Starts a timer, or restarts a waiting one; `due` in the past fires at the next advance.
  // Timers due in the same millisecond fire in the order they were added
  // (docs/skynet-rules.md 2.1).
  void add(Timer& timer, MonotonicMs due);

  // Fires all that is due at `now`.
  void advance(MonotonicMs now);

  // Visits all that wait, in no order; `visit` adds and cancels none.
  template <class F>
  void each(F&& visit) const {
    const auto walk = [&visit](const Head& head) {
      for (const Timer* t = head.next_; t != &head; t = t->next_) visit(*t);
    };
    for (const auto& level : wheel_) {
      for (const Head& head : level) walk(head);
    }
    walk(beyond_);
  }

  // Milliseconds from `now` until advance() has something to do; -1: nothing waits.
  [[nodiscard]] std::int64_t next_in_ms(MonotonicMs now) const;

 private:
  static constexpr int kBits = 8;
  static constexpr int kSlots = 1 << kBits;
  static constexpr int kLevels = 4;

  // A list head; only its links are used.
  struct Head final : Timer {
    Head() { clear(); }
    ~Head() override { clear_links(); }
    void fire() override {}
    void clear();
    void clear_links();
    [[nodiscard]] bool empty() const;
  };

  // The first slot from `slot` on that holds a timer, or kSlots.
  [[nodiscard]] std::size_t next_used(std::size_t level, std::size_t slot) const;
  void place(Timer& timer);
  void spread(Head& head);
  void step();
  void fire_list(Head& list);

  std::array<std::array<Head, kSlots>, kLevels> wheel_;
  // A bit for each slot, set when a timer comes, cleared when the slot is next found empty.
  mutable std::array<std::array<std::uint64_t, kSlots / 64>, kLevels> maybe_used_{};
  Head beyond_;       // due after the window of the highest level, 2^32 ms, that holds tick_
  MonotonicMs tick_;  // the last tick that was advanced to
};

}  // namespace gatehouse::actor
