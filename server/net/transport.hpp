// A connection as the protocols above see it: bytes in, bytes out, one end. TCP and memory carry
// bytes themselves; what encrypts or frames them is a transport over another one.
//
// A transport is attached or detached. Attached it belongs to the TransportSet of one worker, is
// used on that worker's thread only, and lives until on_closed() returned or detach() gave it
// away; whoever keeps a connection longer keeps its id() and asks TransportSet::find(). Detached
// it is a value that one owner holds: it may cross threads, and ends when it is destroyed. All
// that it knows goes along: unsent output, input that was put back, what a layer holds of a
// record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "net/address.hpp"

namespace gatehouse::net {

class Transport;
class TransportSet;

// Why a connection ended; the first reason given wins. The names go to logs and metrics.
enum class CloseReason : std::uint8_t {
  kPeerClosed,  // the peer ended it in order
  kPeerReset,   // the network or the peer broke it
  kLocal,       // our side was done with it
  kSlowReader,  // more unsent output than its limit
  kTimeout,     // a deadline passed
  kProtocol,    // the peer broke the protocol
  kLimit,       // a rate or size limit
  kReplaced,    // a newer connection took its place
  kKicked,      // the player was told to leave
  kShutdown,    // the server ends
};
inline constexpr std::size_t kCloseReasons = 10;
// "peer_closed", "slow_reader" and so on.
[[nodiscard]] std::string_view name(CloseReason reason);

// What a client speaks below the protocols, named as in the configuration.
enum class TransportKind : std::uint8_t { kTcp, kTls, kWs, kWss, kMemory, kDescriptor };
// "tcp", "tls", "ws", "wss", "memory", "descriptor".
[[nodiscard]] std::string_view name(TransportKind kind);

// What the two ends of a TLS connection agreed on; valid as long as the transport.
struct TlsAgreement {
  std::string_view version;  // "TLSv1.3"
  std::string_view cipher;
  std::string_view alpn;         // "": none
  std::string_view server_name;  // that the client asked for; "": none
};

// The proxy that a connection came through, and what it told besides the client's address
// (docs/protocol.md 1.6).
struct Relay {
  Address proxy;
  bool tls = false;         // between client and proxy
  std::string tls_version;  // "TLSv1.3"; "": not told
  std::string cipher;       // "": not told
};

// What the owner of a connection implements. All are called by the loop, never from inside a
// call on the transport, so no call on a transport re-enters its handler.
class TransportHandler {
 public:
  virtual ~TransportHandler() = default;
  // The opening handshake of a layer (TLS, WebSocket) is over, and tls() says what was agreed on.
  // Before all data, once; not from transports that have no such handshake, nor from one that was
  // ready when it was attached. The handler may call anything on the transport.
  virtual void on_ready(Transport& transport) { static_cast<void>(transport); }
  // `bytes` are gone after the call. The handler may call anything on the transport, close() and
  // detach() included.
  virtual void on_data(Transport& transport, std::string_view bytes) = 0;
  // The peer has sent its last byte, and may still read. For how many milliseconds, at most, the
  // handler is to have the other direction for answers that are not written yet: until it calls
  // close_after_flush(). 0: what is written leaves, and the connection ends. Whoever takes over a
  // transport whose peer has ended is told so again.
  virtual std::uint32_t on_end(Transport& transport) {
    static_cast<void>(transport);
    return 0;
  }
  // The connection ended: called exactly once, unless it was detached or the handler forgotten.
  // The transport is freed after the call.
  virtual void on_closed(Transport& transport, CloseReason reason) = 0;
};

class Transport {
 public:
  static constexpr std::uint32_t kLingerMs = 3'000;
  // A peer that sent its end has this long to read what is left for it.
  static constexpr std::uint32_t kHalfClosedMs = 30'000;

  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  // Detached: the connection ends, and what is unsent is dropped.
  virtual ~Transport();

  [[nodiscard]] TransportKind kind() const { return kind_; }
  // The client; behind a proxy what the proxy told.
  [[nodiscard]] const Address& peer() const { return peer_; }
  // nullptr: it came without a proxy. Valid as long as the transport.
  [[nodiscard]] virtual const Relay* relay() const { return relay_.get(); }
  // After the handshake, where there is TLS below.
  [[nodiscard]] virtual std::optional<TlsAgreement> tls() const { return std::nullopt; }

  // --- While it is detached ---
  // The last words to a peer that nothing is spent on: sends what leaves at once and tells the
  // end. A peer whose own bytes were not read may miss them. Destroy the transport then.
  virtual void say_and_end(std::string_view bytes) = 0;

  // A proxy told whose connection it is. Before another transport lies over it.
  void set_relay(const Address& peer, std::unique_ptr<const Relay> relay);

