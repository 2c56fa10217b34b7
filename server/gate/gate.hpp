// A message-server gate (docs/protocol.md 3): a listening port, the connections
// that came in by it and the sessions logged in at it. Several gates of one process are several
// Gates.
//
//   edge::Entrance -> Connection (any worker) -- handshake --> worker of the name's Session
//   Connection -> Session -> Agent, and back, on that worker, without a queue between
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "actor/system.hpp"
#include "base/limits.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"
#include "edge/census.hpp"
#include "edge/entrance.hpp"
#include "edge/guard.hpp"
#include "gate/agent.hpp"
#include "gate/directory.hpp"
#include "gate/options.hpp"
#include "gate/session.hpp"
#include "net/address.hpp"
#include "net/network.hpp"

namespace gatehouse::gate {

class GateCore;

// Destroy it after System::stop(), when all sessions are gone; stop_accepting() before that.
class Gate {
 public:
  // `guard` is the process's, and outlives it.
  Gate(GateOptions options, MetricSet& metrics, edge::Guard& guard,
       const edge::Surroundings& surroundings = {});
  ~Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // Listens; errors as net::Network::listen(). Once, while the System runs, from any thread.
  [[nodiscard]] Result<> start(net::Network& network, actor::System& system);
  // Refuses new connections from now on; those that are in stay. Any thread; twice is once.
  void stop_accepting();
  // Memory runs out: ends the connections of players who have more than a little unread. Any
  // thread; returns at once.
  void end_slow_readers();
  // Tells every connected player that the server is about to stop. Any thread; returns at once.
  void drain();

  // Logs a player in, on the worker of its agent, which must be `worker`'s thread. kExists: the
  // name is logged in; kUnavailable: the gate has not started.
  [[nodiscard]] Result<std::unique_ptr<Session>> create_session(SessionSpec spec,
                                                                actor::Worker& worker,
                                                                Agent& agent);

  // The address listened on, with the real port; unknown before start(). Any thread after it.
  [[nodiscard]] const net::Address& address() const { return address_; }
  [[nodiscard]] const std::string& server() const;
  [[nodiscard]] edge::ListenerTransport transport() const;
  // What clients are told to connect to.
  [[nodiscard]] const std::string& advertise() const { return advertise_; }
  // How many connections it takes.
  [[nodiscard]] std::uint32_t maxclient() const;
  // Open connections, those in the handshake included. Any thread.
  [[nodiscard]] std::uint32_t connection_count() const;
  // The same with those beyond maxclient, which are about to end. Any thread.
  [[nodiscard]] std::uint32_t open_count() const;
  // The connections by how they come. Any thread.
  [[nodiscard]] std::vector<edge::Census::Line> census() const;
  // Players who count against a capacity: connected, or not away for long. Any thread.
  [[nodiscard]] std::size_t seat_count() const;
  // Players logged in. Any thread.
  [[nodiscard]] std::size_t session_count() const;
  [[nodiscard]] const Directory& directory() const;

 private:
  std::shared_ptr<GateCore> core_;
  std::string advertise_;
  net::Address address_;
  MetricSet& metrics_;
  const edge::Surroundings surroundings_;
  std::mutex entrance_mutex_;
  std::unique_ptr<edge::Entrance> entrance_;
};

}  // namespace gatehouse::gate
