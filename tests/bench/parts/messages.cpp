// Messages between two services, on one worker and across two, without Lua and sockets.
#include <benchmark/benchmark.h>

#include <memory>
#include <semaphore>
#include <utility>

#include "actor/system.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"
#include "test_world.hpp"

namespace gatehouse::actor {
namespace {

constexpr std::uint32_t kMessages = 10'000;  // of one measurement
constexpr std::uint32_t kBatch = 64;         // sent in one handler
constexpr std::size_t kPayloadBytes = 64;

// A stream fills a mailbox on purpose; the warnings would be part of the measurement.
[[maybe_unused]] const bool kQuiet =
    log::start({.level = log::Level::kError, .format = log::Format::kText, .file = {}}).has_value();

MessagePtr numbered_message(ServiceId from, ServiceId to, std::uint32_t number) {
  MessagePtr message = make_message(kPayloadBytes);
  message->size = kPayloadBytes;
  message->source = from;
  message->destination = to;
  store_le32(message->data(), number);
  return message;
}

// Answers a message with one that has the number below; at 0 it says that this is done.
class Bouncer final : public Service {
 public:
  explicit Bouncer(std::binary_semaphore& done) : done_(done) {}

 protected:
  void on_message(MessagePtr message) override {
    const std::uint32_t number = load_le32(message->data());
    if (number == 0) {
      done_.release();
      return;
    }
    worker().system().send(numbered_message(id(), message->source, number - 1));
  }

 private:
  std::binary_semaphore& done_;
};

// Told to (by a message from nobody), sends kMessages to the sink, a batch in each handler.
class Source final : public Service {
 public:
  explicit Source(ServiceId sink) : sink_(sink) {}

 protected:
  void on_message(MessagePtr message) override {
    std::uint32_t number = load_le32(message->data());
    for (std::uint32_t i = 0; i < kBatch && number > 0; ++i) {
      worker().system().send(numbered_message(id(), sink_, --number));
    }
    if (number > 0) worker().system().send(numbered_message(id(), id(), number));
  }

 private:
  ServiceId sink_;
};

class Sink final : public Service {
 public:
  explicit Sink(std::binary_semaphore& done) : done_(done) {}

 protected:
  void on_message(MessagePtr message) override {
    if (load_le32(message->data()) == 0) done_.release();
  }

 private:
  std::binary_semaphore& done_;
};

// Two workers; the second service lives on `other`.
class Pair {
 public:
  Pair() {
    system_.start([](Worker&) { return make_condvar_loop(); });
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() { system_.stop(); }

  template <class T, class... Arguments>
  ServiceId spawn(std::uint16_t worker, Arguments... arguments) {
    return system_
        .spawn([arguments...]() mutable { return std::make_unique<T>(arguments...); }, worker)
        .value();
  }
  // A service that releases `done` when it is.
  template <class T>
  ServiceId spawn_counting(std::uint16_t worker) {
    return system_.spawn([done = &done_] { return std::make_unique<T>(*done); }, worker).value();
  }
  // Sends the message that begins a measurement and waits for its end.
  void run(ServiceId from, ServiceId to) {
    system_.send(numbered_message(from, to, kMessages));
    done_.acquire();
  }

 private:
  MetricSet metrics_;
  System system_{test_world(), {.workers = 2, .limits = {}}, metrics_};
  std::binary_semaphore done_{0};
};

void message_bounce(benchmark::State& state, std::uint16_t worker) {
  Pair pair;
  const ServiceId a = pair.spawn_counting<Bouncer>(0);
  const ServiceId b = pair.spawn_counting<Bouncer>(worker);
  for (auto _ : state) pair.run(a, b);
  state.SetItemsProcessed(state.iterations() * kMessages);
}
BENCHMARK_CAPTURE(message_bounce, same_worker, 0)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(message_bounce, other_worker, 1)->UseRealTime()->Unit(benchmark::kMillisecond);

void message_stream(benchmark::State& state, std::uint16_t worker) {
  Pair pair;
  const ServiceId sink = pair.spawn_counting<Sink>(worker);
  const ServiceId source = pair.spawn<Source>(0, sink);
  for (auto _ : state) pair.run({}, source);
  state.SetItemsProcessed(state.iterations() * kMessages);
}
BENCHMARK_CAPTURE(message_stream, same_worker, 0)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(message_stream, other_worker, 1)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace gatehouse::actor
