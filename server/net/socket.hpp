// A connected descriptor on its way between owners: from a listener to a stream, or from a
// stream of one worker to a stream of another. May cross threads.
#pragma once

#include <string>
#include <string_view>
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
  // The last words to a peer that nothing is spent on: sends what the kernel takes now, tells the
  // end and closes. A peer whose own bytes were not read may miss them.
  void say_and_close(std::string_view bytes);

  [[nodiscard]] const Address& peer() const { return peer_; }
  // Bytes that the former owner wrote and the kernel had no room for; the next stream sends them
  // before its own.
  [[nodiscard]] std::string& unsent() { return unsent_; }

 private:
  int descriptor_ = -1;
  Address peer_;
  std::string unsent_;
};

}  // namespace gatehouse::net
