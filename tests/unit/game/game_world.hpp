// A process with gates, a store and players, without clients: what AgentManager and the login
// policy are asked by the login.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actor/system.hpp"
#include "base/metrics.hpp"
#include "drivers/open.hpp"
#include "game/agent_manager.hpp"
#include "game/modules.hpp"
#include "gate/gate.hpp"
#include "modules/modules.hpp"
#include "mysql/worker.hpp"
#include "net/uv_network.hpp"
#include "script/runtime.hpp"
#include "skynet/boot.hpp"
#include "temp_folder.hpp"
#include "test_world.hpp"
#include "waiting.hpp"

namespace gatehouse::game {

inline constexpr std::chrono::seconds kWorldPatience{60};

class GameWorld {
 public:
  // `game` is the actor module's text.
  explicit GameWorld(std::string_view game, AgentOptions options = {}, std::uint16_t workers = 2)
      : system_(test_world(), {.workers = workers, .limits = {}}, metrics_),
        store_(drivers::open_store(test_world(), store_options(), metrics_).value()),
        network_(system_),
        runtime_(system_, &network_),
        gate_(gate_options("sample"), metrics_, guard_),
        other_gate_(gate_options("other"), metrics_, guard_),
        agents_(runtime_, *store_, {&gate_, &other_gate_}, with_module(options, game), metrics_) {
    skynet::set_library_root(runtime_, GATEHOUSE_SOURCE_DIR "/lua");
    modules::add_modules(runtime_, mysql_);
    add_modules(runtime_, &agents_);
    runtime_.service_path += ";" + (folder_ / "?.lua");
    test::write_file(folder_ / "world_start.lua",
                     "local skynet = require 'skynet'\n"
                     "skynet.start(function() skynet.setenv('world_started', 'yes') end)\n");
    static_cast<void>(system_.set_env("start", "world_start"));
    system_.start(network_.loop_factory());
    EXPECT_TRUE(gate_.start(network_, system_).has_value());
    EXPECT_TRUE(other_gate_.start(network_, system_).has_value());
    skynet::boot_services(runtime_);
    EXPECT_TRUE(system_.wait_env("world_started", kWorldPatience).has_value());
  }
  ~GameWorld() {
    gate_.stop_accepting();
    other_gate_.stop_accepting();
    system_.stop();
    store_->stop(actor::WorkPool::Stop::kDiscard);
  }
  GameWorld(const GameWorld&) = delete;
  GameWorld& operator=(const GameWorld&) = delete;

  AgentManager& agents() { return agents_; }
  script::Runtime& runtime() { return runtime_; }
  actor::System& system() { return system_; }
  [[nodiscard]] std::string path(std::string_view name) const { return folder_ / name; }

  // Runs it on a worker and returns its result.
  template <class F>
  auto on_worker(F work, std::uint16_t worker = 0) -> decltype(work()) {
    std::promise<decltype(work())> done;
    auto result = done.get_future();
    system_.worker(worker).post([&work, &done] { done.set_value(work()); });
    return result.get();
  }
  template <class F>
  auto in_store(F work) -> decltype(work(std::declval<store::Driver&>())) {
    std::promise<decltype(work(std::declval<store::Driver&>()))> done;
    auto result = done.get_future();
    EXPECT_TRUE(
        store_->submit([&work, &done](store::Driver& driver) { done.set_value(work(driver)); })
            .has_value());
    return result.get();
  }

  // A grant for an account that is made when there is none.
  login::Grant grant(const std::string& uid, const std::string& server = "sample") {
    login::Grant grant;
    grant.account = in_store([&uid](store::Driver& driver) {
      const auto known = driver.find_account(uid).value();
      return known ? known->id : driver.create_account(uid, "").value().id;
    });
    grant.uid = uid;
    grant.server = server;
    grant.secret = Secret{std::string("12345678")};
    grant.address = "192.0.2.7";
    return grant;
  }
  using Placed = std::future<Result<login::Placement>>;
  Placed begin_place(login::Grant grant) {
    auto done = std::make_shared<std::promise<Result<login::Placement>>>();
    auto placed = done->get_future();
    agents_.place(std::move(grant), [done](Result<login::Placement> placement) {
      done->set_value(std::move(placement));
    });
    return placed;
  }
  static Result<login::Placement> wait(Placed& placed) {
    if (placed.wait_for(kWorldPatience) == std::future_status::ready) return placed.get();
    ADD_FAILURE() << "a login without an answer";
    return fail(Errc::kTimeout, "no answer");
  }
  Result<login::Placement> place(const std::string& uid, const std::string& server = "sample") {
    Placed placed = begin_place(grant(uid, server));
    return wait(placed);
  }
  bool eventually_online(std::size_t count) {
    return test::eventually([&] { return agents_.online() == count; }, kWorldPatience);
  }
  // What the store says of an account.
  store::Account account(const std::string& uid) {
    return in_store([&uid](store::Driver& driver) { return *driver.find_account(uid).value(); });
  }

 private:
  store::StoreOptions store_options() {
    store::StoreOptions options;
    options.driver.sqlite.path = folder_ / "world.db";
    options.driver.migrations_dir = GATEHOUSE_SOURCE_DIR "/sql";
    EXPECT_TRUE(drivers::open(test_world(), options.driver).value()->migrate().has_value());
    return options;
  }
  gate::GateOptions gate_options(const std::string& server) {
    return {
        .server = server, .listen = {"127.0.0.1", 0}, .advertise = "", .limits = system_.limits()};
  }
  AgentOptions with_module(AgentOptions options, std::string_view game) {
    options.module = folder_ / "world_game.lua";
    test::write_file(options.module, game);
    return options;
  }

  test::TempFolder folder_;
  MetricSet metrics_;
  edge::Guard guard_{Limits(), metrics_, edge::posting_to(system_)};
  actor::System system_;
  std::unique_ptr<store::Store> store_;
  net::UvNetwork network_;
  mysql::Workers mysql_{test_world()};
  script::Runtime runtime_;
  gate::Gate gate_, other_gate_;
  AgentManager agents_;
};

}  // namespace gatehouse::game
