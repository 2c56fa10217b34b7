// A connection as the protocols above see it: bytes in, bytes out, one end. TCP today; TLS,
// WebSocket and in-memory streams stand behind the same interface.
//
// A stream belongs to the UvLoop of one worker and is used on that worker's thread only. A
// Stream* is valid until on_closed() returned, or until detach() succeeded; whoever keeps a
// connection longer keeps its id() and asks UvLoop::find().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "net/address.hpp"
#include "net/socket.hpp"

namespace gatehouse::net {

class Stream;
class UvLoop;

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

// What the owner of a connection implements. Both are called by the loop, never from inside a
// call on the stream, so no call on a stream re-enters its handler.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  // `bytes` lie in the loop's shared read buffer and are gone after the call. The handler may
  // call anything on the stream, close() and detach() included.
  virtual void on_data(Stream& stream, std::string_view bytes) = 0;
  // The peer has sent its last byte, and may still read. For how many milliseconds, at most, the
  // handler is to have the other direction for answers that are not written yet: until it calls
  // close_after_flush(). 0: what is written leaves, and the connection ends.
  virtual std::uint32_t on_end(Stream& stream) {
    static_cast<void>(stream);
    return 0;
  }
  // The connection ended: called exactly once, unless it was detached or the handler forgotten.
  // The stream is freed after the call.
  virtual void on_closed(Stream& stream, CloseReason reason) = 0;
};

class Stream {
 public:
  static constexpr std::uint32_t kLingerMs = 3'000;

  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream();

  [[nodiscard]] UvLoop& loop() const { return loop_; }
  // Names the stream on its loop; never given to another one.
  [[nodiscard]] ConnectionId id() const { return id_; }
  [[nodiscard]] const Address& peer() const { return peer_; }

  // Appends to the output, which leaves at the end of the turn in one write. False when the
  // stream is ending: the bytes are dropped.
  bool write(std::string_view bytes);
  // The output itself, to encode into in place: append only. Valid until the caller returns to
  // the loop. A scratch string when the stream is ending.
  [[nodiscard]] std::string& output();
  // Bytes written that the kernel has not taken yet.
  [[nodiscard]] virtual std::size_t unsent_bytes() const = 0;
  // Closes with kSlowReader when more than this is unsent after a turn's write; 0: no limit.
  void set_unsent_limit(std::uint32_t bytes) { unsent_limit_bytes_ = bytes; }

  // Stops and restarts reading; the peer is held back by TCP. A paused stream does not notice
  // that the peer left. Streams start unpaused.
  virtual void pause() = 0;
  virtual void resume() = 0;

  // Ends the connection now and drops what is unsent; on_closed() follows from the loop.
  virtual void close(CloseReason reason) = 0;
  // Sends what was written, tells the peer the end, waits for its own end so that nothing is
  // lost to a reset, and closes; all within `linger_ms`. Input is discarded from now on.
  // on_closed() gets kTimeout instead of `reason` when not everything could be sent.
  virtual void close_after_flush(CloseReason reason, std::uint32_t linger_ms = kLingerMs) = 0;
  // True after close(), close_after_flush() or a failure; on_closed() is on its way.
  [[nodiscard]] virtual bool ending() const = 0;

  // Takes the socket out, for another worker; the stream is gone, without on_closed(). The
  // caller has consumed all bytes on_data() gave; the rest waits in the kernel, and unsent
  // output travels in the Socket. kClosed: the connection is ending; kIo: no descriptor left,
  // the stream goes on.
  [[nodiscard]] virtual Result<Socket> detach() = 0;

  // Events go to `handler` from the next one on.
  void set_handler(StreamHandler& handler) { handler_ = &handler; }
  // The handler is about to die: events go nowhere. Follow with close() or close_after_flush().
  void forget_handler() { handler_ = nullptr; }

 protected:
  Stream(UvLoop& loop, const Address& peer, StreamHandler* handler);

  // Sends the output at the end of a turn.
  virtual void flush() = 0;
  void mark_dirty();
  void release_output();

  StreamHandler* handler_;
  std::unique_ptr<std::string> output_;  // from the loop's pool while something is in it
  std::uint32_t unsent_limit_bytes_ = 0;

 private:
  friend class UvLoop;
  static constexpr std::uint32_t kClean = UINT32_MAX;

  std::uint32_t dirty_index_ = kClean;  // place in the loop's flush list
  UvLoop& loop_;
  ConnectionId id_;
  Address peer_;
};

}  // namespace gatehouse::net
