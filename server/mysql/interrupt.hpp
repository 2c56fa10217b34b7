// Ends the waiting of a thread that is inside libmariadb, from another thread.
#pragma once

#include <mutex>

namespace gatehouse::mysql {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // For good: the connection ends, and no new one is made.
  void raise();
  [[nodiscard]] bool raised() const;

  // The thread that connects polls this descriptor, too; readable once raised.
  [[nodiscard]] int descriptor() const { return event_; }
  // The socket that raise() shuts down from now on; -1: none, before it is closed. Shuts it
  // down at once when that has been asked for already.
  void watch(int socket);

 private:
  mutable std::mutex mutex_;
  int event_;
  int socket_ = -1;
  bool raised_ = false;
};

}  // namespace gatehouse::mysql