  // --- While it is attached ---
  [[nodiscard]] TransportSet& set() const { return *set_; }
  // Names the transport in its set; never given to another one.
  [[nodiscard]] ConnectionId id() const { return id_; }

  // Appends to the output, which leaves at the end of the turn in one write. False when the
  // transport is ending: the bytes are dropped.
  bool write(std::string_view bytes);
  // The output itself, to encode into in place: append only. Valid until the caller returns to
  // the loop. A scratch string when the transport is ending.
  [[nodiscard]] std::string& output();
  // Bytes written that the kernel has not taken yet.
  [[nodiscard]] virtual std::size_t unsent_bytes() const = 0;
  // Closes with kSlowReader when more than this is unsent after a turn's write; 0: no limit.
  void set_unsent_limit(std::uint32_t bytes) { unsent_limit_bytes_ = bytes; }

  // Stops and restarts reading; the peer is held back by what carries the bytes. A paused
  // transport does not notice that the peer left. Transports are attached unpaused.
  void pause();
  void resume();
  // Returns input that the handler does not want now: on_data() brings it before all that is
  // newer, from the loop, when the transport is not paused; to the next handler, if this one
  // detaches it.
  void put_back(std::string bytes);

  // The next handler takes the place of this one, as if it had attached the transport: it reads
  // at once, gets what was put back first, and is told again that the peer has ended. The one of
  // before hears nothing more. Whoever gives it away from on_data() may call the next one's
  // on_data() with what it has of the bytes instead of putting that back.
  void hand_to(TransportHandler& next);

  // Ends the connection now and drops what is unsent; on_closed() follows from the loop.
  virtual void close(CloseReason reason) = 0;
  // Sends what was written, tells the peer the end, waits for its own end so that nothing is
  // lost to a reset, and closes; all within `linger_ms`. Input is discarded from now on.
  // on_closed() gets kTimeout instead of `reason` when not everything could be sent.
  virtual void close_after_flush(CloseReason reason, std::uint32_t linger_ms = kLingerMs) = 0;
  // Why the connection is about to be closed after the flush, by a code up to 999 and in words,
  // for a transport that tells its peer by itself; others have no way to say it.
  virtual void explain_end(int code, std::string_view reason) {
    static_cast<void>(code), static_cast<void>(reason);
  }
  // True after close(), close_after_flush() or a failure; on_closed() is on its way.
  [[nodiscard]] bool ending() const { return ending_; }

  // Takes the connection out of its set, for another worker; the handler hears nothing. kClosed:
  // the connection is ending; kIo: no descriptor left; after an error it goes on.
  [[nodiscard]] Result<std::unique_ptr<Transport>> detach();

  // The handler is about to die: events go nowhere. Follow with close() or close_after_flush().
  void forget_handler() { handler_ = nullptr; }

 protected:
  Transport(TransportKind kind, const Address& peer);

  // --- What a kind of transport does ---
  // It has a set and an id from now on: opens what belongs to the worker, and attaches what is
  // below it. Nothing is read before set_reading(true). After an error the transport is detached
  // again, and destroyed.
  [[nodiscard]] virtual Result<> join() = 0;
  // Gives up what belongs to the worker and keeps the connection. Not while it is ending.
  [[nodiscard]] virtual Result<> leave() = 0;
  // Sends the output at the end of a turn. Calls no handler.
  virtual void flush() = 0;
  // Begins or stops to read; beginning twice is once.
  virtual void set_reading(bool on) = 0;
  // What schedule() asked for, from the loop.
  virtual void work() {}
  // The peer's end, of which the handler knows, is to be told again once the transport reads;
  // false: there was none.
  [[nodiscard]] virtual bool forget_end() { return false; }

  // Has work() called by the worker, soon.
  void schedule();
  void mark_dirty();
  void release_output();
  // Drops input that was put back.
  void forget_input() { unread_.reset(); }
  // Frees it, from the loop; the handler was told.
  void destroy();

  TransportHandler* handler_ = nullptr;
  std::unique_ptr<std::string> output_;  // from the set's pool while something is in it
  std::uint32_t unsent_limit_bytes_ = 0;
  bool ending_ = false;

 private:
  friend class TransportSet;
  static constexpr std::uint32_t kClean = UINT32_MAX;

  void read_on();
  // Brings what was put back, then works. This may be gone after it.
  void run();

  bool paused_ = false;
  const TransportKind kind_;
  std::uint32_t dirty_index_ = kClean;  // place in the set's flush list
  ConnectionId id_;
  Address peer_;
  TransportSet* set_ = nullptr;
  std::unique_ptr<const Relay> relay_;
  std::unique_ptr<std::string> unread_;  // put back
};

}  // namespace gatehouse::net
