// The libuv loop of one worker: drives its turns, polls its sockets, owns its streams.
//
// Order of things: a turn (inbox, timers, services), the flush of all streams that have output,
// then one poll, which blocks only when no work waits. Input handled by the poll is answered by
// the turn right after it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "actor/worker.hpp"
#include "base/ids.hpp"
#include "base/metrics.hpp"
#include "net/stream.hpp"

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

class UvLoop final : public actor::Loop, private actor::TurnEndHook {
 public:
  static constexpr std::size_t kReadBufferBytes = 65'536;

  UvLoop(actor::Worker& worker, MetricSet& metrics);
  ~UvLoop() override;
  UvLoop(const UvLoop&) = delete;
  UvLoop& operator=(const UvLoop&) = delete;

  // The loop of this thread's worker, an ending one included, or nullptr.
  [[nodiscard]] static UvLoop* current();

  // Loop. At the end every stream is closed with kShutdown, after one last try to send.
  void run(actor::Worker& worker) override;
  void wake() override;

  [[nodiscard]] actor::Worker& worker() const { return worker_; }
  [[nodiscard]] MetricSet& metrics() const { return metrics_; }

  // --- Owner thread ---
  // The stream, or nullptr when it is gone.
  [[nodiscard]] Stream* find(ConnectionId id) const;
  [[nodiscard]] std::size_t stream_count() const { return stream_count_; }
  [[nodiscard]] const LoopStats& stats() const { return stats_; }
  // True once run() is over: nothing can be opened any more.
  [[nodiscard]] bool ending() const { return ending_; }

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
  // Owns the stream from now on and gives it its id.
  void adopt(std::unique_ptr<Stream> stream);
  // Frees it; in libuv's close callback only.
  void destroy(Stream& stream);
  void mark_dirty(Stream& stream);
  void count_closed(CloseReason reason);
  [[nodiscard]] std::unique_ptr<std::string> take_buffer();
  void give_back(std::unique_ptr<std::string> buffer);
  // Where output to an ending stream goes.
  [[nodiscard]] std::string& scratch();
  [[nodiscard]] char* read_buffer();
  // Requests to cancel when the loop ends.
  void add_request(uv_req_s* request) { requests_.push_back(request); }
  void remove_request(uv_req_s* request);

 private:
  struct Uv;
  struct Slot {
    std::unique_ptr<Stream> stream;
    std::uint32_t generation = 1;
    std::uint32_t next_free = 0;
  };
  static constexpr std::uint32_t kNoSlot = UINT32_MAX;

  void on_turn_end() override;
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
  bool ending_ = false;
  bool finished_ = false;
  LoopStats stats_;

  std::vector<Slot> slots_;
  std::uint32_t free_slot_ = kNoSlot;
  std::size_t stream_count_ = 0;
  std::vector<Stream*> dirty_;  // entries of freed streams are null
  std::vector<uv_req_s*> requests_;
  std::vector<std::unique_ptr<std::string>> buffers_;
  std::size_t buffers_bytes_ = 0;
  std::string scratch_;
  std::vector<Metric*> closed_;  // by CloseReason

  const int wake_descriptor_;  // an eventfd; closed by the destructor, when nobody can wake us
  int sleeps_per_probe_;
  const bool may_spin_;     // each worker has a core
  unsigned spins_ = 0;      // that a message ended
  int spin_credit_ = 0;     // waits in vain until spinning ends
  int slept_for_mail_ = 0;  // sleeps since the last spin that a message ended
};

}  // namespace gatehouse::net
