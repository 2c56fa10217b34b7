// One logged-in player at a gate: what proves who connects, the replies and pushes that a
// reconnect may ask for again, and the connection, if there is one.
//
// A Session belongs to the player's agent, lives on its worker and is touched by that worker's
// thread only. Destroying it closes the connection and frees the name at once, however the agent
// died.
//
// Invariant: connection_ is the connection of the newest accepted handshake, and open.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "gate/address_budgets.hpp"
#include "gate/agent.hpp"
#include "gate/ending.hpp"
#include "gate/player_rates.hpp"
#include "net/address.hpp"
#include "protocol/frame.hpp"
#include "protocol/gate_handshake.hpp"
#include "protocol/push_log.hpp"
#include "protocol/reply_window.hpp"
#include "protocol/suite.hpp"

namespace gatehouse::gate {

class Connection;
class Shard;

// What the login grants.
struct SessionSpec {
  std::string uid;
  std::string server;
  std::string subid;
  Secret secret;
  protocol::Suite suite = protocol::Suite::kSkynet;
};

class Session {
 public:
  // Made by Gate::create_session().
  Session(Shard& shard, SessionSpec spec, Agent& agent);
  // Requests that still run are answered with kind 0, but for those that were held; the connection
  // closes.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Answers a request; a failed one with ok = false. Sent at the end of the turn when the
  // connection that asked last is still there, and remembered in any case
  // (docs/skynet-rules.md 4.5). Content over content_bytes_max() becomes an empty error. A
  // second answer is ignored.
  void respond(protocol::RequestTicket ticket, bool ok, std::string_view content);

  // It is not known what becomes of a request: until respond() nobody is told that it failed.
  void hold(protocol::RequestTicket ticket) { window_.hold(ticket); }

  // Sends a push, or keeps it for the client's return. Dropped when the client's last handshake
  // was skynet's: such clients know no pushes. Errors: kInvalid over content_bytes_max(),
  // kFull when the numbers are used up, kClosed after kick().
  [[nodiscard]] Result<> push(std::string_view content);

  // Sends a control frame to a connected client of the extended handshake; false: nobody is
  // there to read it, or the text is over content_bytes_max().
  bool control(std::string_view json);

  // Tells the client why, closes after what was written before, and frees the name: handshakes
  // are answered 404 from now on. Codes: protocol/control.hpp.
  void kick(int code, std::string_view reason);

  // Tells the client that the server is about to stop.
  void drain();

  // The conversation of the client's last handshake that named one.
  [[nodiscard]] std::string_view conversation() const { return conversation_; }
  // What is known of a conversation that begins; in Agent::on_conversation() only. Marks before
  // replies.
  void restore_floor(std::uint32_t floor) { window_.restore_floor(floor); }
  void restore_mark(std::uint32_t session) { window_.restore_mark(session); }
  void restore_reply(std::uint32_t session, std::string_view content) {
    window_.restore(session, content);
  }

  // The content of a response or push: what fits a frame, sealed too where frames may be.
  [[nodiscard]] std::size_t content_bytes_max() const {
    return kResponseContentBytesMax - (may_seal() ? kSealBytes : 0);
  }
  // gate.reply_cache_count
  [[nodiscard]] std::uint32_t reply_count_max() const { return window_.count_max(); }
  // A client that sends no more, and waits for its last answers, counts as away.
  [[nodiscard]] bool connected() const { return connection_ != nullptr && !away_; }
  // "ip:port" of the client; empty when there is none.
  [[nodiscard]] std::string peer() const;
  // The same as an address; the unknown one when there is none.
  [[nodiscard]] net::Address peer_address() const;
  // Requests that wait for respond(), and the bytes of their contents.
  [[nodiscard]] std::uint32_t pending_bytes() const { return pending_bytes_; }
  [[nodiscard]] std::uint32_t pending() const { return window_.running() + forgotten_; }
  [[nodiscard]] std::string_view uid() const { return part(name_bytes_, uid_bytes_); }
  [[nodiscard]] std::string_view server() const {
    return part(name_bytes_ + uid_bytes_, server_bytes_);
  }
  [[nodiscard]] std::string_view subid() const {
    return part(name_bytes_ + uid_bytes_ + server_bytes_, subid_bytes_);
  }
  // base64(uid)@base64(server)#base64(subid).
  [[nodiscard]] std::string_view name() const { return part(0, name_bytes_); }
  [[nodiscard]] protocol::Suite suite() const { return suite_; }
  // Memory of the session, the object included, without malloc's own overhead.
  [[nodiscard]] std::size_t memory_bytes() const;

