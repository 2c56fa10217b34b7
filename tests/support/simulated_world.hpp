// A World that one thread steps: a clock that stands still until it is moved, randomness from a
// seed, and runners that make a step in an order drawn from it. One seed is one run.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/world.hpp"

namespace gatehouse::test {

class SimulatedClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t monotonic_ns() const override { return ns_; }
  [[nodiscard]] WallMs wall_ms() const override { return kEpochMs + ns_ / kNsPerMs; }
  void advance_ms(MonotonicMs ms) { ns_ += ms * kNsPerMs; }

 private:
  static constexpr WallMs kEpochMs = 1'700'000'000'000;
  std::int64_t ns_ = 1'000 * kNsPerMs;
};

// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  void fill(char* out, std::size_t size) override {
    while (size > 0) {
      const std::uint64_t number = next();
      const std::size_t part = std::min(size, sizeof number);
      std::memcpy(out, &number, part);
      out += part;
      size -= part;
    }
  }
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return next() % bound; }

 private:
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  std::uint64_t state_;
};

class SteppingExecutor final : public Executor {
 public:
  // After work of the runner with this name: how many ms it rests, as one that waits for a disk or
  // another machine would.
  using Rest = std::function<std::uint32_t(const std::string& name)>;

  SteppingExecutor(const Clock& clock, SeededRandom& order) : clock_(clock), order_(order) {}
  ~SteppingExecutor() override { GATEHOUSE_ASSERT(count() == 0); }

  using Executor::start;
  [[nodiscard]] std::unique_ptr<Thread> start(ThreadOptions options,
                                              std::unique_ptr<Runner> runner) override {
    auto entry = std::make_shared<Entry>(Entry{std::move(options.name), std::move(runner)});
    entries_.push_back(entry);
    return std::make_unique<Joined>(std::move(entry));
  }
  void set_rest(Rest rest) { rest_ = std::move(rest); }

  // One step of somebody who has something to do; false: nobody has.
  bool step() {
    std::erase_if(entries_, [](const auto& entry) { return entry->runner == nullptr; });
    const std::size_t count = entries_.size();
    const std::size_t first = count == 0 ? 0 : order_.below(count);
    const MonotonicMs now = clock_.monotonic_ms();
    for (std::size_t i = 0; i < count; ++i) {
      const auto entry = entries_[(first + i) % count];
      if (entry->runner == nullptr || entry->rests_until > now) continue;
      if (entry->step() != Runner::Step::kWorked) continue;
      if (rest_) entry->rests_until = now + rest_(entry->name);
      return true;
    }
    return false;
  }
  // Milliseconds until somebody has rested; -1: nobody rests.
  [[nodiscard]] std::int64_t next_in_ms() const {
    const MonotonicMs now = clock_.monotonic_ms();
    std::int64_t next = -1;
    for (const auto& entry : entries_) {
      if (entry->runner == nullptr || entry->rests_until <= now) continue;
      if (next < 0 || entry->rests_until - now < next) next = entry->rests_until - now;
    }
    return next;
  }
  // Runners that have not ended.
  [[nodiscard]] std::size_t count() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        entries_, [](const auto& entry) { return entry->runner != nullptr; }));
  }

 private:
  struct Entry {
    std::string name;
    std::unique_ptr<Runner> runner;  // none: it has ended
    MonotonicMs rests_until = 0;

    Runner::Step step() {
      const Runner::Step done = runner->step();
      if (done == Runner::Step::kEnded) runner.reset();
      return done;
    }
  };
  class Joined final : public Thread {
   public:
    explicit Joined(std::shared_ptr<Entry> entry) : entry_(std::move(entry)) {}
    void join() override {
      while (entry_->runner != nullptr) {
        const Runner::Step done = entry_->step();
        // Nobody else runs meanwhile who could give it something to do.
        GATEHOUSE_ASSERT(done != Runner::Step::kIdle);
      }
    }

   private:
    const std::shared_ptr<Entry> entry_;
  };

  const Clock& clock_;
  SeededRandom& order_;
  Rest rest_;
  std::vector<std::shared_ptr<Entry>> entries_;
};

// All three. The order of steps is drawn from a stream of its own, so that it can be varied while
// what the program draws stays.
class SimulatedWorld {
 public:
  explicit SimulatedWorld(std::uint64_t seed) : random(seed), order(~seed) {}

  SimulatedClock clock;
  SeededRandom random;
  SeededRandom order;
  SteppingExecutor executor{clock, order};
  const World world{clock, random, executor};
};

}  // namespace gatehouse::test
