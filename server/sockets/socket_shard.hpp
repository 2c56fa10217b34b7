// The open sockets of one worker's Lua services. Touched by that worker's thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "actor/system.hpp"
#include "net/network.hpp"
#include "sockets/lua_socket.hpp"
#include "sockets/lua_udp.hpp"

namespace gatehouse::sockets {

class SocketTable;

class SocketShard final : private actor::TurnEndHook {
 public:
  // Both outlive it. On the worker's thread, after its loop started.
  SocketShard(SocketTable& table, net::Network& network, actor::Worker& worker);
  SocketShard(const SocketShard&) = delete;
  SocketShard& operator=(const SocketShard&) = delete;

  [[nodiscard]] actor::Worker& worker() const { return worker_; }
  [[nodiscard]] actor::System& system() const { return worker_.system(); }
  // The socket, or nullptr when it is not on this worker.
  [[nodiscard]] LuaSocket* find(std::uint32_t id) const;
  // Puts a connection under its id here. Owner 0: it stays unread until somebody starts it.
  LuaSocket& open(std::uint32_t id, ServiceId owner, std::shared_ptr<SocketCounters> counters,
                  ParkedSocket parked);
  // Puts a pipe, a terminal or a socket under its id here. Errors: as
  // net::Network::open_descriptor().
  [[nodiscard]] Result<> open_descriptor(std::uint32_t id, ServiceId owner,
                                         std::shared_ptr<SocketCounters> counters, int descriptor);
  // Forgets a socket that has ended, and frees its id.
  void remove(LuaSocket& socket);
  // Forgets a socket whose connection moves; its id stays taken.
  [[nodiscard]] ParkedSocket take(LuaSocket& socket);

  // The same for UDP. Errors of open_udp: as net::Network::open_udp().
  [[nodiscard]] LuaUdp* find_udp(std::uint32_t id) const;
  [[nodiscard]] Result<> open_udp(std::uint32_t id, ServiceId owner,
                                  std::shared_ptr<SocketCounters> counters,
                                  const net::Address& local);
  void remove_udp(std::uint32_t id);

  // --- Called by LuaSocket ---
  // Has on_turn_end() called until it returns false.
  void watch(LuaSocket& socket);
  // The connection ended. One that nobody owns and that holds no bytes goes.
  void on_end(LuaSocket& socket);

 private:
  void on_turn_end() override;

  SocketTable& table_;
  net::Network& network_;
  actor::Worker& worker_;
  std::unordered_map<std::uint32_t, std::unique_ptr<LuaSocket>> sockets_;
  std::unordered_map<std::uint32_t, std::unique_ptr<LuaUdp>> udp_;
  std::vector<std::uint32_t> watched_;  // ids with unsent output
};

}  // namespace gatehouse::sockets
