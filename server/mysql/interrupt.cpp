#include "mysql/interrupt.hpp"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>

#include "base/assert.hpp"

namespace gatehouse::mysql {

Interrupt::Interrupt() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (event_ < 0) throw std::runtime_error("no file descriptor is left");
}

Interrupt::~Interrupt() {
  close(event_);
}

void Interrupt::raise() {
  const std::lock_guard lock(mutex_);
  raised_ = true;
  const std::uint64_t one = 1;
  const auto written = write(event_, &one, sizeof one);
  GATEHOUSE_ASSERT(written == sizeof one);
  if (socket_ >= 0) shutdown(socket_, SHUT_RDWR);
}

bool Interrupt::raised() const {
  const std::lock_guard lock(mutex_);
  return raised_;
}

void Interrupt::watch(int socket) {
  const std::lock_guard lock(mutex_);
  socket_ = socket;
  if (raised_ && socket_ >= 0) shutdown(socket_, SHUT_RDWR);
}

}  // namespace gatehouse::mysql