 private:
  friend class Connection;
  friend class Gate;
  friend class Shard;
  friend struct SessionList;

  // The name is in the directory: the session begins, without a client.
  void enter();

  // --- For Connection ---
  // What a handshake for this name is worth; one of protocol's answers.
  [[nodiscard]] std::string_view judge(const protocol::GateHandshake& handshake) const;
  // The handshake was accepted: the older connection goes, the answer and the missed pushes are
  // written, the agent is told. The session may be gone when it returns.
  void accept(Connection& connection, const protocol::GateHandshake& handshake);
  // Whether a request has to wait unread: as many of this conversation are pending as answers
  // are remembered, or bytes as there may be. So whatever is pending when the client, or the
  // server, is lost is known after.
  [[nodiscard]] bool holds_back(const protocol::Request& request);
  // Whether what was held back may be tried again.
  [[nodiscard]] bool may_read_on() const;
  // Charges the player and his address with a frame; else why the connection has to end.
  [[nodiscard]] std::optional<Ending> over_rates(std::size_t bytes);
  // Charges the player with a handshake. His frames leave room for as many again.
  [[nodiscard]] bool take_handshake();
  // A request of the current connection. The session may be gone when it returns.
  void handle(const protocol::Request& request);
  // The current connection ended by itself. The session may be gone when it returns.
  void on_connection_lost();
  // The client sends no more; true: answers are due to it, and the connection stays until they
  // are given. The session may be gone when it returns.
  [[nodiscard]] bool has_answers_due() const { return pending() > 0; }
  void on_client_ended();

  [[nodiscard]] std::string_view part(std::size_t offset, std::size_t bytes) const {
    return {text_.get() + offset, bytes};
  }
  [[nodiscard]] bool extended() const { return form_ == protocol::HandshakeForm::kExtended; }
  // The version that replies are due to now; 0: nobody is there.
  [[nodiscard]] std::uint32_t current_version() const {
    return connection_ == nullptr ? 0 : version_;
  }
  [[nodiscard]] bool may_seal() const { return suite_ == protocol::Suite::kX25519; }
  // Answers an accepted handshake with the options granted.
  void answer(const protocol::GateHandshake& handshake);
  // Whether contents of so many bytes may wait, too; leases memory of the address for that.
  [[nodiscard]] bool take_room(std::size_t bytes);
  void forget_pending(const protocol::RequestTicket& ticket);
  void begin_conversation(std::string_view conversation);
  void send_missed_pushes(std::uint32_t last_push);
  void send(std::string_view content, protocol::FrameKind kind, std::uint32_t session);
  // Lets go of the connection without telling the agent.
  [[nodiscard]] Connection* release_connection();
  void fail_pending();
  void leave_directory();

  Shard& shard_;
  Agent& agent_;
  Connection* connection_ = nullptr;
  Session* previous_ = nullptr;  // the shard's list
  Session* next_ = nullptr;
  std::unique_ptr<char[]> text_;  // name, uid, server and subid, one after the other
  std::uint32_t name_bytes_ = 0;
  std::uint32_t uid_bytes_ = 0;
  std::uint32_t server_bytes_ = 0;
  std::uint32_t subid_bytes_ = 0;
  std::uint32_t version_ = 0;    // number of the last accepted handshake
  std::uint32_t forgotten_ = 0;  // requests of earlier conversations that still run
  std::uint32_t pending_bytes_ = 0;
  std::uint32_t untold_frames_ = 0;  // since the address was charged
  std::uint32_t untold_bytes_ = 0;
  protocol::Suite suite_;
  protocol::HandshakeForm form_ = protocol::HandshakeForm::kNone;  // of the last one accepted
  protocol::Counting counting_ = protocol::Counting::kSkynet;      // of the current connection
  bool listed_ = false;                                            // in the directory
  bool kicked_ = false;
  bool oversize_logged_ = false;
  bool away_ = true;          // the agent has been told, or nobody came yet
  bool seated_ = false;       // counts in GateCore::seats
  bool listed_away_ = false;  // in the shard's list of those who are away
  Secret secret_;
  std::string conversation_;
  protocol::HandshakeIndex last_index_ = 0;
  MonotonicMs away_since_ms_ = 0;
  PlayerRates rates_;
  std::unique_ptr<PendingLease> lease_;  // while more than a little waits
  protocol::ReplyWindow window_;
  protocol::PushLog pushes_;
};

}  // namespace gatehouse::gate
