// One client at a gate (docs/protocol.md 3).
//
//   1  The first frame is the handshake, within limits.gate_handshake_timeout_ms,
//      limits.handshake_progress_ms and limits.gate_handshake_frame_bytes_max. Until it is good the
//      connection has a pass of the edge::Guard, which may take it away.
//      A connection beyond maxclient has limits.gate_reserve_timeout_ms, and comes in only if its
//      player has an older one, or somebody has left meanwhile.
//   2  The name's session lives on another worker: the transport goes there with the bytes that
//      were read, and starts again at 1 with what is left of its time.
//   3  Anything but 200 is answered and closes.
//   4  After 200 each frame is a request for the session, or a ping, answered here. One that the
//      session holds back waits with all that follow it: nothing is read meanwhile.
//      Where the handshake asked for it, both sides' frames are sealed from there on.
//   5  A client that ends its side still gets the answers that are due, within
//      limits.gate_half_closed_timeout_ms; its agent is told at once that it is away.
//
// Until the entrance knows what the client speaks it is a guest there. From enter() or take_over()
// on it belongs to its transport: it deletes itself when that told it the end or was handed over,
// and only there; its worker's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "actor/timer_wheel.hpp"
#include "base/clock.hpp"
#include "edge/guest.hpp"
#include "gate/connection_slots.hpp"
#include "gate/ending.hpp"
#include "gate/shard.hpp"
#include "net/transport.hpp"
#include "protocol/frame.hpp"
#include "protocol/gate_handshake.hpp"
#include "protocol/sealed_frames.hpp"

namespace gatehouse::gate {

class Session;

class Connection final : public edge::Guest, private net::TransportHandler, private actor::Timer {
 public:
  // One whose transport is still the entrance's.
  [[nodiscard]] static std::unique_ptr<edge::Guest> await(Shard& shard, HandOver hand_over);
  // One that another worker hands over.
  static void take_over(Shard& shard, HandOver hand_over);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // --- edge::Guest ---
  [[nodiscard]] MonotonicMs deadline() const override { return handshake_slot_->clock().due_ms; }
  void progressed(MonotonicMs now) override { handshake_slot_->clock().progressed(now); }
  [[nodiscard]] edge::Pass* pass() override { return &handshake_slot_->pass(); }
  void enter(net::Transport& transport, std::string_view bytes) override;
  void gone(const net::Address& peer, net::CloseReason reason) override;

  // --- For HandshakeSlot ---
  // The place among those that have not logged in is lost, which is counted and logged.
  void on_shed();

  // --- For Session ---
  [[nodiscard]] const net::Address& peer() const { return transport_->peer(); }
  [[nodiscard]] const net::Transport& transport() const { return *transport_; }
  // Sends the answer to the handshake that let the session's client in.
  void send_answer(std::string_view answer);
  // Every frame that follows, both ways, is sealed (docs/protocol.md 3.19) with the keys of the
  // handshake whose text this is.
  void seal_from_here(const Secret& secret, std::string_view handshake_text);
  // Appends a frame to the output, which leaves at the end of the turn. False: it is too long.
  [[nodiscard]] bool send(std::string_view content, protocol::FrameKind kind,
                          std::uint32_t session);
  // Ends the connection by the gate's own decision and tells the session.
  void end(Ending ending);
  // Frames wait unserved, and the client's bytes in the kernel, until read_on().
  [[nodiscard]] bool held_back() const { return held_back_; }
  // Serves what waits, after the current message.
  void read_on();
  // Closes when more than `bytes` wait to be read; the session hears of it later.
  void end_if_slow(std::size_t bytes) {
    if (transport_->unsent_bytes() > bytes) transport_->close(net::CloseReason::kSlowReader);
  }
  // Lets go of the session, then ends with the kick, if the client understands one, as the
  // last frame.
  void leave_session(Ending ending, int code, std::string_view reason);

 private:
  enum class State : std::uint8_t { kHandshake, kOpen, kEnding };
  // Where a handshake that belongs to another worker goes.
  struct Elsewhere {
    bool found = false;
    std::uint16_t worker = 0;
    std::string handshake;
  };

  Connection(Shard& shard, HandOver& hand_over);
  ~Connection() override;

  void on_data(net::Transport& transport, std::string_view bytes) override;
  std::uint32_t on_end(net::Transport& transport) override;
  void on_closed(net::Transport& transport, net::CloseReason reason) override;
  void fire() override;

  void begin(net::Transport& transport);
  // Why a handshake ends that is late.
  [[nodiscard]] Ending ending_of_delay() const;
  // Answers a handshake that is not let in, and ends the connection.
  void refuse(std::string_view answer);
  // Each returns whether the frames that follow are to be served here.
  bool on_handshake(std::string_view body, Elsewhere& elsewhere);
  // Of a request that has to wait `held` gets the frame, as it was received.
  bool on_request(std::string_view received, std::string& held);
  // The body of a received frame; nothing: the seal is broken, and the connection ends.
  std::optional<std::string_view> open_frame(std::string_view received);
  // One beyond maxclient becomes one of its connections, by the slot of the player's older one if
  // that has any; false: the gate is full.
  [[nodiscard]] bool take_slot(const Session& session);
  // The other way round; false: there are enough of them.
  bool move_beyond();
  // Stops reading before a frame that has to wait.
  void hold_back();
  void become_open(const protocol::GateHandshake& handshake);
  // Sends the transport to the session's worker and deletes this.
  void hand_over(const Elsewhere& elsewhere);
  // Notes the end and closes after what is written. No frame follows: the keys are wiped.
  void finish(Ending ending);
  void drop_seal();
  void send_kick(int code, std::string_view reason);

  Shard& shard_;
  net::Transport* transport_ = nullptr;
  Session* session_ = nullptr;  // while kOpen
  protocol::FrameReader reader_;
  Slot slot_;
  std::unique_ptr<HandshakeSlot> handshake_slot_;  // while kHandshake
  std::unique_ptr<protocol::SealedFrames> seal_;   // while kOpen, if the frames are sealed
  MonotonicMs deadline_ = 0;                       // kOpen: when the client last wrote
  State state_ = State::kHandshake;
  edge::Census::Row census_row_ = 0;  // while there is a transport
  bool held_back_ = false;  // paused; the frames from the first that has to wait are put back
  bool extended_ = false;
  bool beyond_;  // beyond maxclient: the slot is one of GateCore::reserve
};

}  // namespace gatehouse::gate
