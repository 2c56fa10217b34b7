// SocketTable: ids, owners, and connections on their way between services and workers.
#include "sockets/socket_table.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "actor/system.hpp"
#include "base/metrics.hpp"
#include "net/uv_network.hpp"
#include "sockets/socket_event.hpp"
#include "test_world.hpp"
#include "waiting.hpp"

namespace gatehouse::sockets {
namespace {

// What an owner was told.
struct Told {
  SocketEvent event;
  std::string text;
};

class Owner final : public actor::Service {
 public:
  explicit Owner(std::shared_ptr<std::vector<Told>> told, std::mutex& mutex)
      : told_(std::move(told)), mutex_(mutex) {}

 private:
  void on_message(actor::MessagePtr message) override {
    Told told;
    std::memcpy(&told.event, message->data(), sizeof told.event);
    told.text = message->view().substr(sizeof told.event);
    const std::lock_guard lock(mutex_);
    told_->push_back(std::move(told));
  }
  std::shared_ptr<std::vector<Told>> told_;
  std::mutex& mutex_;
};

class SocketTableTest : public ::testing::Test {
 protected:
  struct Client {
    ServiceId id;
    std::uint16_t worker = 0;
    std::shared_ptr<std::vector<Told>> told;
  };

  void start(std::uint32_t sockets_max = 1'000) {
    actor::SystemOptions options;
    options.workers = 2;
    options.limits.sockets_max = sockets_max;
    system_ = std::make_unique<actor::System>(test_world(), options, metrics_);
    network_ = std::make_unique<net::UvNetwork>(*system_);
    table_ = std::make_unique<SocketTable>(*system_, network_.get());
    system_->start(network_->loop_factory());
  }
  void TearDown() override {
    if (system_) system_->stop();
    table_.reset();
  }

  Client spawn(std::uint16_t worker) {
    Client client{{}, worker, std::make_shared<std::vector<Told>>()};
    const auto id = system_->spawn(
        [told = client.told, this] { return std::make_unique<Owner>(told, mutex_); }, worker);
    EXPECT_TRUE(id.has_value());
    client.id = *id;
    return client;
  }

  // Runs f(table) on the client's worker and returns what it returns.
  template <class F>
  auto on(const Client& client, F f) {
    std::promise<decltype(f(*table_))> promise;
    auto result = promise.get_future();
    system_->worker(client.worker).post([&] {
      if constexpr (std::is_void_v<decltype(f(*table_))>) {
        f(*table_);
        promise.set_value();
      } else {
        promise.set_value(f(*table_));
      }
    });
    return result.get();
  }

  std::vector<Told> told(const Client& client) {
    const std::lock_guard lock(mutex_);
    return *client.told;
  }
  // What it was told of this kind, about this socket unless that is 0; waits for it.
  Told wait_for(const Client& client, SocketEventType type, std::uint32_t id = 0) {
    Told found;
    EXPECT_TRUE(test::eventually([&] { return was_told(client, type, id, &found); }))
        << "event " << static_cast<int>(type) << " of socket " << id;
    return found;
  }
  bool was_told(const Client& client, SocketEventType type, std::uint32_t id = 0,
                Told* found = nullptr) {
    for (const Told& one : told(client)) {
      if (one.event.type != type || (id != 0 && one.event.id != id)) continue;
      if (found != nullptr) *found = one;
      return true;
    }
    return false;
  }
  void forget(const Client& client) {
    const std::lock_guard lock(mutex_);
    client.told->clear();
  }

