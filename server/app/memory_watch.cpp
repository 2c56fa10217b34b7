#include "app/memory_watch.hpp"

#include <utility>

#include "actor/timer_wheel.hpp"

namespace gatehouse::app {
namespace {

// Between two looks: where there is room, and where there is less than a quarter left.
constexpr MonotonicMs kEasyMs = 1'000;
constexpr MonotonicMs kNearMs = 100;
constexpr MonotonicMs kLateMs = 50;  // how much later than the first the other workers look

}  // namespace

class MemoryWatch::Clock final : public actor::Timer {
 public:
  Clock(MemoryWatch& watch, actor::Worker& worker) : watch_(watch), worker_(worker) {}
  void start() {
    worker_.post([this] { fire(); });
  }

 private:
  void fire() override {
    const MonotonicMs due = watch_.look(worker_.clock().monotonic_ns());
    worker_.timers().add(*this, due + (worker_.index() == 0 ? 0 : kLateMs));
  }

  MemoryWatch& watch_;
  actor::Worker& worker_;
};

MemoryWatch::MemoryWatch(Parts parts) : parts_(std::move(parts)) {
  for (std::uint16_t i = 0; i < parts_.system.worker_count(); ++i)
    clocks_.push_back(std::make_unique<Clock>(*this, parts_.system.worker(i)));
}

MemoryWatch::~MemoryWatch() = default;

void MemoryWatch::start() {
  for (const auto& clock : clocks_) clock->start();
}

MonotonicMs MemoryWatch::look(std::int64_t now_ns) {
  const MonotonicMs now = now_ns / kNsPerMs;
  MonotonicMs due = due_.load();
  if (now < due || !due_.compare_exchange_strong(due, now + kEasyMs)) return due_.load();
  const auto used = memory_.bytes();
  if (!used) return due_.load();  // unknown is not little: what was known last holds
  parts_.guard.set_memory(*used, now_ns);
  if (parts_.guard.memory() == edge::MemoryLevel::kCritical)
    for (gate::Gate* gate : parts_.gates) gate->end_slow_readers();
  const bool near = parts_.limit_bytes != 0 && *used > parts_.limit_bytes / 4 * 3;
  due_.store(now + (near ? kNearMs : kEasyMs));
  return due_.load();
}

}  // namespace gatehouse::app
