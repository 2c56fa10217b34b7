// Many threads push, one drains: a lock-free stack that the owner takes whole and reverses.
// Batches cost one compare-and-swap. This and Loop::wake() are the only two cross-thread acts.
#pragma once

#include <atomic>

#include "actor/message.hpp"
#include "base/assert.hpp"

namespace gatehouse::actor {

// A list under construction, newest first, pushed as one batch.
struct EnvelopeBatch {
  Envelope* newest = nullptr;
  Envelope* oldest = nullptr;

  void add(Envelope* envelope) {
    envelope->next = newest;
    newest = envelope;
    if (oldest == nullptr) oldest = envelope;
  }
};

class Inbox {
 public:
  // Takes the batch's envelopes over. Any thread.
  void push(EnvelopeBatch batch) {
    GATEHOUSE_ASSERT(batch.newest != nullptr && batch.oldest->next == nullptr);
    Envelope* head = head_.load(std::memory_order_relaxed);
    do {
      batch.oldest->next = head;
    } while (!head_.compare_exchange_weak(head, batch.newest, std::memory_order_seq_cst,
                                          std::memory_order_relaxed));
  }

  // All envelopes, oldest first, linked by next. Owner thread.
  [[nodiscard]] Envelope* take() {
    if (head_.load(std::memory_order_relaxed) == nullptr) return nullptr;
    Envelope* newest = head_.exchange(nullptr, std::memory_order_acquire);
    Envelope* oldest_first = nullptr;
    while (newest != nullptr) {
      Envelope* next = newest->next;
      newest->next = oldest_first;
      oldest_first = newest;
      newest = next;
    }
    return oldest_first;
  }

  [[nodiscard]] bool empty() const { return head_.load(std::memory_order_seq_cst) == nullptr; }

 private:
  alignas(64) std::atomic<Envelope*> head_{nullptr};
};

}  // namespace gatehouse::actor
