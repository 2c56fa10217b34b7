#include "actor/work_queue.hpp"

#include <utility>

#include "base/assert.hpp"

namespace gatehouse::actor {

Result<> WorkQueue::push(WorkKey key, Work&& work) {
  GATEHOUSE_ASSERT(work);
  if (size_ >= options_.works_max) return fail(Errc::kFull, "queue is full");
  if (key != 0) {
    const auto [behind, first] = behind_.try_emplace(key);
    if (!first) {
      if (behind->second.size() + 1 >= options_.key_works_max)
        return fail(Errc::kFull, "too much waits of this account");
      behind->second.push_back(std::move(work));
      ++size_;
      return {};
    }
  }
  ++size_;
  make_ready(key, std::move(work));
  return {};
}

bool WorkQueue::is_slow(WorkKey key) const {
  // With one thread there is none to keep free.
  return !slow_until_ms_.empty() && key != 0 && slow_threads_max() > 0 &&
         slow_until_ms_.contains(key);
}

void WorkQueue::make_ready(WorkKey key, Work&& work) {
  const bool slow = is_slow(key);
  (slow ? slow_ready_ : ready_).push_back({key, slow, std::move(work)});
}

// The slow keep one thread however much else waits, and get more only when nothing does.
bool WorkQueue::slow_goes_next() const {
  if (slow_ready_.empty()) return false;
  return slow_running_ == 0 || (ready_.empty() && slow_running_ < slow_threads_max());
}

bool WorkQueue::runnable() const {
  return !ready_.empty() || slow_goes_next();
}

WorkQueue::Item WorkQueue::pop() {
  GATEHOUSE_ASSERT(runnable() && size_ >= ready_.size() + slow_ready_.size());
  std::deque<Item>& from = slow_goes_next() ? slow_ready_ : ready_;
  Item item = std::move(from.front());
  from.pop_front();
  --size_;
  if (item.slow) ++slow_running_;
  GATEHOUSE_ASSERT(slow_running_ <= options_.threads);
  // One thread keeps a key's order by itself, so that it may take several works as one group.
  if (item.key != 0 && options_.threads == 1) go_on(item.key);
  return item;
}

void WorkQueue::go_on(WorkKey key) {
  const auto behind = behind_.find(key);
  GATEHOUSE_ASSERT(behind != behind_.end());
  if (behind->second.empty()) {
    behind_.erase(behind);
    return;
  }
  Work next = std::move(behind->second.front());
  behind->second.erase(behind->second.begin());
  make_ready(key, std::move(next));
}

void WorkQueue::done(const Item& item, MonotonicMs held_ms, MonotonicMs now_ms) {
  GATEHOUSE_ASSERT(held_ms >= 0 && (!item.slow || slow_running_ > 0));
  if (item.slow) --slow_running_;
  if (item.key == 0 || options_.threads == 1) return;
  remember(item.key, held_ms >= options_.slow_ms, now_ms);
  go_on(item.key);
}

void WorkQueue::remember(WorkKey key, bool slow, MonotonicMs now_ms) {
  if (!slow) {
    if (!slow_until_ms_.empty()) slow_until_ms_.erase(key);
    return;
  }
  if (slow_until_ms_.size() >= kSlowKeysMax)
    std::erase_if(slow_until_ms_, [now_ms](const auto& entry) { return entry.second <= now_ms; });
  if (slow_until_ms_.size() < kSlowKeysMax) slow_until_ms_[key] = now_ms + kSlowMemoryMs;
}

}  // namespace gatehouse::actor