  SocketTable::Listening listen(const Client& client) {
    const auto listening = on(client, [&](SocketTable& table) {
      return table.listen(client.id, {"127.0.0.1", 0}, 16);
    });
    EXPECT_TRUE(listening.has_value());
    return *listening;
  }
  std::uint32_t connect(const Client& client, const net::Address& to) {
    const auto id = on(client, [&](SocketTable& table) {
      return table.connect(client.id, {"127.0.0.1", to.port()});
    });
    EXPECT_TRUE(id.has_value());
    return *id;
  }
  std::optional<Errc> start_error(const Client& client, std::uint32_t id) {
    const auto started = on(client, [&](SocketTable& table) { return table.start(id, client.id); });
    return started ? std::nullopt : std::optional(started.error().code);
  }
  void start_socket(const Client& client, std::uint32_t id) {
    EXPECT_TRUE(
        on(client, [&](SocketTable& table) { return table.start(id, client.id); }).has_value());
  }
  bool close(const Client& client, std::uint32_t id, bool at_once = true) {
    return on(client, [&](SocketTable& table) { return table.close(id, at_once); });
  }
  std::string unread(const Client& client, std::uint32_t id) {
    return on(client, [&](SocketTable& table) {
      LuaSocket* socket = table.find(id, client.id);
      return socket == nullptr ? std::string("none") : std::string(socket->unread());
    });
  }
  // A connection between two sockets of these clients, both started: (client's, server's).
  std::pair<std::uint32_t, std::uint32_t> pair(const Client& client, const Client& server) {
    const auto listening = listen(server);
    start_socket(server, listening.id);
    const std::uint32_t ours = connect(client, listening.address);
    wait_for(client, SocketEventType::kOpen, ours);
    const auto theirs = static_cast<std::uint32_t>(
        wait_for(server, SocketEventType::kAccept, listening.id).event.value);
    start_socket(server, theirs);
    close(server, listening.id);
    forget(server);
    return {ours, theirs};
  }

