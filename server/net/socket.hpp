// A descriptor on its way between owners: from a listener, or a connection that is made, to its
// transport. May cross threads.
#pragma once

#include <utility>

#include "net/address.hpp"

namespace gatehouse::net {

class Socket {
 public:
  Socket() = default;
  // Takes the descriptor over.
  Socket(int descriptor, const Address& peer) : descriptor_(descriptor), peer_(peer) {}
  Socket(Socket&& other) noexcept { *this = std::move(other); }
  Socket& operator=(Socket&& other) noexcept;
  ~Socket() { close(); }

  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  [[nodiscard]] int descriptor() const { return descriptor_; }
  // The caller owns the descriptor from now on.
  [[nodiscard]] int release() { return std::exchange(descriptor_, -1); }
  void close();

  [[nodiscard]] const Address& peer() const { return peer_; }

 private:
  int descriptor_ = -1;
  Address peer_;
};

}  // namespace gatehouse::net
