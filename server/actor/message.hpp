// One message: a header directly followed by its payload, in one allocation. A packer writes
// into the payload in place, and the same block travels to the receiver without a copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/ids.hpp"
#include "base/unique_function.hpp"

namespace gatehouse::actor {

// skynet's protocol numbers (sk 1.1, PTYPE_*); scripts may register others up to 255.
enum class MessageType : std::uint8_t {
  kText = 0,
  kResponse = 1,
  kMulticast = 2,
  kClient = 3,
  kSystem = 4,
  kHarbor = 5,
  kSocket = 6,
  kError = 7,
  kQueue = 8,
  kDebug = 9,
  kLua = 10,
  kSnax = 11,
  kTrace = 12,
};

// What an inbox holds: a message for a service, or a job for the worker itself.
struct Envelope {
  Envelope* next = nullptr;
  enum class Kind : std::uint8_t { kMessage, kJob } kind = Kind::kMessage;
};

struct Message : Envelope {
  MessageType type = MessageType::kText;
  bool remote = false;  // counted in the receiver's remote bytes: it crossed threads
  std::int32_t session = 0;  // > 0: the source waits for a reply
  ServiceId source;
  ServiceId destination;
  std::uint32_t size = 0;  // payload bytes

  [[nodiscard]] char* data() { return reinterpret_cast<char*>(this + 1); }
  [[nodiscard]] const char* data() const { return reinterpret_cast<const char*>(this + 1); }
  [[nodiscard]] std::string_view view() const { return {data(), size}; }
  // What the message costs in a bounded mailbox.
  [[nodiscard]] std::size_t cost() const { return sizeof(Message) + size; }
};

struct MessageDeleter {
  void operator()(Message* message) const;
};
using MessagePtr = std::unique_ptr<Message, MessageDeleter>;

// A message with room for `size` payload bytes. Free with MessagePtr. Any thread.
[[nodiscard]] MessagePtr make_message(std::size_t size);
// The same with the payload copied in.
[[nodiscard]] MessagePtr make_message(std::string_view payload);
// Grows the block so that the payload has room for `capacity` bytes; data() may move.
[[nodiscard]] MessagePtr grow_message(MessagePtr message, std::size_t capacity);
// The message a payload pointer belongs to (lightuserdata that Lua holds, sk 1.1 skynet.pack).
[[nodiscard]] inline Message* message_of_payload(void* payload) {
  return static_cast<Message*>(payload) - 1;
}

// Work for a worker's thread.
struct Job : Envelope {
  explicit Job(UniqueFunction<void()> f) : function(std::move(f)) { kind = Kind::kJob; }
  UniqueFunction<void()> function;
};

}  // namespace gatehouse::actor
