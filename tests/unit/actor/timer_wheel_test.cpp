// The timing wheel against a sorted map.
#include "actor/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace gatehouse::actor {
namespace {

class TestTimer final : public Timer {
 public:
  explicit TestTimer(std::function<void()> on_fire) : on_fire_(std::move(on_fire)) {}
  void fire() override { on_fire_(); }

 private:
  std::function<void()> on_fire_;
};

// Timers by number: what waits, by due time and then by order of adding, is what must fire.
class WheelModel {
 public:
  WheelModel(std::uint32_t seed, int timers, MonotonicMs start)
      : random_(seed), wheel_(start), now_(start) {
    for (int i = 0; i < timers; ++i) {
      timers_.push_back(std::make_unique<TestTimer>([this, i] { on_fire(i); }));
    }
    keys_.resize(timers_.size());
  }

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
      const std::uint32_t choice = below(10);
      if (choice < 6) {
        add(pick());
      } else if (choice < 8) {
        cancel(pick());
      } else {
        advance(span());
      }
      check_next();
    }
    while (!waiting_.empty() && !testing::Test::HasFailure()) {
      advance(wheel_.next_in_ms(now_));
      check_next();
    }
    EXPECT_EQ(wheel_.next_in_ms(now_), -1);
    EXPECT_GT(fired_, 0);
  }

 private:
  using Key = std::pair<MonotonicMs, std::uint64_t>;

  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }
  std::size_t pick() { return below(static_cast<std::uint32_t>(timers_.size())); }
  // Spans of all levels, many of them at the borders of windows.
  MonotonicMs span() {
    const MonotonicMs unit = MonotonicMs{1} << (8 * below(4));
    const MonotonicMs wide = unit * below(300);
    return below(2) == 0 ? wide : wide + below(3) - 1;
  }

  void add(std::size_t i) {
    const MonotonicMs due = now_ + span();
    cancel_in_model(i);
    keys_[i] = {std::max(due, floor_ + 1), ++order_};
    waiting_[keys_[i]] = i;
    wheel_.add(*timers_[i], due);
    EXPECT_TRUE(timers_[i]->waiting());
  }
  void cancel(std::size_t i) {
    cancel_in_model(i);
    timers_[i]->cancel();
    EXPECT_FALSE(timers_[i]->waiting());
  }
  void cancel_in_model(std::size_t i) {
    EXPECT_EQ(waiting_.erase(keys_[i]), timers_[i]->waiting() ? 1u : 0u);
  }

  void on_fire(int number) {
    const auto i = static_cast<std::size_t>(number);
    ++fired_;
    ASSERT_FALSE(waiting_.empty());
    const auto [key, expected] = *waiting_.begin();
    EXPECT_EQ(i, expected) << "due " << keys_[i].first << ", expected " << key.first;
    EXPECT_LE(key.first, now_);
    floor_ = key.first;
    waiting_.erase(keys_[i]);
    const std::uint32_t choice = below(8);
    if (choice == 0) add(i);
    if (choice == 1) add(pick());
    if (choice == 2) cancel(pick());
  }

  void advance(MonotonicMs by) {
    now_ += std::max<MonotonicMs>(by, 0);
    wheel_.advance(now_);
    floor_ = now_;
    EXPECT_TRUE(waiting_.empty() || waiting_.begin()->first.first > now_);
  }
  // The wheel may wake early, to spread a slot, but never late.
  void check_next() {
    const std::int64_t next = wheel_.next_in_ms(now_);
    if (waiting_.empty()) {
      EXPECT_EQ(next, -1);
    } else {
      EXPECT_GT(next, 0);
      EXPECT_LE(next, waiting_.begin()->first.first - now_);
    }
  }

  std::mt19937 random_;
  TimerWheel wheel_;
  MonotonicMs now_;
  MonotonicMs floor_ = now_;  // the tick the wheel has reached, also while it fires
  std::vector<std::unique_ptr<TestTimer>> timers_;
  std::vector<Key> keys_;
  std::map<Key, std::size_t> waiting_;
  std::uint64_t order_ = 0;
  int fired_ = 0;
};

TEST(TimerWheel, AgreesWithAModel) {
  for (std::uint32_t seed = 1; seed <= 60 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    WheelModel(seed, 50, 1000 + seed * 7919).run(1500);
  }
}

TEST(TimerWheel, AgreesWithAModelAroundWindowBorders) {
  for (const MonotonicMs border : {256LL, 65'536LL, 16'777'216LL, 4'294'967'296LL}) {
    for (MonotonicMs start = border - 2; start <= border + 1 && !HasFailure(); ++start) {
      SCOPED_TRACE("start " + std::to_string(start));
      WheelModel(static_cast<std::uint32_t>(start), 20, start).run(500);
    }
  }
}

