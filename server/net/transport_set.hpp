// The transports of one worker: owns those that are attached, names them by slot and generation,
// flushes at the end of each turn what was written in it, and pools their output. It needs no
// event loop of a particular kind: whatever steps the worker drives it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "actor/worker.hpp"
#include "base/ids.hpp"
#include "base/metrics.hpp"
#include "net/transport.hpp"

namespace gatehouse::net {

class UvLoop;

class TransportSet final : private actor::TurnEndHook {
 public:
  // Both outlive it; before the worker runs. `uv` is the loop of libuv below, or nullptr where
  // there is none, and no sockets either.
  TransportSet(actor::Worker& worker, MetricSet& metrics, UvLoop* uv = nullptr);
  // After end(), or without any transport. When the worker does not run.
  ~TransportSet() override;
  TransportSet(const TransportSet&) = delete;
  TransportSet& operator=(const TransportSet&) = delete;

  [[nodiscard]] actor::Worker& worker() const { return worker_; }

  // --- Worker's thread ---
  // Takes a detached transport in and begins to read. The handler must live until on_closed().
  // kClosed: the set is ending; kIo: the connection cannot be used. Either ends the connection.
  [[nodiscard]] Result<Transport*> attach(std::unique_ptr<Transport> transport,
                                          TransportHandler& handler);
  // The transport, or nullptr when it is gone.
  [[nodiscard]] Transport* find(ConnectionId id) const;
  [[nodiscard]] std::size_t count() const { return count_; }
  // True once end() was called: nothing can be attached any more.
  [[nodiscard]] bool ending() const { return ending_; }
  // Sends what can be sent and closes all with kShutdown. Sockets go when their loop has told
  // them; all others are gone after it.
  void end();

  // --- For transports and loops, worker's thread ---
  [[nodiscard]] UvLoop* uv() const { return uv_; }
  // Whether something was written since the turn's flush.
  [[nodiscard]] bool has_output() const { return !dirty_.empty(); }
  void mark_dirty(Transport& transport);
  void count_closed(CloseReason reason);
  [[nodiscard]] std::unique_ptr<std::string> take_buffer();
  void give_back(std::unique_ptr<std::string> buffer);
  // Where output to an ending transport goes.
  [[nodiscard]] std::string& scratch();
  // The transport is the caller's, detached.
  [[nodiscard]] std::unique_ptr<Transport> remove(Transport& transport);

  // --- Any thread, until end() ---
  // Has the transport's work() called, if it is there by then.
  void schedule(ConnectionId id);

 private:
  struct Slot {
    std::unique_ptr<Transport> transport;
    std::uint32_t generation = 1;
    std::uint32_t next_free = 0;
  };
  static constexpr std::uint32_t kNoSlot = UINT32_MAX;

  void on_turn_end() override;
  void adopt(std::unique_ptr<Transport> transport);

  actor::Worker& worker_;
  UvLoop* const uv_;
  bool ending_ = false;
  std::vector<Slot> slots_;
  std::uint32_t free_slot_ = kNoSlot;
  std::size_t count_ = 0;
  std::vector<Transport*> dirty_;  // entries of those that are gone are null
  std::vector<std::unique_ptr<std::string>> buffers_;
  std::size_t buffers_bytes_ = 0;
  std::string scratch_;
  std::vector<Metric*> closed_;  // by CloseReason
};

}  // namespace gatehouse::net
