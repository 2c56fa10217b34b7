// What lies between the two ends of a connection in memory: bytes on their way, and what a network
// does to them, for tests and simulation. It stands for the kernels of both sides and the wire.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/unique_function.hpp"

namespace gatehouse::net {

class TransportSet;

class MemoryLink {
 public:
  // What each direction takes of bytes that the other end has not read.
  static constexpr std::size_t kBytesMax = 256 * 1024;

  MemoryLink() = default;
  MemoryLink(const MemoryLink&) = delete;
  MemoryLink& operator=(const MemoryLink&) = delete;

  // --- For whoever plays the network; any thread ---
  // How many milliseconds each write, and each end, is on its way from now on. What was sent later
  // never arrives earlier.
  void set_delay(UniqueFunction<std::uint32_t()> delay_ms);
  // Nothing arrives, and nobody is told, until mend().
  void cut();
  void mend();
  // The connection breaks for both ends, and what is on its way is lost.
  void reset();

  // --- For MemoryTransport: `end` is 0 or 1 ---
  // From now on `end` is told when something changes for it, on the worker of its set.
  void join(unsigned end, TransportSet& set, ConnectionId id);
  void leave(unsigned end);
  // `end` looks at everything now: what comes after this is told again.
  void begin_work(unsigned end);
  // How many of the bytes it takes; nothing: the connection is broken.
  [[nodiscard]] std::optional<std::size_t> send(unsigned end, std::string_view bytes,
                                                MonotonicMs now);
  // `end` writes nothing more. Twice is once.
  void send_end(unsigned end, MonotonicMs now);
  // `end` is closed. As with TCP, what it has not read makes the peer see a reset, and so does
  // what the peer sends from now on.
  void close(unsigned end, MonotonicMs now);

  enum class Arrival : std::uint8_t { kNothing, kBytes, kEnd, kReset };
  struct Arrived {
    Arrival what = Arrival::kNothing;
    std::string bytes;
    MonotonicMs next = -1;  // with kNothing: when there will be more; -1: nobody knows
  };
  // The next of what has arrived at `end`, bytes in pieces of one read.
  [[nodiscard]] Arrived receive(unsigned end, MonotonicMs now);

 private:
  struct Piece {
    Arrival what;
    MonotonicMs due;
    std::string bytes;
  };
  // What one end writes.
  struct Way {
    std::deque<Piece> pieces;
    std::size_t bytes = 0;
    MonotonicMs last_due = 0;
    bool ended = false;
    bool unread = false;  // nobody reads it any more
    bool full = false;    // its writer waits for room
  };
  struct End {
    TransportSet* set = nullptr;
    ConnectionId id;
    bool told = false;
  };

  // With the mutex held:
  void put(Way& way, Arrival what, MonotonicMs now, std::string bytes = {});
  void tell(unsigned end);

  std::mutex mutex_;
  std::array<Way, 2> ways_;  // by the end that writes
  std::array<End, 2> ends_;
  UniqueFunction<std::uint32_t()> delay_ms_;
  bool cut_ = false;
};

}  // namespace gatehouse::net
