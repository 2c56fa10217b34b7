// The sockets of all Lua services: ids for the whole process, who owns which, listeners, and
// the connections that wait for a service to start them. What is open lives in the shard of
// its worker.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "actor/system.hpp"
#include "base/result.hpp"
#include "net/network.hpp"
#include "sockets/socket_shard.hpp"

namespace gatehouse::sockets {

class SocketTable {
 public:
  // Destroy it after System::stop() and before the System.
  // Without a network nothing below may be called but drop_service() and count().
  SocketTable(actor::System& system, net::Network* network);
  ~SocketTable();
  SocketTable(const SocketTable&) = delete;
  SocketTable& operator=(const SocketTable&) = delete;

  // All functions below run on a worker's thread, for a service of that worker.

  struct Listening {
    std::uint32_t id;
    net::Address address;
  };
  // Binds and listens; connections wait until start(). Errors: as net::Network::listen(); kFull.
  [[nodiscard]] Result<Listening> listen(ServiceId owner, const net::Endpoint& endpoint,
                                         int backlog);
  // Connects; the owner gets kOpen or kError. kFull: no id is left.
  [[nodiscard]] Result<std::uint32_t> connect(ServiceId owner, const net::Endpoint& endpoint);
  enum class Started : std::uint8_t { kYes, kLater };
  // Makes `owner` the one who accepts on a listener, or reads from a connection that nobody
  // reads. kLater: kReady comes, try again then. Errors: kNotFound; kDenied: another's.
  [[nodiscard]] Result<Started> start(std::uint32_t id, ServiceId owner);
  // Gives a connection up without closing it; unread bytes go to whoever starts it next.
  void abandon(std::uint32_t id, ServiceId owner);
  // Writes to any connection of the process, or sends a datagram to the peer of a UDP socket;
  // false: there is none, or it is ending. `low`: when all other output has left.
  bool write(std::uint32_t id, std::string_view bytes, bool low = false);
  // Reads from and writes to a copy of a descriptor: a pipe, a terminal or a socket. Errors: as
  // net::Network::open_descriptor(); kFull.
  [[nodiscard]] Result<std::uint32_t> bind(ServiceId owner, int descriptor);

  // --- UDP. Any service may send; the owner gets kDatagram.
  // Errors: as net::Network::open_udp(); kFull.
  [[nodiscard]] Result<std::uint32_t> open_udp(ServiceId owner, const net::Address& local);
  // Where write() sends to, for an own socket. kNotFound: it is none; kInvalid: of the other
  // family.
  [[nodiscard]] Result<> connect_udp(std::uint32_t id, ServiceId owner, const net::Address& peer);
  bool send_udp(std::uint32_t id, const net::Address& to, std::string_view bytes);
  // The owner has taken a datagram of so many bytes out of its mailbox.
  void taken_udp(std::uint32_t id, ServiceId owner, std::size_t bytes);

  // Ends any socket; what was written to it is sent first, unless `at_once`. False: no such
  // socket. The owner learns of it by kClose; of a connection that was never started, that is
  // the listener's.
  bool close(std::uint32_t id, bool at_once);
  // The owner's last word on a socket: its id is free.
  void release(std::uint32_t id, ServiceId owner);
  // A service ends: so do its sockets. Also after the loop ended.
  void drop_service(ServiceId service);
  // Looks a host up; the caller gets kResolved or kError under the number returned.
  [[nodiscard]] std::uint32_t resolve(ServiceId caller, const std::string& host);
  // The open connection `id` of `owner`, or nullptr.
  [[nodiscard]] LuaSocket* find(std::uint32_t id, ServiceId owner);

  enum class Kind : std::uint8_t { kListener, kTcp, kUdp, kBound };
  struct Info {
    std::uint32_t id = 0;
    Kind kind = Kind::kTcp;
    ServiceId owner;
    std::string local;  // of a listener and of UDP
    std::string peer;
    std::uint64_t accepted = 0;
    std::shared_ptr<const SocketCounters> counters;
  };
  [[nodiscard]] std::vector<Info> list() const;
  [[nodiscard]] actor::System& system() const { return system_; }
  [[nodiscard]] bool has_network() const { return network_ != nullptr; }
  [[nodiscard]] std::size_t count() const { return count_.load(std::memory_order_relaxed); }

  // Frees an id. Called by shards.
  void forget(std::uint32_t id);

 private:
  struct Entry {
    enum class State : std::uint8_t { kListening, kConnecting, kParked, kOpen, kUdp };
    State state = State::kConnecting;
    Kind kind = Kind::kTcp;
    bool started = false;      // a listener whose owner wants to hear of connections
    std::uint16_t worker = 0;  // of an open connection, or of UDP
    ServiceId owner;           // of a parked one: who listened, if it was never started
    net::Address address;      // of a listener or UDP socket; otherwise of the peer
    net::Address udp_peer;
    std::shared_ptr<SocketCounters> counters = std::make_shared<SocketCounters>();
    std::unique_ptr<net::Listener> listener;
    std::vector<std::uint32_t> waiting;  // accepted before start()
    std::uint64_t accepted = 0;
    ParkedSocket parked;
  };
  using State = Entry::State;

  [[nodiscard]] SocketShard& shard();
  // With the mutex held:
  [[nodiscard]] Result<std::uint32_t> add(State state, ServiceId owner);
  [[nodiscard]] Entry* entry(std::uint32_t id);
  void give(std::uint32_t id, Entry& e, ServiceId owner);
  void erase(std::uint32_t id);
  // Adds an entry that this worker has.
  [[nodiscard]] Result<std::pair<std::uint32_t, std::shared_ptr<SocketCounters>>> add_here(
      State state, Kind kind, ServiceId owner);
  // Without the mutex: a UDP socket of this worker ends; its owner is told.
  void end_udp(LuaUdp& socket, std::uint32_t id);

  void on_accept(std::uint32_t listener_id, std::unique_ptr<net::Transport> transport);
  void announce(ServiceId owner, std::uint32_t listener_id, std::uint32_t id);
  void on_connected(std::uint32_t id, const net::Endpoint& endpoint,
                    Result<std::unique_ptr<net::Transport>> result);
  // Brings a connection that nobody owns to the table, from the worker that has it.
  void fetch(std::uint32_t id, std::uint16_t from, ServiceId for_service);

  actor::System& system_;
  net::Network* const network_;
  std::array<std::unique_ptr<SocketShard>, actor::kWorkersMax> shards_;  // by their own workers

  mutable std::mutex mutex_;
  std::unordered_map<std::uint32_t, Entry> entries_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> owned_;  // service, id
  std::uint32_t last_id_ = 0;
  std::atomic<std::size_t> count_{0};
};

}  // namespace gatehouse::sockets
