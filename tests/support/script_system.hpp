// A running system with Lua services for tests: bootstrap, launcher and one service under test.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "actor/system.hpp"
#include "base/metrics.hpp"
#include "modules/modules.hpp"
#include "mysql/worker.hpp"
#include "net/uv_network.hpp"
#include "script/runtime.hpp"
#include "skynet/boot.hpp"
#include "test_world.hpp"

namespace gatehouse::test {

class ScriptSystem {
 public:
  explicit ScriptSystem(std::uint16_t workers = 2, Limits limits = {}, bool sockets = true)
      : system_(test_world(), {.workers = workers, .limits = limits}, metrics_),
        network_(system_),
        runtime_(system_, sockets ? &network_ : nullptr) {
    const std::string root = GATEHOUSE_SOURCE_DIR;
    modules::add_modules(runtime_, mysql_);
    skynet::set_library_root(runtime_, root + "/lua");
    runtime_.service_path += ";" + root + "/tests/lua/?.lua;" + root + "/lua/examples/?.lua";
    runtime_.lua_path += ";" + root + "/tests/lua/?.lua;" + root + "/tests/support/lua/?.lua";
    system_.on_abort([this](int) {
      std::lock_guard lock(mutex_);
      aborted_ = true;
      changed_.notify_all();
    });
  }
  ~ScriptSystem() { system_.stop(); }

  // Boots and launches `start`; returns when a script called skynet.abort, or false after `limit`.
  bool run(const std::string& start, std::chrono::seconds limit = std::chrono::seconds(60)) {
    boot(start);
    return wait(limit);
  }
  // True when a script called skynet.abort within `limit`.
  bool wait(std::chrono::seconds limit) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [this] { return aborted_; });
  }
  void boot(const std::string& start) {
    static_cast<void>(system_.set_env("start", start));
    system_.start(network_.loop_factory());
    skynet::boot_services(runtime_);
  }

  actor::System& system() { return system_; }
  script::Runtime& runtime() { return runtime_; }
  MetricSet& metrics() { return metrics_; }
  std::string env(const std::string& key) { return system_.env(key).value_or(""); }

 private:
  MetricSet metrics_;
  actor::System system_;
  net::UvNetwork network_;
  mysql::Workers mysql_{test_world()};
  script::Runtime runtime_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool aborted_ = false;
};

}  // namespace gatehouse::test
