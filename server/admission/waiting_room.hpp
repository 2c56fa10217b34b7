// Logins that wait for their turn, in order: for a hash, or for a place on a game server.
//
// A visitor is let in at once when nobody waits and there is a slot; else it gets a place. The
// places of a higher priority come first; within one priority, first come, first served. A
// visitor whose client drops keeps its place for a while: whoever comes again with the key has
// it back. When the room is full, kept places go first, and then a visitor of higher priority
// pushes the last one of the lowest out.
//
// Invariant: a function that enter() took is called exactly once, by whatever thread makes the
// turn come, never with the room's lock held.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/clock.hpp"
#include "base/metrics.hpp"
#include "base/unique_function.hpp"

namespace gatehouse::admission {

// What a login and the rooms on its way tell each other. Any thread.
struct Waiter {
  virtual ~Waiter() = default;
  // Its place in the room it waits in, from 1 up, when that is another than it was told last. Told
  // by WaitingRoom::update(), outside of the room's lock.
  virtual void on_position(std::uint32_t at) { static_cast<void>(at); }

  // Set once nobody waits for the answer: steps not begun are left out.
  std::atomic<bool> cancelled{false};
  // Its place, told or not; 0: it does not wait.
  std::atomic<std::uint32_t> position{0};
  // When its turn came, or it was sent away, in the last of the rooms; 0: in none yet.
  std::atomic<MonotonicMs> called_ms{0};
  // Monotonic time of its turn at the hash pool; 0: it had none.
  std::atomic<std::int64_t> turn_ns{0};

  // Of the room it waits in, under its lock: before when it is told nothing, and what it was told.
  MonotonicMs tell_ms = 0;
  std::uint32_t told = 0;
};

struct WaitingRoomOptions {
  std::size_t places_max = 10'000;
  std::uint32_t keep_ms = 60'000;
  std::uint32_t update_ms = 1'000;  // at least between two positions that one is told
};

class WaitingRoom {
 public:
  enum class Priority : std::uint8_t { kKnown, kNormal, kSuspect };
  enum class Turn : std::uint8_t {
    kEnter,      // has a slot now
    kLeft,       // the client is gone; its place is kept
    kPushedOut,  // by a visitor of higher priority
  };
  using Called = UniqueFunction<void(Turn)>;

  // take_slot: takes one of what is waited for, if there is one. Called under the room's lock,
  // on any thread. gauge: how many wait, here and in other rooms that share it.
  WaitingRoom(WaitingRoomOptions options, UniqueFunction<bool()> take_slot, Metric& gauge);
  WaitingRoom(const WaitingRoom&) = delete;
  WaitingRoom& operator=(const WaitingRoom&) = delete;
  // Nobody waits any more.
  ~WaitingRoom();

  // False when the room is full or closed: `called` is destroyed uncalled. `key` is not empty.
  [[nodiscard]] bool enter(const std::string& key, Priority priority,
                           std::shared_ptr<Waiter> waiter, Called called);
  // The client of this key is gone; nothing when it does not wait.
  void drop(const std::string& key, MonotonicMs now);
  // A slot may be free: lets in who may.
  void admit();
  // From time to time: forgets places kept for too long, lets in who may, and tells the others
  // their positions. True while somebody waits.
  bool update(MonotonicMs now);
  // Tells everybody that waits kPushedOut, and takes nobody any more.
  void close();

 private:
  using Order = std::pair<Priority, std::uint64_t>;
  struct Place {
    std::string key;
    std::shared_ptr<Waiter> waiter;  // none: kept for a client that dropped
    Called called;
    MonotonicMs kept_until_ms = 0;
  };
  using Places = std::map<Order, Place>;

  // All of these under the lock.
  [[nodiscard]] Places::iterator next();
  [[nodiscard]] bool make_room(Priority priority, Called& pushed_out);
  Places::iterator add(const std::string& key, Priority priority);
  Called detach(Place& place);
  void erase(Places::iterator at);

  const WaitingRoomOptions options_;
  UniqueFunction<bool()> take_slot_;
  Metric& gauge_;
  std::mutex mutex_;
  Places places_;
  std::unordered_map<std::string, Places::iterator> by_key_;
  std::uint64_t sequence_ = 0;
  std::size_t attached_ = 0;  // places whose client is there
  std::uint64_t admitted_ = 0;
  bool closed_ = false;
};

}  // namespace gatehouse::admission
