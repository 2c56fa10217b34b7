// The runtime of one process: workers and their threads, addresses, names, entities, the
// environment of scripts, and the endless-loop monitor.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "actor/entity_manager.hpp"
#include "actor/registry.hpp"
#include "actor/worker.hpp"
#include "base/limits.hpp"
#include "base/metrics.hpp"
#include "base/world.hpp"

namespace gatehouse::actor {

struct SystemOptions {
  std::uint16_t workers = 1;
  Limits limits;
};

class System {
 public:
  System(const World& world, const SystemOptions& options, MetricSet& metrics);
  ~System();
  System(const System&) = delete;
  System& operator=(const System&) = delete;

  using LoopFactory = UniqueFunction<std::unique_ptr<Loop>(Worker&)>;
  // Starts a runner a worker and the monitor. Loops are made by `factory` on the caller's
  // thread, before any runs.
  void start(LoopFactory factory);
  // Starts one more worker for heavy services (exclusive). After start().
  [[nodiscard]] Result<std::uint16_t> add_exclusive_worker();
  // Stops the workers, ends all services, joins. Not from a worker's thread. Twice is once.
  void stop();
  // Asks the workers to stop; false when some have not until `until`: a script keeps them, and
  // stop() would wait for it.
  [[nodiscard]] bool stop_until(MonotonicMs until);
  // From now on no handler has longer than this before it is broken. Any thread.
  void hurry(std::uint32_t break_ms) { hurry_ms_.store(break_ms); }

  struct StuckWorker {
    std::uint16_t worker = 0;
    ServiceId service;
    MonotonicMs since = 0;
  };
  // The workers that are stuck now. Any thread.
  [[nodiscard]] std::vector<StuckWorker> stuck_workers();

  // Sends from any thread. kUnknown: no such service; kFull: its mailbox has no room. The
  // message is consumed in every case.
  SendResult send(MessagePtr message);
  // Tells a request's sender that no answer will come (PTYPE_ERROR, docs/skynet-rules.md 2.2).
  // No-op for others.
  void reply_error(const Message& request);
  void send_error(ServiceId to, ServiceId from, std::int32_t session);

  // Reserves an address on a worker and has `make` build the service there. Any thread. A
  // worker of kAnyWorker takes the next one in turn.
  static constexpr std::uint16_t kAnyWorker = UINT16_MAX;
  [[nodiscard]] Result<ServiceId> spawn(UniqueFunction<std::unique_ptr<Service>()> make,
                                        std::uint16_t worker = kAnyWorker);
  // Ends a service from any thread.
  void kill(ServiceId id);
  // The next worker in turn that is not stuck, while there is one.
  [[nodiscard]] std::uint16_t next_worker();
  // Called on the monitor's thread when a worker is found stuck, and when it has gone on. Before
  // start().
  using StuckHandler = UniqueFunction<void(std::uint16_t worker, bool stuck)>;
  void on_stuck(StuckHandler handler) { stuck_handlers_.push_back(std::move(handler)); }

  [[nodiscard]] const World& world() const { return world_; }
  [[nodiscard]] Worker& worker(std::uint16_t index) { return *workers_[index]; }
  // Workers that services are spread over; exclusive ones come after them.
  [[nodiscard]] std::uint16_t worker_count() const { return options_.workers; }
  [[nodiscard]] Registry& registry() { return registry_; }
  [[nodiscard]] EntityManager& entities() { return entities_; }
  [[nodiscard]] MetricSet& metrics() { return metrics_; }
  [[nodiscard]] const Limits& limits() const { return options_.limits; }

  // Centiseconds since the system was made (skynet.now).
  [[nodiscard]] std::int64_t now_cs() const;
  [[nodiscard]] std::int64_t start_time_s() const { return start_time_s_; }

  // Process-wide strings (skynet.getenv); setting a key twice fails with kExists.
  [[nodiscard]] std::optional<std::string> env(std::string_view key) const;
  [[nodiscard]] Result<> set_env(std::string_view key, std::string_view value);
  // Blocks until a key is set, or the time is over: nothing. Not on a worker's thread.
  [[nodiscard]] std::optional<std::string> wait_env(std::string_view key,
                                                    std::chrono::milliseconds timeout) const;

  // Services that want to know of every death get a message with the dead one as source and
  // session 0 of type kError (docs/skynet-rules.md 2.3). Called by Worker::retire.
  void announce_exit(ServiceId id);
  void watch_exits(ServiceId watcher);

  // Interrupts the handler that this service runs now (Worker::interrupt). False: it runs none.
  bool interrupt(ServiceId id);

  // Whether workers measure how long the handlers of each service run (skynet.stat "cpu"):
  // two readings of the clock a message.
  void profile(bool on) { profiles_.store(on, std::memory_order_relaxed); }
  [[nodiscard]] bool profiles() const { return profiles_.load(std::memory_order_relaxed); }

  // True once the monitor saw the service in an endless loop; reading clears it
  // (docs/skynet-rules.md 2.15).
  [[nodiscard]] bool take_endless(ServiceId id);

  // Called when a service asks for the end of the process with an exit code, and when the last one
  // has ended (skynet.abort, docs/skynet-rules.md 2.15). Any thread; the first one counts.
  void request_abort(int exit_code = 0);
  // For tests.
  [[nodiscard]] bool abort_requested() const { return abort_.load(); }
  // Called once, by the thread that asks; at once if somebody has asked already, so that no request
  // is missed whenever it is set. Once.
  void on_abort(UniqueFunction<void(int exit_code)> function);

 private:
  struct Watched;
  void monitor_main();
  void watch_worker(std::uint16_t index, Watched& watched, MonotonicMs now);
  void set_stuck(std::uint16_t index, MonotonicMs since, ServiceId service);
  void start_worker(std::uint16_t index);

  const World& world_;
  const SystemOptions options_;
  MetricSet& metrics_;
  Metric& unknown_destination_;
  Metric& mailbox_full_;
  Metric& endless_loops_;
  Metric& workers_stuck_;
  std::vector<StuckHandler> stuck_handlers_;
  Registry registry_;
  EntityManager entities_;
  const std::int64_t start_ns_;
  const std::int64_t start_time_s_;

  std::mutex workers_mutex_;  // starting and stopping
  std::array<std::unique_ptr<Worker>, kWorkersMax> workers_;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::uint16_t workers_started_ = 0;
  LoopFactory loop_factory_;
  bool running_ = false;
  std::atomic<std::uint32_t> next_worker_{0};

  std::unique_ptr<Thread> monitor_;
  std::mutex monitor_mutex_;
  std::condition_variable monitor_wake_;
  bool monitor_stop_ = false;
  std::unordered_map<std::uint32_t, bool> endless_;

  mutable std::mutex env_mutex_;
  mutable std::condition_variable env_changed_;
  std::unordered_map<std::string, std::string> env_;
  std::atomic<std::uint32_t> exit_watcher_{0};
  std::atomic<bool> abort_{false};
  std::atomic<bool> profiles_{false};
  std::atomic<std::uint32_t> hurry_ms_{0};
  std::mutex abort_mutex_;
  std::optional<int> abort_code_;  // under abort_mutex_, as is
  UniqueFunction<void(int)> abort_function_;
};

// A loop without sockets: sleeps on a condition variable. For tests and benchmarks of the
// layers below net.
[[nodiscard]] std::unique_ptr<Loop> make_condvar_loop();

}  // namespace gatehouse::actor
