// A service: an address, a FIFO mailbox and a handler. Born on a worker, it stays there;
// nothing of it is touched by another thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "actor/message.hpp"
#include "base/ids.hpp"

namespace gatehouse::actor {

class Worker;

// What one message to a service became.
enum class SendResult : std::uint8_t { kQueued, kUnknown, kFull };

class Service {
 public:
  Service() = default;
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  virtual ~Service();

  [[nodiscard]] ServiceId id() const { return id_; }
  [[nodiscard]] Worker& worker() const { return *worker_; }
  [[nodiscard]] bool exiting() const { return exiting_; }
  [[nodiscard]] std::uint32_t mailbox_length() const { return mailbox_length_; }
  // For tests.
  [[nodiscard]] std::size_t mailbox_bytes() const { return mailbox_bytes_; }
  [[nodiscard]] std::uint64_t message_count() const { return message_count_; }
  // How long its handlers ran, while System::profile is on.
  [[nodiscard]] std::int64_t busy_ns() const { return busy_ns_; }

 protected:
  // The service has its address and worker; messages come next.
  virtual void on_start() {}
  // Handles one message. May send, spawn, and retire any service, itself included.
  virtual void on_message(MessagePtr message) = 0;
  // Whether watchers of exits (System::watch_exits) are told of this one.
  [[nodiscard]] virtual bool announces_exit() const { return false; }
  // Somebody asks it to end: an operator, or its own script (`itself`). False: it has things to do
  // first and ends by Worker::retire when it has done them.
  [[nodiscard]] virtual bool ends_when_asked(bool itself) {
    static_cast<void>(itself);
    return true;
  }
  // Leaves the registry: called once, before queued requests are answered with errors. It owes
  // every requester still served an error reply.
  virtual void on_exit() {}

 private:
  friend class Worker;

  ServiceId id_;
  std::uint32_t mailbox_length_ = 0;
  Worker* worker_ = nullptr;
  Message* mailbox_head_ = nullptr;
  Message* mailbox_tail_ = nullptr;
  Service* next_ready_ = nullptr;
  std::size_t mailbox_bytes_ = 0;  // of messages from the same worker; see Registry for the rest
  std::uint64_t message_count_ = 0;
  std::int64_t busy_ns_ = 0;
  // The mailbox length that logs the next warning (docs/skynet-rules.md 2.15).
  std::uint32_t overload_warned_at_ = 1024;
  bool ready_ = false;    // in the worker's ready list
  bool running_ = false;  // inside on_message
  bool exiting_ = false;  // retired; freed when it is neither ready, running nor pinned
  std::uint16_t pins_ = 0;
};

}  // namespace gatehouse::actor
