// One connection of a Lua service (docs/skynet-rules.md 1.3, 2.12): the bytes that arrived and were
// not read yet, what its reader waits for, and how it ends. Lives in the shard of the worker that
// it was started on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "actor/timer_wheel.hpp"
#include "base/ids.hpp"
#include "net/transport.hpp"
#include "sockets/socket_counters.hpp"
#include "sockets/socket_event.hpp"

namespace gatehouse::sockets {

class SocketShard;

// A connection on its way between services.
struct ParkedSocket {
  std::unique_ptr<net::Transport> transport;  // null: it ended, `unread` is all there is
  std::string unread;
};

class LuaSocket final : public net::TransportHandler {
 public:
  // Unread bytes that pause reading, until they are read.
  static constexpr std::size_t kPauseBytes = 128 * 1024;
  // No socket buffers more than this in either direction, whatever its service allows.
  static constexpr std::uint32_t kBufferBytesMax = 256u << 20;

  // Owner 0: nobody reads it, it waits for start().
  LuaSocket(SocketShard& shard, std::uint32_t id, ServiceId owner,
            std::shared_ptr<SocketCounters> counters);
  ~LuaSocket() override;
  LuaSocket(const LuaSocket&) = delete;
  LuaSocket& operator=(const LuaSocket&) = delete;

  [[nodiscard]] std::uint32_t id() const { return id_; }
  [[nodiscard]] ServiceId owner() const { return owner_; }
  void set_owner(ServiceId owner) {
    if (owner != owner_) close_told_ = false;
    owner_ = owner;
  }
  // Takes the connection; without one the socket is at its end.
  void open(net::Transport* transport, std::string unread);

  // --- Reading ---
  enum class Want : std::uint8_t {
    kNothing,
    kSome,   // any bytes
    kSize,   // so many
    kLine,   // up to a separator
    kEnd,    // all there will be
    kFrame,  // what a 2-byte big-endian length counts (skynet.netpack)
  };
  struct Chunk {
    bool found = false;
    std::string_view bytes;    // valid until consume()
    std::size_t consumed = 0;  // what consume() is to be called with
  };
  // What is there for a reader.
  [[nodiscard]] Chunk find(Want want, std::size_t size, std::string_view separator);
  void consume(std::size_t bytes);
  // The owner is told when find() would succeed, or the end came.
  void wait_for(Want want, std::size_t size, std::string_view separator);
  // wait_for a frame; tells the owner at once when one is there, or the end has come.
  void want_frames();
  // No more bytes will come. The owner may still answer what it has read, until a read tells it
  // of the end.
  [[nodiscard]] bool at_end() const { return is_closed() || ended_; }
  [[nodiscard]] bool is_closed() const { return transport_ == nullptr || closing_; }
  [[nodiscard]] std::string_view unread() const { return std::string_view(buffer_).substr(head_); }
  // A read has told the owner of the end: what was written leaves, nothing more can be.
  void end_is_read();
  // Ends the connection when more than this is unread, unless a read of a size waits; 0: never.
  void set_limit(std::size_t bytes) { limit_bytes_ = bytes; }
  void pause();
  void resume();

  // --- Writing ---
  // False when the connection has ended, or is ending.
  bool write(std::string_view bytes);
  // The same for what may wait until everything else has left (docs/skynet-rules.md 2.12, lwrite).
  bool write_low(std::string_view bytes);

  // --- Ending ---
  // Sends what was written, then ends. True: kClose follows; false: it has ended already.
  bool close();
  // Ends now. kClose follows.
  void shutdown();
  // Nobody will ask for this socket again: sends what was written in the background, unless
  // `at_once`.
  void release(bool at_once);
  // Takes the connection out for another worker.
  [[nodiscard]] ParkedSocket park();

  // Looks at the unsent output after each turn's flush; false: there is none any more.
  bool on_turn_end();

  // net::TransportHandler
  void on_data(net::Transport& transport, std::string_view bytes) override;
  std::uint32_t on_end(net::Transport& transport) override;
  void on_closed(net::Transport& transport, net::CloseReason reason) override;

 private:
  class Alarm final : public actor::Timer {
   public:
    Alarm(LuaSocket& socket, void (LuaSocket::*function)())
        : socket_(socket), function_(function) {}
    void fire() override { (socket_.*function_)(); }

   private:
    LuaSocket& socket_;
    void (LuaSocket::*function_)();
  };

  void notify(SocketEventType type, std::int64_t value = 0);
  void retry();
  void give_up();
  void let_go(std::uint32_t linger_ms);
  void overflow();
  [[nodiscard]] std::size_t unsent_bytes() const;
  // Hands low-priority output to the transport, in whole writes, until it has so many bytes.
  void send_low(std::size_t bytes);
  void arm(Alarm& alarm, std::uint32_t ms);

  SocketShard& shard_;
  const std::uint32_t id_;
  ServiceId owner_;
  const std::shared_ptr<SocketCounters> counters_;
  net::Transport* transport_ = nullptr;
  std::string buffer_;
  std::size_t head_ = 0;     // bytes of buffer_ that were read
  std::size_t scanned_ = 0;  // unread bytes known to hold no separator_
  std::string separator_;
  std::deque<std::string> low_;  // low-priority output that waits
  std::size_t low_bytes_ = 0;
  std::size_t want_size_ = 0;
  std::size_t limit_bytes_ = 0;
  std::size_t warn_at_bytes_;
  Alarm retry_alarm_;
  Alarm close_alarm_;
  Want want_ = Want::kNothing;
  bool paused_ = false;
  bool full_ = false;  // paused because too much is unread
  bool closing_ = false;
  bool ended_ = false;        // the peer sends no more
  bool data_unsaid_ = false;  // a kData that found the mailbox full
  bool close_unsaid_ = false;
  bool close_told_ = false;  // the owner got kClose, or will
};

}  // namespace gatehouse::sockets
