// The network over libuv: the loops of all workers, and sockets on them. Build it after the
// System, and start the System with its factory:
//   actor::System system(options, metrics);
//   net::UvNetwork network(system);
//   system.start(network.loop_factory());
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include "actor/system.hpp"
#include "net/network.hpp"
#include "net/uv_loop.hpp"

namespace gatehouse::net {

class UvListener;

class UvNetwork final : public Network {
 public:
  // Ignores SIGPIPE for the process: a write to a closed connection is an error, not a death.
  explicit UvNetwork(actor::System& system);
  // Stops the System, which owns the loops. Not from a worker's thread.
  ~UvNetwork() override;
  UvNetwork(const UvNetwork&) = delete;
  UvNetwork& operator=(const UvNetwork&) = delete;

  [[nodiscard]] actor::System::LoopFactory loop_factory();
  [[nodiscard]] actor::System& system() const { return system_; }
  // The loop of a started worker; valid until System::stop(). Any thread.
  [[nodiscard]] UvLoop& loop(std::uint16_t worker) const;

  // Network
  [[nodiscard]] TransportSet& transports(std::uint16_t worker) override;
  [[nodiscard]] Result<std::unique_ptr<Listener>> listen(const Endpoint& endpoint,
                                                         const ListenOptions& options,
                                                         AcceptHandler on_accept) override;
  void connect(const Endpoint& endpoint, std::uint32_t timeout_ms,
               ConnectCallback callback) override;
  void resolve(const std::string& host, ResolveCallback callback) override;
  [[nodiscard]] Result<UdpSocket*> open_udp(const Address& local, UdpHandler& handler) override;
  [[nodiscard]] Result<Transport*> open_descriptor(int descriptor,
                                                   TransportHandler& handler) override;

  // --- For listeners ---
  // Workers that listeners are spread over, the exclusive ones left out.
  [[nodiscard]] std::uint16_t worker_count() const { return system_.worker_count(); }
  // Held shared to accept, and alone to refuse for want of descriptors: a worker that gives up
  // its reserve descriptor for a moment must not lose it to another worker's accept.
  [[nodiscard]] std::shared_mutex& accept_mutex() { return accept_mutex_; }

  // Listeners are told which workers are stuck, from add to remove. Any thread.
  void add_listener(UvListener& listener);
  void remove_listener(UvListener& listener);

 private:
  // Of the worker whose thread this is.
  [[nodiscard]] UvLoop& here() const;

  actor::System& system_;
  std::shared_mutex accept_mutex_;
  std::mutex listeners_mutex_;
  std::vector<UvListener*> listeners_;
  std::array<std::atomic<UvLoop*>, actor::kWorkersMax> loops_{};
};

}  // namespace gatehouse::net
