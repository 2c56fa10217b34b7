#include "actor/timer_wheel.hpp"

#include <bit>

#include "base/assert.hpp"

namespace gatehouse::actor {

void Timer::cancel() {
  if (previous_ == nullptr) return;
  GATEHOUSE_ASSERT(previous_->next_ == this && next_->previous_ == this);
  previous_->next_ = next_;
  next_->previous_ = previous_;
  previous_ = next_ = nullptr;
}

void TimerWheel::Head::clear() {
  previous_ = next_ = this;
}
void TimerWheel::Head::clear_links() {
  previous_ = next_ = nullptr;
}
bool TimerWheel::Head::empty() const {
  return next_ == this;
}

TimerWheel::TimerWheel(MonotonicMs now) : tick_(now) {}

TimerWheel::~TimerWheel() {
  for (auto& level : wheel_) {
    for (Head& head : level) {
      while (!head.empty()) head.next_->cancel();
    }
  }
  while (!beyond_.empty()) beyond_.next_->cancel();
}

void TimerWheel::add(Timer& timer, MonotonicMs due) {
  timer.cancel();
  timer.due_ = due <= tick_ ? tick_ + 1 : due;
  place(timer);
}

void TimerWheel::place(Timer& timer) {
  GATEHOUSE_ASSERT(!timer.waiting() && timer.due_ >= tick_);
  const auto due = static_cast<std::uint64_t>(timer.due_);
  const auto now = static_cast<std::uint64_t>(tick_);
  int level = 0;
  // The lowest level whose window holds both now and the due time.
  while (level < kLevels && (due >> (kBits * (level + 1))) != (now >> (kBits * (level + 1)))) {
    ++level;
  }
  const std::size_t slot = (due >> (kBits * level)) & (kSlots - 1);
  const auto row = static_cast<std::size_t>(level);
  Head& head = level == kLevels ? beyond_ : wheel_[row][slot];
  if (level < kLevels) maybe_used_[row][slot / 64] |= std::uint64_t{1} << (slot % 64);
  timer.previous_ = head.previous_;
  timer.next_ = &head;
  head.previous_->next_ = &timer;
  head.previous_ = &timer;
}

void TimerWheel::fire_list(Head& list) {
  while (!list.empty()) {
    Timer* timer = list.next_;
    GATEHOUSE_ASSERT(timer->due_ == tick_);
    timer->cancel();
    timer->fire();
  }
}

// Moves a list to where its timers belong now, which may be the same list; keeps their order.
void TimerWheel::spread(Head& head) {
  if (head.empty()) return;
  Head moved;
  moved.next_ = head.next_;
  moved.previous_ = head.previous_;
  GATEHOUSE_ASSERT(moved.next_->previous_ == &head && moved.previous_->next_ == &head);
  moved.next_->previous_ = &moved;
  moved.previous_->next_ = &moved;
  head.clear();
  while (!moved.empty()) {
    Timer* timer = moved.next_;
    timer->cancel();
    place(*timer);
  }
}

void TimerWheel::step() {
  ++tick_;
  const auto now = static_cast<std::uint64_t>(tick_);
  // Entering a new window of a level: spread that level's slot over the levels below.
  for (int level = 1; level <= kLevels; ++level) {
    if ((now & ((std::uint64_t{1} << (kBits * level)) - 1)) != 0) break;
    const std::size_t slot = (now >> (kBits * level)) & (kSlots - 1);
    spread(level == kLevels ? beyond_ : wheel_[static_cast<std::size_t>(level)][slot]);
  }
  fire_list(wheel_[0][now & (kSlots - 1)]);
}

void TimerWheel::advance(MonotonicMs now) {
  while (tick_ < now) {
    const std::int64_t idle = next_in_ms(tick_);
    if (idle < 0 || tick_ + idle > now) {
      // Nothing to fire or to spread on the way.
      tick_ = now;
      return;
    }
    GATEHOUSE_ASSERT(idle > 0);
    tick_ += idle - 1;
    step();
  }
}

std::size_t TimerWheel::next_used(std::size_t level, std::size_t slot) const {
  for (std::size_t word = slot / 64; word < kSlots / 64; ++word) {
    std::uint64_t& bits = maybe_used_[level][word];
    std::uint64_t rest = word == slot / 64 ? bits & (~std::uint64_t{0} << (slot % 64)) : bits;
    for (; rest != 0; rest &= rest - 1) {
      const auto bit = static_cast<std::size_t>(std::countr_zero(rest));
      if (!wheel_[level][word * 64 + bit].empty()) return word * 64 + bit;
      bits &= ~(std::uint64_t{1} << bit);
    }
  }
  return kSlots;
}

std::int64_t TimerWheel::next_in_ms(MonotonicMs now) const {
  const auto from = static_cast<std::uint64_t>(tick_);
  for (std::size_t level = 0; level < kLevels; ++level) {
    const std::uint64_t base = from >> (kBits * level);
    const std::size_t index = base & (kSlots - 1);
    if (index + 1 == kSlots) continue;
    const std::size_t used = next_used(level, index + 1);
    if (used == kSlots) continue;
    const auto at = static_cast<std::int64_t>((base - index + used) << (kBits * level));
    GATEHOUSE_ASSERT(at > tick_);
    return at > now ? at - now : 0;
  }
  if (beyond_.empty()) return -1;
  const auto at = static_cast<std::int64_t>(((from >> (kBits * kLevels)) + 1) << (kBits * kLevels));
  GATEHOUSE_ASSERT(at > tick_);
  return at > now ? at - now : 0;
}

}  // namespace gatehouse::actor
