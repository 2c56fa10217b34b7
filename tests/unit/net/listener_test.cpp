#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#include <set>

#include "base/log.hpp"
#include "net_fixture.hpp"

namespace gatehouse::net {
namespace {

class ListenerTest : public NetTest {
 protected:
  void refused_with(Errc code, const Endpoint& endpoint) {
    const auto second =
        network_->listen(endpoint, {}, [](TransportSet&, std::unique_ptr<Transport>) {});
    ASSERT_FALSE(second.has_value());
    EXPECT_EQ(second.error().code, code) << second.error().message;
    EXPECT_THAT(second.error().message, ::testing::HasSubstr(endpoint.to_string()));
  }
};

TEST_F(ListenerTest, SharesOnePortAmongWorkers) {
  start(3);
  std::mutex mutex;
  std::set<actor::Worker*> workers;
  const Address server = serve(echo, [&](Transport& transport) {
    std::lock_guard lock(mutex);
    EXPECT_EQ(&transport.set().worker(), actor::Worker::current());
    workers.insert(&transport.set().worker());
  });
  EXPECT_NE(server.port(), 0);
  std::vector<std::unique_ptr<TcpClient>> clients;
  // The kernel spreads by a hash of the client's port; 100 leave no worker out.
  for (int i = 0; i < 100; ++i) {
    clients.push_back(std::make_unique<TcpClient>(server));
    ASSERT_TRUE(clients.back()->send("x"));
    ASSERT_EQ(clients.back()->receive(1), "x");
  }
  EXPECT_EQ(workers.size(), 3u);
  EXPECT_EQ(metric("connections_accepted", ""), 100);
}

TEST_F(ListenerTest, AcceptsOnOneWorkerOnly) {
  start(3);
  std::atomic<int> elsewhere{0};
  const Address server =
      serve(echo, [&](Transport& transport) { elsewhere += transport.set().worker().index() != 1; },
            {.worker = 1});
  for (int i = 0; i < 30; ++i) {
    TcpClient client(server);
    ASSERT_TRUE(client.send("x"));
    ASSERT_EQ(client.receive(1), "x");
  }
  EXPECT_EQ(elsewhere, 0);
}

// The descriptor of this process that is connected to `peer`.
int descriptor_to(const Address& peer) {
  for (int descriptor = 3; descriptor < 1'024; ++descriptor) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    if (getpeername(descriptor, reinterpret_cast<sockaddr*>(&storage), &size) == 0 &&
        Address::from(reinterpret_cast<sockaddr&>(storage)) == peer) {
      return descriptor;
    }
  }
  return -1;
}

TEST_F(ListenerTest, SetsSocketOptionsAndKnowsThePeer) {
  start(1);
  std::promise<std::unique_ptr<Transport>> accepted;
  const Address server = serve_raw([&](TransportSet&, std::unique_ptr<Transport> transport) {
    accepted.set_value(std::move(transport));
  });
  TcpClient client(server);
  const std::unique_ptr<Transport> transport = accepted.get_future().get();
  const int descriptor = descriptor_to(transport->peer());
  const auto option = [&](int level, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    EXPECT_EQ(getsockopt(descriptor, level, name, &value, &size), 0);
    return value;
  };
  EXPECT_NE(option(IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_NE(option(SOL_SOCKET, SO_KEEPALIVE), 0);
  EXPECT_EQ(option(IPPROTO_TCP, TCP_KEEPIDLE), 300);
  EXPECT_NE(fcntl(descriptor, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(fcntl(descriptor, F_GETFD) & FD_CLOEXEC, 0);
  sockaddr_in local{};
  socklen_t size = sizeof local;
  getsockname(client.descriptor(), reinterpret_cast<sockaddr*>(&local), &size);
  EXPECT_EQ(transport->peer(), Address::from(reinterpret_cast<sockaddr&>(local)));
  EXPECT_EQ(transport->peer().ip(), "127.0.0.1");
}

TEST_F(ListenerTest, RefusesAPortInUse) {
  for (const std::uint16_t workers : {1, 3}) {
    start(workers);
    const Address server = serve(echo);
    refused_with(Errc::kExists, {"127.0.0.1", server.port()});
    // The first one is none the worse.
    TcpClient client(server);
    ASSERT_TRUE(client.send("still here"));
    EXPECT_EQ(client.receive(10), "still here");
    stop();
  }
}

TEST_F(ListenerTest, RefusesForeignAndUnknownAddresses) {
  start(2);
  refused_with(Errc::kInvalid, {"192.0.2.1", 1});
  refused_with(Errc::kInvalid, {"no-such-host.invalid", 1});
}

TEST_F(ListenerTest, StopsAndFreesThePort) {
  start(3);
  const Address server = serve(echo);
  TcpClient old(server);
  ASSERT_TRUE(old.send("a"));
  ASSERT_EQ(old.receive(1), "a");
  listeners_[0]->stop();
  listeners_[0]->stop();
  TcpClient late;
  late.connect(server);
  EXPECT_FALSE(late.connected());
  // Connections that were accepted go on.
  ASSERT_TRUE(old.send("b"));
  EXPECT_EQ(old.receive(1), "b");
  ASSERT_TRUE(eventually([&] {
    auto again = network_->listen({"127.0.0.1", server.port()}, {},
                                  [](TransportSet&, std::unique_ptr<Transport>) {});
    return again.has_value();
  }));
}

TEST_F(ListenerTest, MayBeDestroyedByItsHandler) {
  start(1);
  std::atomic<int> calls{0};
  const Address server = serve_raw([&](TransportSet&, std::unique_ptr<Transport>) {
    ++calls;
    listeners_[0].reset();
  });
  TcpClient client(server);
  ASSERT_TRUE(eventually([&] { return calls == 1; }));
  ASSERT_TRUE(eventually([&] {
    TcpClient late;
    late.connect(server);
    return !late.connected();
  }));
  EXPECT_EQ(calls, 1);
}

// Fills the descriptor table of the process, and gives it back.
class FullTable {
 public:
  FullTable() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int top = dup(0);
    descriptors_.push_back(top);
    const rlimit low{static_cast<rlim_t>(top) + 1, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &low);
    for (int d = dup(0); d >= 0; d = dup(0)) descriptors_.push_back(d);
  }
  ~FullTable() {
    for (const int descriptor : descriptors_) ::close(descriptor);
    setrlimit(RLIMIT_NOFILE, &before_);
  }

 private:
  rlimit before_{};
  std::vector<int> descriptors_;
};

TEST_F(ListenerTest, RefusesAndSurvivesWithoutDescriptors) {
  start(2);
  const Address server = serve(echo);
  std::vector<std::unique_ptr<TcpClient>> clients;
  for (int i = 0; i < 40; ++i) clients.push_back(std::make_unique<TcpClient>());
  TcpClient later;
  // Both acceptors have their reserve.
  ASSERT_TRUE(on_worker(0, [](TransportSet&) { return true; }));
  ASSERT_TRUE(on_worker(1, [](TransportSet&) { return true; }));
  const LoopStats before = stats(0);
  // UBSan opens a pipe to check an object whose type it has not seen: show it the log's.
  log::warn({}, "the descriptors are about to run out");
  {
    const FullTable full;
    for (auto& client : clients) client->connect(server);
    // Every one is told no: an end, not silence.
    for (auto& client : clients) ASSERT_TRUE(client->ended());
    ASSERT_TRUE(eventually([&] {
      return metric("refused_total", "where=\"listener\",reason=\"descriptors\"") == 40;
    }));
    EXPECT_EQ(metric("connections_accepted", ""), 0);
  }
  // No spinning: at most a turn a connection, and some rest.
  EXPECT_LT(stats(0).turns - before.turns, 100u);
  later.connect(server);
  ASSERT_TRUE(later.send("back"));
  EXPECT_EQ(later.receive(4), "back");
}

TEST_F(ListenerTest, StopsWithConnectionsInTheBacklog) {
  start(1);
  const Address server = serve(echo);
  std::promise<void> blocked;
  std::promise<void> go;
  system_->worker(0).post([&blocked, future = go.get_future()]() mutable {
    blocked.set_value();
    future.wait();
  });
  blocked.get_future().wait();
  std::vector<std::unique_ptr<TcpClient>> clients;
  for (int i = 0; i < 10; ++i) clients.push_back(std::make_unique<TcpClient>(server));
  listeners_[0]->stop();
  for (auto& client : clients) EXPECT_TRUE(client->ended());
  go.set_value();
  on_worker(0, [](TransportSet&) {});
  EXPECT_EQ(metric("connections_accepted", ""), 0);
}

}  // namespace
}  // namespace gatehouse::net
