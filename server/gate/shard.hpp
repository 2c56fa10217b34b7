// The part of a gate on one worker: takes its connections in, knows its sessions, counts. Touched
// by that worker's thread only.
#pragma once

#include <cstdint>
#include <string>

#include "actor/worker.hpp"
#include "base/clock.hpp"
#include "gate/close_log.hpp"
#include "gate/core.hpp"
#include "gate/ending.hpp"
#include "gate/place_counter.hpp"
#include "net/socket.hpp"
#include "net/uv_loop.hpp"

namespace gatehouse::gate {

class Session;

// A connection in its handshake, between two workers.
struct HandOver {
  std::shared_ptr<GateCore> core;  // outlives the places
  Place place;
  Place unauthenticated_place;
  net::Socket socket;
  std::string frames;  // read, but not yet served: the handshake and what came after it
  MonotonicMs deadline = 0;
};

class Shard final : private actor::TurnEndHook {
 public:
  Shard(GateCore& core, actor::Worker& worker, net::UvLoop& loop);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  [[nodiscard]] GateCore& core() const { return core_; }
  [[nodiscard]] const GateOptions& options() const { return core_.options; }
  [[nodiscard]] actor::Worker& worker() const { return worker_; }
  [[nodiscard]] net::UvLoop& loop() const { return loop_; }

  // Takes a connection from the listener.
  void accept(net::Socket socket);
  // Takes a connection from the worker that read its handshake.
  void take_over(HandOver hand_over);
  void drain();

  void add(Session& session);
  void remove(Session& session);

  void count_request() { ++requests_; }
  void count_response() { ++responses_; }
  void count_push() { ++pushes_; }
  // Counts and logs the end of a connection, once for each.
  void note_closed(Ending ending, const net::Address& peer);

 private:
  void on_turn_end() override;

  GateCore& core_;
  actor::Worker& worker_;
  net::UvLoop& loop_;
  Session* sessions_ = nullptr;  // head of the list
  // Since the last turn: the metrics are shared with other threads.
  std::uint32_t requests_ = 0;
  std::uint32_t responses_ = 0;
  std::uint32_t pushes_ = 0;
  CloseLog close_log_;
};

}  // namespace gatehouse::gate
