// The waiting rooms in front of the game servers: who has proved to be who he is waits here for
// a place among the players (`game_server.capacity`), and for his turn when logins are let in at
// a rate (`limits.login_rate_per_s`).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "admission/waiting_room.hpp"
#include "base/clock.hpp"
#include "base/limits.hpp"
#include "base/metrics.hpp"
#include "store/records.hpp"

namespace gatehouse::admission {

class ServerRoom;

// A player on the way into a game server. Counts against its capacity until it is destroyed, on
// any thread, even after the rooms.
class Pass {
 public:
  Pass() = default;
  explicit Pass(std::shared_ptr<ServerRoom> room) : room_(std::move(room)) {}
  Pass(Pass&& other) noexcept = default;
  Pass& operator=(Pass&& other) noexcept;
  ~Pass();

 private:
  std::shared_ptr<ServerRoom> room_;  // none: no pass
};

// Any thread.
class ServerRooms {
 public:
  // players: how many a game server has now; outlives every visit. Gauge
  // `login_waiting{room="server"}` counts over all of them.
  using Players = std::function<std::size_t(std::string_view server)>;
  ServerRooms(const Clock& clock, const Limits& limits, MetricSet& metrics, Players players);
  ServerRooms(const ServerRooms&) = delete;
  ServerRooms& operator=(const ServerRooms&) = delete;
  ~ServerRooms();

  // What the store says of a game server. capacity 0: no limit.
  void set_capacity(const std::string& server, std::uint32_t capacity);
  // What it says of all. One that is not open lets nobody in: who waits goes on waiting. One
  // without a row is open and has no limit.
  void set_game_servers(const std::vector<store::GameServer>& servers);

  // `called` gets a pass with Turn::kEnter, an empty one otherwise. False: the room is full.
  using Called = UniqueFunction<void(WaitingRoom::Turn, Pass)>;
  [[nodiscard]] bool enter(const std::string& server, const std::string& uid,
                           std::shared_ptr<Waiter> waiter, Called called);
  void drop(const std::string& server, const std::string& uid, MonotonicMs now);

  // The gauge.
  [[nodiscard]] const Metric& waiting() const { return gauge_; }
  // WaitingRoom's, for all rooms.
  bool update(MonotonicMs now);
  void close();

 private:
  [[nodiscard]] std::shared_ptr<ServerRoom> of(const std::string& server);
  [[nodiscard]] std::vector<std::shared_ptr<ServerRoom>> all();

  const Clock& clock_;
  const Limits limits_;
  Metric& gauge_;
  const Players players_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<ServerRoom>> rooms_;  // under mutex_
};

}  // namespace gatehouse::admission