  MetricSet metrics_;
  std::mutex mutex_;
  std::unique_ptr<actor::System> system_;
  std::unique_ptr<net::UvNetwork> network_;
  std::unique_ptr<SocketTable> table_;
};

TEST_F(SocketTableTest, GivesEachIdOnceWhileItIsTaken) {
  start();
  const Client owner = spawn(0);
  std::set<std::uint32_t> ids;
  for (int i = 0; i < 20; ++i) {
    ids.insert(listen(owner).id);
    ids.insert(on(owner, [&](SocketTable& table) {
                 return table.open_udp(owner.id, net::Address::from("127.0.0.1", 0).value());
               }).value());
    ids.insert(on(owner, [&](SocketTable& table) { return table.resolve(owner.id, "127.0.0.1"); }));
  }
  EXPECT_EQ(ids.size(), 60u);
  EXPECT_FALSE(ids.contains(0));
  EXPECT_EQ(table_->count(), 40u) << "a look-up is no socket";
  EXPECT_EQ(table_->list().size(), 40u);
  on(owner, [&](SocketTable& table) { table.drop_service(owner.id); });
  EXPECT_EQ(table_->count(), 0u);
}

TEST_F(SocketTableTest, IsFullAtItsBound) {
  start(3);
  const Client owner = spawn(0);
  const auto first = listen(owner);
  listen(owner);
  listen(owner);
  const auto refused = on(owner, [&](SocketTable& table) {
    return table.listen(owner.id, {"127.0.0.1", 0}, 16);
  });
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::kFull);
  EXPECT_EQ(on(owner,
               [&](SocketTable& table) {
                 return table.connect(owner.id, {"127.0.0.1", first.address.port()});
               })
                .error()
                .code,
            Errc::kFull);
  EXPECT_TRUE(close(owner, first.id));
  EXPECT_FALSE(close(owner, first.id)) << "it is gone";
  EXPECT_NE(listen(owner).id, first.id);
}

TEST_F(SocketTableTest, AFailedListenTakesNothing) {
  start();
  const Client owner = spawn(0);
  const auto listening = listen(owner);
  const auto refused = on(owner, [&](SocketTable& table) {
    return table.listen(owner.id, {"127.0.0.1", listening.address.port()}, 16);
  });
  EXPECT_FALSE(refused.has_value());
  EXPECT_EQ(table_->count(), 1u);
}

TEST_F(SocketTableTest, ConnectionsWaitUntilTheListenerIsStarted) {
  start();
  const Client server = spawn(0), client = spawn(1);
  const auto listening = listen(server);
  const std::uint32_t ids[] = {connect(client, listening.address),
                               connect(client, listening.address)};
  for (const std::uint32_t id : ids) wait_for(client, SocketEventType::kOpen, id);
  EXPECT_TRUE(test::eventually([&] { return table_->count() == 5; })) << "both are accepted";
  EXPECT_FALSE(was_told(server, SocketEventType::kAccept));
  start_socket(server, listening.id);
  EXPECT_TRUE(test::eventually([&] { return told(server).size() == 2; }));
  for (const Told& one : told(server)) {
    EXPECT_EQ(one.event.type, SocketEventType::kAccept);
    EXPECT_EQ(one.event.id, listening.id);
  }
}

TEST_F(SocketTableTest, AListenerTakesThoseWhoWaitAlong) {
  start();
  const Client server = spawn(0), client = spawn(1);
  const auto listening = listen(server);
  const std::uint32_t id = connect(client, listening.address);
  wait_for(client, SocketEventType::kOpen, id);
  EXPECT_TRUE(test::eventually([&] { return table_->count() == 3; }));
  EXPECT_TRUE(close(client, listening.id)) << "anybody may";
  wait_for(server, SocketEventType::kClose, listening.id);
  wait_for(client, SocketEventType::kClose, id);
  EXPECT_EQ(table_->count(), 1u) << "the client's own, until it lets go";
  on(client, [&](SocketTable& table) { table.release(id, client.id); });
  EXPECT_EQ(table_->count(), 0u);
}

TEST_F(SocketTableTest, OnlyTheOwnerReads) {
  start();
  const Client server = spawn(0), client = spawn(0), other = spawn(0);
  const auto [ours, theirs] = pair(client, server);
  EXPECT_TRUE(on(client, [&](SocketTable& table) { return table.write(ours, "hello"); }));
  EXPECT_TRUE(test::eventually([&] { return unread(server, theirs) == "hello"; }));
  EXPECT_EQ(unread(other, theirs), "none");
  EXPECT_EQ(start_error(other, theirs), Errc::kDenied);
  on(other, [&](SocketTable& table) {
    table.abandon(theirs, other.id);
    table.release(theirs, other.id);
  });
  EXPECT_EQ(unread(server, theirs), "hello") << "nothing happened";
  EXPECT_EQ(start_error(other, 12345), Errc::kNotFound);
}

TEST_F(SocketTableTest, WhoStartsAnAbandonedOneGetsItsBytes) {
  start();
  const Client server = spawn(0), client = spawn(0), other = spawn(0);
  const auto [ours, theirs] = pair(client, server);
  on(client, [&](SocketTable& table) { return table.write(ours, "left behind"); });
  EXPECT_TRUE(test::eventually([&] { return unread(server, theirs) == "left behind"; }));
  on(server, [&](SocketTable& table) { table.abandon(theirs, server.id); });
  EXPECT_EQ(unread(server, theirs), "none");
  start_socket(other, theirs);
  EXPECT_EQ(unread(other, theirs), "left behind");
  EXPECT_EQ(start_error(server, theirs), Errc::kDenied);
}

TEST_F(SocketTableTest, AConnectionMovesToAnotherWorker) {
  start();
  const Client server = spawn(0), client = spawn(0), other = spawn(1);
  const auto [ours, theirs] = pair(client, server);
  on(client, [&](SocketTable& table) { return table.write(ours, "before "); });
  EXPECT_TRUE(test::eventually([&] { return unread(server, theirs) == "before "; }));
  on(server, [&](SocketTable& table) { table.abandon(theirs, server.id); });
  on(client, [&](SocketTable& table) { return table.write(ours, "after"); });
  const auto started = on(other, [&](SocketTable& table) { return table.start(theirs, other.id); });
  ASSERT_TRUE(started.has_value());
  EXPECT_EQ(*started, SocketTable::Started::kLater);
  wait_for(other, SocketEventType::kReady, theirs);
  start_socket(other, theirs);
  EXPECT_TRUE(test::eventually([&] { return unread(other, theirs) == "before after"; }));
  // And what is written from where it was goes out from where it is.
  EXPECT_TRUE(on(server, [&](SocketTable& table) { return table.write(theirs, "answer"); }));
  EXPECT_TRUE(test::eventually([&] { return unread(client, ours) == "answer"; }));
}

TEST_F(SocketTableTest, AStartThatAnotherWonIsToldSo) {
  start();
  const Client server = spawn(0), client = spawn(0), other = spawn(1);
  const auto [ours, theirs] = pair(client, server);
  on(server, [&](SocketTable& table) { table.abandon(theirs, server.id); });
  start_socket(server, theirs);
  EXPECT_EQ(start_error(other, theirs), Errc::kDenied);
  EXPECT_TRUE(on(client, [&](SocketTable& table) { return table.write(ours, "stayed"); }));
  EXPECT_TRUE(test::eventually([&] { return unread(server, theirs) == "stayed"; }));
}

TEST_F(SocketTableTest, ClosingOneThatConnectsLeavesNothing) {
  start();
  const Client server = spawn(0), client = spawn(1);
  const auto listening = listen(server);
  start_socket(server, listening.id);
  const std::uint32_t closed = on(client, [&](SocketTable& table) {
    const std::uint32_t id =
        table.connect(client.id, {"127.0.0.1", listening.address.port()}).value();
    EXPECT_FALSE(table.write(id, "too early"));
    EXPECT_TRUE(table.close(id, true));
    EXPECT_FALSE(table.close(id, true));
    return id;
  });
  // One that began later is told of when the closed one would have been.
  const std::uint32_t later = connect(client, listening.address);
  wait_for(client, SocketEventType::kOpen, later);
  EXPECT_FALSE(was_told(client, SocketEventType::kOpen, closed));
  EXPECT_EQ(start_error(client, closed), Errc::kNotFound);
  EXPECT_TRUE(test::eventually([&] {
    for (const SocketTable::Info& info : table_->list())
      if (info.id == closed) return false;
    return true;
  }));
}

TEST_F(SocketTableTest, SaysWhyAConnectionFailed) {
  start();
  const Client server = spawn(0), client = spawn(1);
  const auto listening = listen(server);
  close(server, listening.id);
  const std::uint32_t id = connect(client, listening.address);
  EXPECT_EQ(wait_for(client, SocketEventType::kError, id).text, "Connection refused");
  EXPECT_EQ(table_->count(), 0u);
  EXPECT_FALSE(on(client, [&](SocketTable& table) { return table.write(id, "x"); }));
}

TEST_F(SocketTableTest, AServiceThatEndsTakesItsOwnAlong) {
  start();
  const Client server = spawn(0), client = spawn(1);
  const auto first = pair(client, server), second = pair(client, server);
  const auto listening = listen(server);
  on(server, [&](SocketTable& table) { table.abandon(second.second, server.id); });
  on(server, [&](SocketTable& table) { table.drop_service(server.id); });
  wait_for(client, SocketEventType::kClose, first.first);
  EXPECT_FALSE(was_told(client, SocketEventType::kClose, second.first)) << "that one was given up";
  EXPECT_TRUE(on(client, [&](SocketTable& table) { return table.write(second.first, "there"); }));
  const std::uint32_t refused = connect(client, listening.address);
  wait_for(client, SocketEventType::kError, refused);
  const Client heir = spawn(0);
  start_socket(heir, second.second);
  EXPECT_TRUE(test::eventually([&] { return unread(heir, second.second) == "there"; }));
}

}  // namespace
}  // namespace gatehouse::sockets
