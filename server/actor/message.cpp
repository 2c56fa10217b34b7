#include "actor/message.hpp"

#include <cstdlib>
#include <cstring>
#include <new>

#include "base/assert.hpp"

namespace gatehouse::actor {

static_assert(alignof(Message) <= alignof(std::max_align_t));
static_assert(std::is_trivially_copyable_v<Message>, "grow_message moves blocks with realloc");

static_assert(sizeof(Message) % alignof(SharedPayload*) == 0, "the pointer lies behind it");

void MessageDeleter::operator()(Message* message) const {
  if (message->shared) SharedPayloadPtr(message->payload()).reset();
  std::free(message);
}

void SharedPayloadDeleter::operator()(SharedPayload* payload) const {
  const std::uint32_t before = payload->references.fetch_sub(1, std::memory_order_acq_rel);
  GATEHOUSE_ASSERT(before != 0);
  if (before != 1) return;
  payload->~SharedPayload();
  std::free(payload);
}

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

SharedPayloadPtr make_shared_payload(std::string_view payload) {
  GATEHOUSE_ASSERT(payload.size() <= UINT32_MAX);
  void* block = std::malloc(sizeof(SharedPayload) + payload.size());
  if (block == nullptr) throw std::bad_alloc();
  auto* shared = new (block) SharedPayload();
  shared->references.store(1, std::memory_order_relaxed);
  shared->size = static_cast<std::uint32_t>(payload.size());
  if (!payload.empty()) std::memcpy(shared->data(), payload.data(), payload.size());
  return SharedPayloadPtr(shared);
}

MessagePtr make_message(SharedPayload& payload) {
  MessagePtr message = make_message(sizeof(SharedPayload*));
  const std::uint32_t before = payload.references.fetch_add(1, std::memory_order_relaxed);
  GATEHOUSE_ASSERT(before != 0 && before != UINT32_MAX);  // the caller holds one
  message->payload() = &payload;
  message->shared = true;
  message->size = payload.size;
  return message;
}

MessagePtr grow_message(MessagePtr message, std::size_t capacity) {
  GATEHOUSE_ASSERT(!message->shared);
  void* block = std::realloc(static_cast<void*>(message.get()), sizeof(Message) + capacity);
  if (block == nullptr) throw std::bad_alloc();
  static_cast<void>(message.release());
  return MessagePtr(static_cast<Message*>(block));
}

}  // namespace gatehouse::actor
