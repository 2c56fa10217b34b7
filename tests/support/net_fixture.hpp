// What the tests of net share: a running system with real loops, blocking clients on loopback,
// and the proof at the end of each test that no descriptor and no handler is left.
#pragma once

#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "net/memory_network.hpp"
#include "net/tcp_transport.hpp"
#include "net/uv_loop.hpp"
#include "net/uv_network.hpp"
#include "net_client.hpp"
#include "test_world.hpp"
#include "waiting.hpp"

namespace gatehouse::net {

using test::eventually;

// libuv opens a pipe for signals with the first loop of a process, and the log its own way to the
// output with the first line; both keep them.
inline void open_global_descriptors() {
  log::info({}, "descriptors are counted");
  log::flush();
  MetricSet metrics;
  actor::System idle(test_world(), {}, metrics);
  UvLoop loop(idle.worker(0), metrics);
}

inline std::size_t open_descriptors() {
  std::size_t count = 0;
  DIR* directory = opendir("/proc/self/fd");
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

// Deterministic bytes that reveal loss, doubling and disorder.
inline std::string pattern(std::size_t size, std::size_t from = 0) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t at = from + i;
    bytes[i] = static_cast<char>((at * 2654435761u) >> 13 ^ at >> 16);
  }
  return bytes;
}

// Counts the handlers alive; they delete themselves in on_closed.
struct Census {
  std::atomic<int> alive{0};
  std::atomic<int> closed{0};
  std::array<std::atomic<int>, kCloseReasons> reasons{};

  int closed_for(CloseReason reason) { return reasons[static_cast<std::size_t>(reason)]; }
};

// Calls a function for data and dies with its transport.
class TestHandler : public TransportHandler {
 public:
  using OnData = std::function<void(TestHandler&, Transport&, std::string_view)>;
  TestHandler(Census& census, OnData on_data) : census_(census), on_data_(std::move(on_data)) {
    ++census_.alive;
  }
  ~TestHandler() override { --census_.alive; }
  void on_data(Transport& transport, std::string_view bytes) override {
    on_data_(*this, transport, bytes);
  }
  void on_closed(Transport&, CloseReason reason) override {
    EXPECT_FALSE(closed_);
    closed_ = true;
    ++census_.reasons[static_cast<std::size_t>(reason)];
    ++census_.closed;
    delete this;
  }

 private:
  Census& census_;
  OnData on_data_;
  bool closed_ = false;
};

inline void echo(TestHandler&, Transport& transport, std::string_view bytes) {
  transport.write(bytes);
}

class NetTest : public ::testing::Test {
 protected:
  void start(std::uint16_t workers) {
    actor::SystemOptions options;
    options.workers = workers;
    system_ = std::make_unique<actor::System>(test_world(), options, metrics_);
    make_network();
  }
  virtual void make_network() { use(std::make_unique<UvNetwork>(*system_)); }
  template <class AnyNetwork>
  void use(std::unique_ptr<AnyNetwork> network) {
    system_->start(network->loop_factory());
    network_ = std::move(network);
  }
  void TearDown() override {
    stop();
    EXPECT_EQ(census_.alive, 0);
    EXPECT_EQ(open_descriptors(), descriptors_before_);
  }
  void stop() {
    if (system_ != nullptr) system_->stop();
    listeners_.clear();
    network_.reset();
    system_.reset();
  }
  // Runs a function on a worker and returns its result.
  template <class F>
  auto on_worker(std::uint16_t worker, F function) {
    using R = decltype(function(std::declval<TransportSet&>()));
    std::promise<R> promise;
    auto future = promise.get_future();
    TransportSet* set = &network_->transports(worker);
    set->worker().post([&promise, set, &function] {
      if constexpr (std::is_void_v<R>) {
        function(*set);
        promise.set_value();
      } else {
        promise.set_value(function(*set));
      }
    });
    return future.get();
  }
  LoopStats stats(std::uint16_t worker) {
    return on_worker(worker, [](TransportSet& set) { return set.uv()->stats(); });
  }
  std::unique_ptr<Client> connect(const Address& server, int receive_buffer_bytes = 0) {
    if (clients_ == nullptr) return std::make_unique<TcpClient>(server, receive_buffer_bytes);
    return clients_->connect(static_cast<MemoryNetwork&>(*network_), server,
                             static_cast<std::size_t>(receive_buffer_bytes));
  }
  // A listener on a free port whose connections get a TestHandler.
  Address serve(TestHandler::OnData on_data, std::function<void(Transport&)> on_open = {},
                ListenOptions options = {}) {
    return serve_raw(
        [this, on_data = std::move(on_data), on_open = std::move(on_open)](
            TransportSet& set, std::unique_ptr<Transport> accepted) {
          auto handler = std::make_unique<TestHandler>(census_, on_data);
          auto transport = set.attach(std::move(accepted), *handler);
          ASSERT_TRUE(transport.has_value());
          static_cast<void>(handler.release());
          if (on_open) on_open(**transport);
        },
        options);
  }
  Address serve_raw(AcceptHandler on_accept, ListenOptions options = {}) {
    auto listener = network_->listen({"127.0.0.1", 0}, options, std::move(on_accept));
    EXPECT_TRUE(listener.has_value()) << listener.error().message;
    listeners_.push_back(std::move(*listener));
    return listeners_.back()->address();
  }
  std::int64_t metric(std::string_view name, std::string_view label) {
    return metrics_.counter(name, label, "").value();
  }

  const std::size_t descriptors_before_ = (open_global_descriptors(), open_descriptors());
  MetricSet metrics_;
  Census census_;
  std::unique_ptr<actor::System> system_;
  std::unique_ptr<Network> network_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  MetricSet client_metrics_;
  std::unique_ptr<MemoryClients> clients_;  // with a MemoryNetwork
};

// The same cases over sockets and in memory.
class TransportTest : public NetTest, public ::testing::WithParamInterface<Carrier> {
 protected:
  void make_network() override {
    if (GetParam() == Carrier::kTcp) return NetTest::make_network();
    use(std::make_unique<MemoryNetwork>(*system_));
    if (clients_ == nullptr) clients_ = std::make_unique<MemoryClients>(client_metrics_);
  }
};

inline std::string carrier_name(const ::testing::TestParamInfo<Carrier>& info) {
  return info.param == Carrier::kTcp ? "Tcp" : "Memory";
}

}  // namespace gatehouse::net
