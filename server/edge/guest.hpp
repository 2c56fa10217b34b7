// What an entrance asks of the protocol behind it, login or gate.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "base/clock.hpp"
#include "edge/pass.hpp"
#include "net/transport_set.hpp"

namespace gatehouse::edge {

// A connection that was let in, until it is known what it speaks: its place among those of its
// kind, given back when it is destroyed. On its worker's thread.
class Guest {
 public:
  virtual ~Guest() = default;
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  // When its handshake has to be through, or to have come further; 0: it may take its time.
  [[nodiscard]] virtual MonotonicMs deadline() const = 0;
  // A part of its handshake is through: that of TLS.
  virtual void progressed(MonotonicMs now) { static_cast<void>(now); }
  // Its place among those that have not logged in, held by the entrance until enter(); nullptr: it
  // has none.
  [[nodiscard]] virtual Pass* pass() { return nullptr; }
  // The connection is known, and its protocol's from now on: this owns itself, and has to take the
  // transport over by Transport::hand_to() before it returns. `bytes` were read and come first.
  // Past the deadline it ends the connection its own way.
  virtual void enter(net::Transport& transport, std::string_view bytes) = 0;
  // The connection ended before; this is destroyed next.
  virtual void gone(const net::Address& peer, net::CloseReason reason) = 0;

 protected:
  Guest() = default;
};

class Host {
 public:
  virtual ~Host() = default;
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // A connection is there, on the worker of `set`. One that is refused, which the host counts and
  // logs, gets last words, which may be empty.
  [[nodiscard]] virtual tl::expected<std::unique_ptr<Guest>, std::string> admit(
      net::TransportSet& set, const net::Address& peer) = 0;

 protected:
  Host() = default;
};

}  // namespace gatehouse::edge
