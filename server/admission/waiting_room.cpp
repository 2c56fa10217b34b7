#include "admission/waiting_room.hpp"

#include <vector>

#include "base/assert.hpp"

namespace gatehouse::admission {
namespace {

// One of so many turns goes to the lowest priority, so that nobody waits for ever.
constexpr std::uint64_t kTurnsForAll = 8;

}  // namespace

WaitingRoom::WaitingRoom(WaitingRoomOptions options, UniqueFunction<bool()> take_slot,
                         Metric& gauge)
    : options_(options), take_slot_(std::move(take_slot)), gauge_(gauge) {
  GATEHOUSE_ASSERT(take_slot_);
}

WaitingRoom::~WaitingRoom() {
  GATEHOUSE_ASSERT(attached_ == 0);
}

bool WaitingRoom::enter(const std::string& key, Priority priority, std::shared_ptr<Waiter> waiter,
                        Called called) {
  GATEHOUSE_ASSERT(!key.empty() && waiter != nullptr && called);
  Called pushed_out;
  {
    std::unique_lock lock(mutex_);
    if (closed_) return false;
    if (attached_ == 0 && take_slot_()) {
      if (const auto kept = by_key_.find(key); kept != by_key_.end()) erase(kept->second);
      lock.unlock();
      called(Turn::kEnter);
      return true;
    }
    const auto found = by_key_.find(key);
    const bool kept = found != by_key_.end() && found->second->second.waiter == nullptr;
    if (!kept && !make_room(priority, pushed_out)) return false;
    const auto at = kept ? found->second : add(key, priority);
    Place& place = at->second;
    waiter->position.store(static_cast<std::uint32_t>(places_.size()));
    place.waiter = std::move(waiter);
    place.called = std::move(called);
    ++attached_;
    gauge_.add(1);
  }
  if (pushed_out) pushed_out(Turn::kPushedOut);
  admit();
  return true;
}

WaitingRoom::Places::iterator WaitingRoom::add(const std::string& key, Priority priority) {
  const auto at = places_.emplace(Order{priority, ++sequence_}, Place{key, {}, {}, 0}).first;
  // The second of one key at a time has a place of no name, which is not kept.
  if (!by_key_.emplace(key, at).second) at->second.key.clear();
  return at;
}

// True when there is room for one more of this priority, made by pushing another out if need be.
bool WaitingRoom::make_room(Priority priority, Called& pushed_out) {
  if (places_.size() < options_.places_max) return true;
  if (attached_ < places_.size()) {
    auto kept = std::prev(places_.end());
    while (kept->second.waiter != nullptr) --kept;
    erase(kept);
    return true;
  }
  const auto last = std::prev(places_.end());
  if (last->first.first <= priority) return false;
  pushed_out = detach(last->second);
  erase(last);
  return true;
}

WaitingRoom::Called WaitingRoom::detach(Place& place) {
  GATEHOUSE_ASSERT(attached_ > 0 && place.waiter != nullptr);
  place.waiter->position.store(0, std::memory_order_relaxed);
  place.waiter->told = 0;
  place.waiter.reset();
  --attached_;
  gauge_.add(-1);
  return std::move(place.called);
}

void WaitingRoom::erase(Places::iterator at) {
  GATEHOUSE_ASSERT(at->second.waiter == nullptr);
  if (!at->second.key.empty()) {
    const std::size_t erased = by_key_.erase(at->second.key);
    GATEHOUSE_ASSERT(erased == 1);
  }
  places_.erase(at);
}

void WaitingRoom::drop(const std::string& key, MonotonicMs now) {
  Called called;
  {
    std::lock_guard lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end() || found->second->second.waiter == nullptr) return;
    Place& place = found->second->second;
    place.kept_until_ms = now + options_.keep_ms;
    called = detach(place);
  }
  called(Turn::kLeft);
}

// The place whose turn it is, of those whose client is there; end(): there is none.
WaitingRoom::Places::iterator WaitingRoom::next() {
  auto at = places_.begin();
  if (admitted_ % kTurnsForAll == kTurnsForAll - 1 && !places_.empty())
    at = places_.lower_bound(Order{std::prev(places_.end())->first.first, 0});
  const auto start = at;
  while (at != places_.end() && at->second.waiter == nullptr) ++at;
  if (at != places_.end() || start == places_.begin()) return at;
  for (at = places_.begin(); at != start && at->second.waiter == nullptr;) ++at;
  return at == start ? places_.end() : at;
}

void WaitingRoom::admit() {
  while (true) {
    Called called;
    {
      std::lock_guard lock(mutex_);
      if (attached_ == 0 || !take_slot_()) return;
      const auto at = next();
      GATEHOUSE_ASSERT(at != places_.end());
      ++admitted_;
      called = detach(at->second);
      erase(at);
    }
    called(Turn::kEnter);
  }
}

bool WaitingRoom::update(MonotonicMs now) {
  admit();
  std::vector<std::pair<std::shared_ptr<Waiter>, std::uint32_t>> moved;
  bool waiting = false;
  {
    std::lock_guard lock(mutex_);
    std::uint32_t position = 0;
    for (auto at = places_.begin(); at != places_.end();) {
      const auto here = at++;
      const std::shared_ptr<Waiter>& waiter = here->second.waiter;
      if (waiter == nullptr && now >= here->second.kept_until_ms) {
        erase(here);
        continue;
      }
      ++position;
      if (waiter == nullptr) continue;
      waiter->position.store(position, std::memory_order_relaxed);
      if (now < waiter->tell_ms || std::exchange(waiter->told, position) == position) continue;
      waiter->tell_ms = now + options_.update_ms;
      moved.emplace_back(waiter, position);
    }
    GATEHOUSE_ASSERT(position == places_.size() && attached_ <= position);
    waiting = attached_ > 0;
  }
  for (const auto& [waiter, position] : moved) waiter->on_position(position);
  return waiting;
}

void WaitingRoom::close() {
  std::vector<Called> all;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    for (auto& [order, place] : places_) {
      if (place.waiter) all.push_back(detach(place));
    }
    GATEHOUSE_ASSERT(attached_ == 0);
    by_key_.clear();
    places_.clear();
  }
  for (Called& called : all) called(Turn::kPushedOut);
}

}  // namespace gatehouse::admission
