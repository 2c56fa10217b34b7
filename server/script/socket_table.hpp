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
#include "net/listener.hpp"
#include "net/network.hpp"
#include "script/socket_shard.hpp"

namespace gatehouse::script {

class SocketTable {
 public:
  // Destroy it after System::stop() and before the System.
  explicit SocketTable(actor::System& system);
  ~SocketTable();
  SocketTable(const SocketTable&) = delete;
  SocketTable& operator=(const SocketTable&) = delete;

  // All functions below run on a worker's thread, for a service of that worker.

  struct Listening {
    std::uint32_t id;
    net::Address address;
  };
  // Binds and listens; connections wait until start(). Errors: as net::listen; kFull.
  [[nodiscard]] Result<Listening> listen(net::Network& network, ServiceId owner,
                                         const net::Endpoint& endpoint, int backlog);
  // Connects; the owner gets kOpen or kError. kFull: no id is left.
  [[nodiscard]] Result<std::uint32_t> connect(ServiceId owner, const net::Endpoint& endpoint);
  enum class Started : std::uint8_t { kYes, kLater };
  // Makes `owner` the one who accepts on a listener, or reads from a connection that nobody
  // reads. kLater: kReady comes, try again then. Errors: kNotFound; kDenied: another's.
  [[nodiscard]] Result<Started> start(std::uint32_t id, ServiceId owner);
  // Gives a connection up without closing it; unread bytes go to whoever starts it next.
  void abandon(std::uint32_t id, ServiceId owner);
  // Writes to any connection of the process; false: there is none, or it is ending.
  bool write(std::uint32_t id, std::string_view bytes);
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

  struct Info {
    std::uint32_t id = 0;
    bool listener = false;
    ServiceId owner;
    std::string address;  // of the listener, or of the peer
    std::uint64_t accepted = 0;
  };
  [[nodiscard]] std::vector<Info> list() const;
  [[nodiscard]] actor::System& system() const { return system_; }
  [[nodiscard]] std::size_t count() const { return count_.load(std::memory_order_relaxed); }

  // Frees an id. Called by shards.
  void forget(std::uint32_t id);

 private:
  struct Entry {
    enum class State : std::uint8_t { kListening, kConnecting, kParked, kOpen };
    State state = State::kConnecting;
    bool started = false;      // a listener whose owner wants to hear of connections
    std::uint16_t worker = 0;  // of an open connection
    ServiceId owner;           // of a parked one: who listened, if it was never started
    net::Address address;
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

  void on_accept(std::uint32_t listener_id, net::Socket socket);
  void announce(ServiceId owner, std::uint32_t listener_id, std::uint32_t id);
  void on_connected(std::uint32_t id, const net::Endpoint& endpoint, Result<net::Socket> result);
  // Brings a connection that nobody owns to the table, from the worker that has it.
  void fetch(std::uint32_t id, std::uint16_t from, ServiceId for_service);

  actor::System& system_;
  std::array<std::unique_ptr<SocketShard>, actor::kWorkersMax> shards_;  // by their own workers

  mutable std::mutex mutex_;
  std::unordered_map<std::uint32_t, Entry> entries_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> owned_;  // service, id
  std::uint32_t last_id_ = 0;
  std::atomic<std::size_t> count_{0};
};

}  // namespace gatehouse::script
