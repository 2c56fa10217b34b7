// A network within the process, without sockets and files: for tests and simulation of whatever
// listens and connects. Build it after the System, and start the System with its factory, or with
// loops of the simulation's own (add_worker()).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actor/system.hpp"
#include "net/memory_transport.hpp"
#include "net/network.hpp"

namespace gatehouse::net {

class MemoryNetwork final : public Network {
 public:
  explicit MemoryNetwork(actor::System& system) : system_(system) {}
  // After System::stop().
  ~MemoryNetwork() override;
  MemoryNetwork(const MemoryNetwork&) = delete;
  MemoryNetwork& operator=(const MemoryNetwork&) = delete;

  // Loops that sleep on a condition variable, and end their worker's transports when it stops.
  [[nodiscard]] actor::System::LoopFactory loop_factory();
  // The same for one worker that something else steps. Before it runs; when it stops,
  // transports(worker).end() is the caller's to call, on its thread.
  void add_worker(actor::Worker& worker);

  // What resolve(), connect() and listen() know besides numbers. Any thread.
  void set_host(const std::string& name, std::vector<std::string> addresses);
  // Called with each connection before anything is sent: where who plays the network keeps the
  // link. On the thread that connects. Before the System runs.
  using LinkWatcher = UniqueFunction<void(const Endpoint& to, const std::shared_ptr<MemoryLink>&)>;
  void on_link(LinkWatcher watcher) { on_link_ = std::move(watcher); }
  // A client's end of a connection from `source` to a numeric address. kUnavailable: nobody
  // listens there. Any thread.
  [[nodiscard]] Result<std::unique_ptr<MemoryTransport>> dial(const Address& source,
                                                              const Address& to);

  // Network; connecting takes no time.
  [[nodiscard]] TransportSet& transports(std::uint16_t worker) override;
  [[nodiscard]] Result<std::unique_ptr<Listener>> listen(const Endpoint& endpoint,
                                                         const ListenOptions& options,
                                                         AcceptHandler on_accept) override;
  void connect(const Endpoint& endpoint, std::uint32_t timeout_ms,
               ConnectCallback callback) override;
  void resolve(const std::string& host, ResolveCallback callback) override;
  // kUnavailable.
  [[nodiscard]] Result<UdpSocket*> open_udp(const Address& local, UdpHandler& handler) override;
  [[nodiscard]] Result<Transport*> open_descriptor(int descriptor,
                                                   TransportHandler& handler) override;

 private:
  class Door;
  struct Accepting;

  // kNotFound.
  [[nodiscard]] Result<std::vector<std::string>> look_up(const std::string& host);
  void remove(const Door& door);

  actor::System& system_;
  LinkWatcher on_link_;
  std::array<std::unique_ptr<TransportSet>, actor::kWorkersMax> sets_;
  std::mutex mutex_;
  std::map<std::string, std::vector<std::string>> hosts_;
  std::map<std::string, std::shared_ptr<Accepting>> listeners_;  // by address
  std::uint16_t next_port_ = 20'000;                             // of listeners without one
  std::uint16_t next_source_port_ = 32'768;                      // of connect()
};

}  // namespace gatehouse::net
