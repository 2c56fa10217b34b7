#include "admission/server_rooms.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/assert.hpp"
#include "base/rate_bucket.hpp"

namespace gatehouse::admission {

class ServerRoom {
 public:
  ServerRoom(const Clock& clock, std::string server, const Limits& limits,
             ServerRooms::Players players, Metric& gauge)
      : clock_(clock),
        server_(std::move(server)),
        rate_(Rate::per_second(limits.login_rate_per_s, 1)),
        players_(std::move(players)),
        room_(
            {limits.waiting_places_max, limits.waiting_keep_ms, limits.waiting_update_ms},
            [this] { return take(); }, gauge) {}

  [[nodiscard]] const std::string& server() const { return server_; }
  WaitingRoom& room() { return room_; }
  std::atomic<std::uint32_t>& capacity() { return capacity_; }
  std::atomic<bool>& open() { return open_; }

  void leave() {
    const std::uint32_t before = entering_.fetch_sub(1);
    GATEHOUSE_ASSERT(before > 0);
    room_.admit();
  }

 private:
  // Under the room's lock.
  bool take() {
    if (!open_.load()) return false;
    const std::uint32_t capacity = capacity_.load();
    if (capacity > 0 && players_(server_) + entering_.load() >= capacity) return false;
    if (rate_.limited() && !bucket_.take(rate_, 1, clock_.monotonic_ns())) return false;
    entering_.fetch_add(1);
    return true;
  }

  const Clock& clock_;
  const std::string server_;
  const Rate rate_;
  const ServerRooms::Players players_;
  std::atomic<std::uint32_t> capacity_{0};
  std::atomic<bool> open_{true};
  std::atomic<std::uint32_t> entering_{0};  // passes given out
  RateBucket bucket_;                       // under the room's lock
  WaitingRoom room_;
};

Pass& Pass::operator=(Pass&& other) noexcept {
  std::swap(room_, other.room_);
  return *this;
}

Pass::~Pass() {
  if (room_) room_->leave();
}

ServerRooms::ServerRooms(const Clock& clock, const Limits& limits, MetricSet& metrics,
                         Players players)
    : clock_(clock),
      limits_(limits),
      gauge_(metrics.gauge("login_waiting", "room=\"server\"", "Logins that wait for their turn")),
      players_(std::move(players)) {}

ServerRooms::~ServerRooms() {
  close();
}

std::shared_ptr<ServerRoom> ServerRooms::of(const std::string& server) {
  std::lock_guard lock(mutex_);
  auto& room = rooms_[server];
  if (!room) room = std::make_shared<ServerRoom>(clock_, server, limits_, players_, gauge_);
  return room;
}

void ServerRooms::set_capacity(const std::string& server, std::uint32_t capacity) {
  of(server)->capacity().store(capacity);
}

void ServerRooms::set_game_servers(const std::vector<store::GameServer>& servers) {
  for (const auto& room : all()) {
    const auto row = std::ranges::find(servers, room->server(), &store::GameServer::name);
    const bool known = row != servers.end();
    room->capacity().store(known ? row->capacity : 0);
    room->open().store(!known || row->state == store::ServerState::kOpen);
  }
}

bool ServerRooms::enter(const std::string& server, const std::string& uid,
                        std::shared_ptr<Waiter> waiter, Called called) {
  const std::shared_ptr<ServerRoom> room = of(server);
  return room->room().enter(uid, WaitingRoom::Priority::kNormal, std::move(waiter),
                            [room, called = std::move(called)](WaitingRoom::Turn turn) mutable {
                              called(turn, turn == WaitingRoom::Turn::kEnter ? Pass(room) : Pass());
                            });
}

void ServerRooms::drop(const std::string& server, const std::string& uid, MonotonicMs now) {
  of(server)->room().drop(uid, now);
}

std::vector<std::shared_ptr<ServerRoom>> ServerRooms::all() {
  std::vector<std::shared_ptr<ServerRoom>> rooms;
  std::lock_guard lock(mutex_);
  for (const auto& [server, room] : rooms_) rooms.push_back(room);
  return rooms;
}

bool ServerRooms::update(MonotonicMs now) {
  bool waiting = false;
  for (const auto& room : all()) waiting = room->room().update(now) || waiting;
  return waiting;
}

void ServerRooms::close() {
  for (const auto& room : all()) room->room().close();
}

}  // namespace gatehouse::admission
