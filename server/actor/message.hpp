// One message: a header directly followed by its payload, in one allocation. A packer writes
// into the payload in place, and the same block travels to the receiver without a copy.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/ids.hpp"
#include "base/unique_function.hpp"

namespace gatehouse::actor {

// skynet's protocol numbers (PTYPE_*, docs/skynet-rules.md 1.1); scripts may register others up to
// 255.
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

// A payload for many receivers: written once, never changed, freed with the last message that
// refers to it.
struct SharedPayload {
  std::atomic<std::uint32_t> references{0};  // messages and SharedPayloadPtrs
  std::uint32_t size = 0;

  [[nodiscard]] char* data() { return reinterpret_cast<char*>(this + 1); }
};

struct Message : Envelope {
  MessageType type = MessageType::kText;
  bool remote = false;       // counted in the receiver's remote bytes: it crossed threads
  bool shared = false;       // the block ends with a SharedPayload*, and `size` is the size of that
  bool pointers = false;     // this process packed light userdata into it (script/codec.hpp)
  std::int32_t session = 0;  // > 0: the source waits for a reply
  ServiceId source;
  ServiceId destination;
  std::uint32_t size = 0;  // payload bytes

  // A shared payload must not be written to.
  [[nodiscard]] char* data() { return shared ? payload()->data() : own(); }
  [[nodiscard]] const char* data() const { return const_cast<Message*>(this)->data(); }
  [[nodiscard]] std::string_view view() const { return {data(), size}; }
  [[nodiscard]] SharedPayload*& payload() { return *reinterpret_cast<SharedPayload**>(own()); }
  // What the message costs in a bounded mailbox; a shared payload counts in each of them.
  [[nodiscard]] std::size_t cost() const { return sizeof(Message) + size; }

 private:
  [[nodiscard]] char* own() { return reinterpret_cast<char*>(this + 1); }
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

struct SharedPayloadDeleter {
  void operator()(SharedPayload* payload) const;
};
using SharedPayloadPtr = std::unique_ptr<SharedPayload, SharedPayloadDeleter>;

// A payload that messages of any thread may share.
[[nodiscard]] SharedPayloadPtr make_shared_payload(std::string_view payload);
// A message that refers to it. Any thread that holds a reference.
[[nodiscard]] MessagePtr make_message(SharedPayload& payload);

// The message a payload pointer belongs to, which must not be a shared one (light userdata that
// Lua holds, skynet.pack, docs/skynet-rules.md 2.8).
[[nodiscard]] inline Message* message_of_payload(void* payload) {
  return static_cast<Message*>(payload) - 1;
}

// Work for a worker's thread.
struct Job : Envelope {
  explicit Job(UniqueFunction<void()> f) : function(std::move(f)) { kind = Kind::kJob; }
  UniqueFunction<void()> function;
};

}  // namespace gatehouse::actor
