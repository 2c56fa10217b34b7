#include "net/socket.hpp"

#include <sys/socket.h>
#include <unistd.h>

namespace gatehouse::net {

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    close();
    descriptor_ = std::exchange(other.descriptor_, -1);
    peer_ = other.peer_;
    unsent_ = std::move(other.unsent_);
  }
  return *this;
}

void Socket::close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

void Socket::say_and_close(std::string_view bytes) {
  if (!is_open()) return;
  static_cast<void>(::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
  ::shutdown(descriptor_, SHUT_WR);
  close();
}

}  // namespace gatehouse::net
