// The part of a gate on one worker: takes its connections in, knows its sessions, counts. Touched
// by that worker's thread only.
#pragma once

#include <cstdint>
#include <memory>

#include "actor/timer_wheel.hpp"
#include "actor/worker.hpp"
#include "base/clock.hpp"
#include "edge/guest.hpp"
#include "gate/close_log.hpp"
#include "gate/connection_slots.hpp"
#include "gate/core.hpp"
#include "gate/ending.hpp"
#include "net/transport_set.hpp"
#include "protocol/sealed_frames.hpp"

namespace gatehouse::gate {

class Session;

// A connection in its handshake, between two workers.
struct HandOver {
  std::shared_ptr<GateCore> core;  // outlives the slots
  Slot slot;
  bool beyond = false;  // the slot is one of GateCore::reserve
  std::unique_ptr<HandshakeSlot> handshake_slot;
  // With all that was read and not served: the handshake and what came after it.
  std::unique_ptr<net::Transport> transport;
};

// Sessions of one shard, linked through themselves.
struct SessionList {
  Session* first = nullptr;
  Session* last = nullptr;

  void push_back(Session& session);
  void remove(Session& session);
};

class Shard final : private actor::TurnEndHook, private actor::Timer {
 public:
  Shard(GateCore& core, net::TransportSet& transports);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  [[nodiscard]] GateCore& core() const { return core_; }
  [[nodiscard]] const GateOptions& options() const { return core_.options; }
  [[nodiscard]] actor::Worker& worker() const { return worker_; }
  [[nodiscard]] net::TransportSet& transports() const { return transports_; }

  // Lets a connection in, which the entrance has, or refuses it without a word.
  [[nodiscard]] tl::expected<std::unique_ptr<edge::Guest>, std::string> admit(
      const net::Address& peer);
  // Takes a connection from the worker that read its handshake.
  void take_over(HandOver hand_over);
  void drain();
  // Ends those of whom more than kSlowBytes wait to be read.
  static constexpr std::size_t kSlowBytes = 65'536;
  void end_slow_readers();

  void add(Session& session);
  void remove(Session& session);
  // The session has a seat from now on; it is given up when its client has been away for
  // limits.gate_seat_keep_ms, or when it leaves.
  void take_seat(Session& session);
  void give_seat_up(Session& session);
  void begin_away(Session& session);
  void end_away(Session& session);

  // For the sealed connections of the worker; made for the first one.
  [[nodiscard]] protocol::Sealer& sealer();

  void count_request() { ++requests_; }
  void count_response() { ++responses_; }
  void count_push() { ++pushes_; }
  // Counts and logs the end of a connection, once for each: one that was taken in, or the address
  // of one that was not.
  void note_closed(Ending ending, const net::Transport& transport);
  void note_closed(Ending ending, const net::Address& peer);

 private:
  void on_turn_end() override;
  // The seat of who has been away the longest is due.
  void fire() override;

  GateCore& core_;
  net::TransportSet& transports_;
  actor::Worker& worker_;
  SessionList sessions_;
  SessionList away_;  // those with a seat and without a client, the longest first
  // Since the last turn: the metrics are shared with other threads.
  std::uint32_t requests_ = 0;
  std::uint32_t responses_ = 0;
  std::uint32_t pushes_ = 0;
  CloseLog close_log_;
  std::unique_ptr<protocol::Sealer> sealer_;
};

}  // namespace gatehouse::gate
