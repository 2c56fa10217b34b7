// The loops of all workers. Build it after the System, and start the System with its factory:
//   actor::System system(options, metrics);
//   net::Network network(system);
//   system.start(network.loop_factory());
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include "actor/system.hpp"
#include "net/uv_loop.hpp"

namespace gatehouse::net {

class Listener;

class Network {
 public:
  // Ignores SIGPIPE for the process: a write to a closed connection is an error, not a death.
  explicit Network(actor::System& system);
  // Stops the System, which owns the loops. Not from a worker's thread.
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  [[nodiscard]] actor::System::LoopFactory loop_factory();
  [[nodiscard]] actor::System& system() const { return system_; }
  // The loop of a started worker; valid until System::stop(). Any thread.
  [[nodiscard]] UvLoop& loop(std::uint16_t worker) const;
  // Workers that listeners are spread over, the exclusive ones left out.
  [[nodiscard]] std::uint16_t worker_count() const { return system_.worker_count(); }
  // Held shared to accept, and alone to refuse for want of descriptors: a worker that gives up
  // its reserve descriptor for a moment must not lose it to another worker's accept.
  [[nodiscard]] std::shared_mutex& accept_mutex() { return accept_mutex_; }

  // Listeners are told which workers are stuck, from add to remove. Any thread.
  void add_listener(Listener& listener);
  void remove_listener(Listener& listener);

 private:
  actor::System& system_;
  std::shared_mutex accept_mutex_;
  std::mutex listeners_mutex_;
  std::vector<Listener*> listeners_;
  std::array<std::atomic<UvLoop*>, actor::kWorkersMax> loops_{};
};

}  // namespace gatehouse::net
