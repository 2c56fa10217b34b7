#include "actor/message.hpp"

#include <cstdlib>
#include <cstring>
#include <new>

#include "base/assert.hpp"

namespace gatehouse::actor {

static_assert(alignof(Message) <= alignof(std::max_align_t));
static_assert(std::is_trivially_copyable_v<Message>, "grow_message moves blocks with realloc");

void MessageDeleter::operator()(Message* message) const { std::free(message); }

MessagePtr make_message(std::size_t size) {
  GATEHOUSE_ASSERT(size <= UINT32_MAX);
  void* block = std::malloc(sizeof(Message) + size);
  if (block == nullptr) throw std::bad_alloc();
  auto* message = new (block) Message();
  message->size = static_cast<std::uint32_t>(size);
  return MessagePtr(message);
}

MessagePtr make_message(std::string_view payload) {
  MessagePtr message = make_message(payload.size());
  if (!payload.empty()) std::memcpy(message->data(), payload.data(), payload.size());
  return message;
}

MessagePtr grow_message(MessagePtr message, std::size_t capacity) {
  void* block = std::realloc(static_cast<void*>(message.get()), sizeof(Message) + capacity);
  if (block == nullptr) throw std::bad_alloc();
  static_cast<void>(message.release());
  return MessagePtr(static_cast<Message*>(block));
}

}  // namespace gatehouse::actor
