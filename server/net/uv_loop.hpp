// The libuv loop of one worker: drives its turns, polls its sockets.
//
// Order of things: a turn (inbox, timers, services), the flush of all transports with output,
// then one poll, which blocks only when no work waits. Input handled by the poll is answered by
// the turn right after it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "actor/worker.hpp"
#include "base/metrics.hpp"
#include "net/transport_set.hpp"

struct uv_loop_s;
struct uv_req_s;

namespace gatehouse::net {

// Counts since the loop started. Owner thread.
struct LoopStats {
  std::uint64_t turns = 0;
  std::uint64_t polls = 0;   // looks at the sockets
  std::uint64_t sleeps = 0;  // polls that were allowed to block
  std::uint64_t reads = 0;   // reads that brought bytes
  std::uint64_t writes = 0;  // write calls to the kernel that took bytes or had to wait
};

class UvLoop final : public actor::Loop {
 public:
  static constexpr std::size_t kReadBufferBytes = 65'536;

  UvLoop(actor::Worker& worker, MetricSet& metrics);
  ~UvLoop() override;
  UvLoop(const UvLoop&) = delete;
  UvLoop& operator=(const UvLoop&) = delete;

  // Loop. At the end every transport is closed with kShutdown, after one last try to send.
  void run(actor::Worker& worker) override;
  void wake() override;

  [[nodiscard]] actor::Worker& worker() const { return worker_; }
  [[nodiscard]] MetricSet& metrics() const { return metrics_; }
  [[nodiscard]] TransportSet& transports() { return transports_; }

  // --- Owner thread ---
  // For tests.
  [[nodiscard]] const LoopStats& stats() const { return stats_; }
  // True once run() is over: nothing can be opened any more.
  [[nodiscard]] bool ending() const { return transports_.ending(); }

  // --- For this layer's handles, owner thread ---
  [[nodiscard]] uv_loop_s* uv();
  [[nodiscard]] LoopStats& mutable_stats() { return stats_; }
  // Call first in every callback of libuv that runs code of other layers: the worker's clock
  // stood still while the loop slept.
  void enter() {
    if (!entered_) {
      entered_ = true;
      worker_.awake();
    }
  }
  [[nodiscard]] char* read_buffer();
  // Requests to cancel when the loop ends.
  void add_request(uv_req_s* request) { requests_.push_back(request); }
  void remove_request(uv_req_s* request);

 private:
  struct Uv;
  void poll(bool block);
  void arm_timer();
  void sleep();
  // Waits a moment for another worker's message; true when one came.
  bool spin();
  void finish();

  actor::Worker& worker_;
  MetricSet& metrics_;
  std::unique_ptr<Uv> uv_;
  bool entered_ = false;
  bool finished_ = false;
  LoopStats stats_;

  TransportSet transports_;
  std::vector<uv_req_s*> requests_;

  const int wake_descriptor_;  // an eventfd; closed by the destructor, when nobody can wake us
  int sleeps_per_probe_;
  const bool may_spin_;     // each worker has a core
  unsigned spins_ = 0;      // that a message ended
  int spin_credit_ = 0;     // waits in vain until spinning ends
  int slept_for_mail_ = 0;  // sleeps since the last spin that a message ended
};

}  // namespace gatehouse::net
