// What the tests of net share: a running system with real loops, blocking clients on loopback,
// and the proof at the end of each test that no descriptor and no handler is left.
#pragma once

#include <arpa/inet.h>
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
#include "net/listener.hpp"
#include "net/network.hpp"
#include "net/tcp.hpp"
#include "net/uv_loop.hpp"
#include "waiting.hpp"

namespace gatehouse::net {

inline constexpr int kPatienceMs = 20'000;

using test::eventually;

// libuv opens a pipe for signals with the first loop of a process, and the log its own way to the
// output with the first line; both keep them.
inline void open_global_descriptors() {
  log::info({}, "descriptors are counted");
  log::flush();
  MetricSet metrics;
  actor::System idle({}, metrics);
  UvLoop loop(idle.worker(0), metrics);
}

inline std::size_t open_descriptors() {
  std::size_t count = 0;
  DIR* directory = opendir("/proc/self/fd");
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

// A blocking TCP client; every wait ends after kPatienceMs.
class Client {
 public:
  explicit Client(const Address& server, int receive_buffer_bytes = 0)
      : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{kPatienceMs / 1000, 0};
    setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (receive_buffer_bytes != 0) {
      setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof(int));
    }
    connect(server);
  }
  // An unconnected client.
  Client() : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{kPatienceMs / 1000, 0};
    setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  Client(Client&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  ~Client() { close(); }

  void connect(const Address& server) {
    sockaddr_storage storage;
    const socklen_t size = server.to_sockaddr(storage);
    connected_ = ::connect(descriptor_, reinterpret_cast<sockaddr*>(&storage), size) == 0;
  }
  [[nodiscard]] bool connected() const { return connected_; }
  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }
  // Ends with a reset instead of a FIN.
  void reset() {
    const linger now{1, 0};
    setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void finish_sending() { ::shutdown(descriptor_, SHUT_WR); }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  // Exactly `size` bytes, or what came before the end.
  std::string receive(std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t got = 0;
    while (got < size) {
      const ssize_t n = ::recv(descriptor_, bytes.data() + got, size - got, 0);
      end_ = n;
      if (n <= 0) break;
      got += static_cast<std::size_t>(n);
    }
    bytes.resize(got);
    return bytes;
  }
  // Waits for the end, by FIN or reset; false when bytes or nothing came.
  bool ended() {
    char byte;
    end_ = ::recv(descriptor_, &byte, 1, 0);
    return end_ == 0 || (end_ < 0 && errno == ECONNRESET);
  }
  // Everything up to the peer's orderly end; fails the test on a reset or time-out.
  std::string receive_all() {
    std::string all;
    for (;;) {
      const std::string part = receive(65'536);
      all += part;
      if (part.size() < 65'536) break;
    }
    EXPECT_EQ(end_, 0) << "the stream did not end in order";
    return all;
  }
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
  bool connected_ = false;
  ssize_t end_ = 0;
};

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

// Calls a function for data and dies with its stream.
class TestHandler : public StreamHandler {
 public:
  using OnData = std::function<void(TestHandler&, Stream&, std::string_view)>;
  TestHandler(Census& census, OnData on_data) : census_(census), on_data_(std::move(on_data)) {
    ++census_.alive;
  }
  ~TestHandler() override { --census_.alive; }
  void on_data(Stream& stream, std::string_view bytes) override { on_data_(*this, stream, bytes); }
  void on_closed(Stream&, CloseReason reason) override {
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

inline void echo(TestHandler&, Stream& stream, std::string_view bytes) { stream.write(bytes); }

class NetTest : public ::testing::Test {
 protected:
  void start(std::uint16_t workers) {
    actor::SystemOptions options;
    options.workers = workers;
    system_ = std::make_unique<actor::System>(options, metrics_);
    network_ = std::make_unique<Network>(*system_);
    system_->start(network_->loop_factory());
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
    using R = decltype(function(std::declval<UvLoop&>()));
    std::promise<R> promise;
    auto future = promise.get_future();
    UvLoop* loop = &network_->loop(worker);
    loop->worker().post([&promise, loop, &function] {
      if constexpr (std::is_void_v<R>) {
        function(*loop);
        promise.set_value();
      } else {
        promise.set_value(function(*loop));
      }
    });
    return future.get();
  }
  LoopStats stats(std::uint16_t worker) {
    return on_worker(worker, [](UvLoop& loop) { return loop.stats(); });
  }
  // A listener on a free port whose connections get a TestHandler.
  Address serve(TestHandler::OnData on_data, std::function<void(Stream&)> on_open = {},
                ListenOptions options = {}) {
    return serve_raw(
        [this, on_data = std::move(on_data), on_open = std::move(on_open)](UvLoop& loop,
                                                                          Socket socket) {
          auto handler = std::make_unique<TestHandler>(census_, on_data);
          auto stream = open_tcp(loop, std::move(socket), *handler);
          ASSERT_TRUE(stream.has_value());
          static_cast<void>(handler.release());
          if (on_open) on_open(**stream);
        },
        options);
  }
  Address serve_raw(AcceptHandler on_accept, ListenOptions options = {}) {
    auto listener = listen(*network_, {"127.0.0.1", 0}, options, std::move(on_accept));
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
};

}  // namespace gatehouse::net
