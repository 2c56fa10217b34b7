// A whole server on one thread: two workers, pools, gate, login, agents and Lua as they are, in a
// world that is drawn from one seed (simulated_world.hpp): time, randomness, the order of steps,
// the network and what becomes of the store's calls. One seed is one run.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "actor/system.hpp"
#include "actor/work_pool.hpp"
#include "base/metrics.hpp"
#include "faulty_driver.hpp"
#include "game/agent_manager.hpp"
#include "gate/gate.hpp"
#include "login/login_server.hpp"
#include "mysql/worker.hpp"
#include "net/memory_network.hpp"
#include "script/runtime.hpp"
#include "simulated_world.hpp"
#include "store/store.hpp"
#include "temp_folder.hpp"

namespace gatehouse::simulation {

class Device;

class Simulation final : private StoreFaults {
 public:
  static constexpr const char* kServer = "sample";

  explicit Simulation(std::uint64_t seed);
  ~Simulation() override;
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  // The lives of some players, from login to logout, and the proof that nothing is left of them.
  // Empty, or what was wrong; the log ends there.
  [[nodiscard]] std::string run();
  [[nodiscard]] const std::string& log() const { return log_; }

  // --- For what takes part ---
  void note(std::string_view text);
  // Something that must not be; the run ends after this step.
  void violated(std::string_view what);
  // Of what the network, the players and the store do.
  [[nodiscard]] test::SeededRandom& plan() { return plan_; }
  [[nodiscard]] const Clock& clock() const { return world_.clock; }
  [[nodiscard]] actor::Worker& outside() { return outside_.worker(0); }
  [[nodiscard]] net::TransportSet& outside_transports() { return outside_network_.transports(0); }
  [[nodiscard]] Result<std::unique_ptr<net::MemoryTransport>> dial(const net::Address& to);
  [[nodiscard]] net::Address login_address() const { return login_->addresses().front(); }
  [[nodiscard]] net::Address gate_address() const { return gate_.address(); }

 private:
  StoreFaults::Fault draw(const char* call) override;
  void boot();
  // One step; with nothing to do now, time goes on to what comes next. False: nothing ever comes.
  bool advance();
  // Until done() holds; false when it does not within so much simulated time, or something is
  // wrong.
  bool advance_until(const std::function<bool()>& done, MonotonicMs limit_ms);
  void settle();
  void check();
  void check_end();
  // The kinds of timers that wait on the server's workers, but for those of the hosts, each of
  // which has one that saves its players from time to time.
  [[nodiscard]] std::map<std::string, int> timers();

  test::SimulatedWorld world_;
  test::SeededRandom plan_;
  std::string log_;
  std::string violation_;
  bool faulty_ = false;  // the store, while players play
  std::uint16_t next_port_ = 40'000;
  std::map<std::string, int> timers_at_rest_;

  test::TempFolder folder_;
  MetricSet metrics_;
  edge::Guard guard_{Limits(), metrics_, edge::posting_to(system_)};
  actor::System system_;
  net::MemoryNetwork network_{system_};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<store::Driver> operator_;  // who looks into the store, and finds it well
  actor::WorkPool hash_pool_;
  mysql::Workers mysql_{world_.world};
  script::Runtime runtime_{system_, &network_};
  gate::Gate gate_;
  std::unique_ptr<game::AgentManager> agents_;
  login::Policy policy_;
  std::unique_ptr<login::LoginServer> login_;

  MetricSet outside_metrics_;
  actor::System outside_{world_.world, {.workers = 1, .limits = {}}, outside_metrics_};
  net::MemoryNetwork outside_network_{outside_};
  std::vector<std::unique_ptr<Device>> devices_;
};

}  // namespace gatehouse::simulation