TEST(TimerWheel, SameMillisecondFiresInOrderOfAdding) {
  TimerWheel wheel(0);
  std::vector<int> fired;
  std::vector<std::unique_ptr<TestTimer>> timers;
  // Added from far and from near, so that they start on every level of the wheel.
  const MonotonicMs due = 20'000'000;
  for (const MonotonicMs now : {0LL, 10LL, 17'000'000LL, 19'990'000LL, 19'999'999LL}) {
    wheel.advance(now);
    for (int i = 0; i < 3; ++i) {
      const int number = static_cast<int>(timers.size());
      timers.push_back(std::make_unique<TestTimer>([&fired, number] { fired.push_back(number); }));
      wheel.add(*timers.back(), due);
    }
  }
  wheel.advance(due - 1);
  EXPECT_TRUE(fired.empty());
  wheel.advance(due);
  EXPECT_EQ(fired, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}));
}

TEST(TimerWheel, DueInThePastFiresAtTheNextAdvance) {
  TimerWheel wheel(1000);
  int fired = 0;
  TestTimer timer([&fired] { ++fired; });
  wheel.add(timer, 5);
  wheel.advance(1000);
  EXPECT_EQ(fired, 0);
  wheel.advance(1001);
  EXPECT_EQ(fired, 1);
  EXPECT_FALSE(timer.waiting());
}

TEST(TimerWheel, FurtherThanTheWheelReaches) {
  TimerWheel wheel(12'345);
  int fired = 0;
  TestTimer timer([&fired] { ++fired; });
  const MonotonicMs due = 12'345 + 3 * (std::int64_t{1} << 32);
  wheel.add(timer, due);
  MonotonicMs now = 12'345;
  for (int wakes = 0; now < due - 1; ++wakes) {
    ASSERT_LT(wakes, 100);
    const std::int64_t next = wheel.next_in_ms(now);
    ASSERT_GT(next, 0);
    now = std::min(now + next, due - 1);
    wheel.advance(now);
    ASSERT_EQ(fired, 0);
  }
  wheel.advance(due);
  EXPECT_EQ(fired, 1);
}

TEST(TimerWheel, AddAgainInFire) {
  TimerWheel wheel(0);
  std::vector<MonotonicMs> fired;
  MonotonicMs due = 10;
  std::unique_ptr<TestTimer> timer;
  timer = std::make_unique<TestTimer>([&] {
    EXPECT_FALSE(timer->waiting());
    fired.push_back(due);
    due += 10;
    wheel.add(*timer, due);
  });
  wheel.add(*timer, due);
  wheel.advance(45);
  EXPECT_EQ(fired, (std::vector<MonotonicMs>{10, 20, 30, 40}));
  EXPECT_EQ(wheel.next_in_ms(45), 5);
}

TEST(TimerWheel, FireMayCancelAndDestroyWhatIsDueWithIt) {
  TimerWheel wheel(0);
  std::vector<int> fired;
  TestTimer cancelled([&fired] { fired.push_back(2); });
  auto destroyed = std::make_unique<TestTimer>([&fired] { fired.push_back(3); });
  TestTimer last([&fired] { fired.push_back(4); });
  TestTimer first([&] {
    fired.push_back(1);
    cancelled.cancel();
    destroyed.reset();
  });
  for (Timer* timer : {static_cast<Timer*>(&first), static_cast<Timer*>(&cancelled),
                       static_cast<Timer*>(destroyed.get()), static_cast<Timer*>(&last)}) {
    wheel.add(*timer, 5);
  }
  wheel.advance(10);
  EXPECT_EQ(fired, (std::vector<int>{1, 4}));
}

TEST(TimerWheel, FireMayDestroyItself) {
  TimerWheel wheel(0);
  int fired = 0;
  std::unique_ptr<TestTimer> timer;
  timer = std::make_unique<TestTimer>([&] {
    ++fired;
    auto mine = std::move(timer);
    // The function object dies with the timer; nothing of it is used after that.
  });
  wheel.add(*timer, 300);
  wheel.advance(300);
  EXPECT_EQ(fired, 1);
  EXPECT_EQ(timer, nullptr);
  EXPECT_EQ(wheel.next_in_ms(300), -1);
}

TEST(TimerWheel, DestroyingAWaitingTimerCancelsIt) {
  TimerWheel wheel(0);
  {
    TestTimer timer([] { FAIL(); });
    wheel.add(timer, 70'000);
  }
  EXPECT_EQ(wheel.next_in_ms(0), -1);
  wheel.advance(100'000);
}

TEST(TimerWheel, TimersOutliveTheWheel) {
  TestTimer timer([] { FAIL(); });
  {
    TimerWheel wheel(0);
    wheel.add(timer, 70'000);
  }
  EXPECT_FALSE(timer.waiting());
  timer.cancel();
}

}  // namespace
}  // namespace gatehouse::actor
