// Blocking clients of tests, over a socket or in memory; every wait ends after kPatienceMs.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "net/address.hpp"
#include "net/memory_network.hpp"
#include "test_world.hpp"
#include "waiting.hpp"

namespace gatehouse::net {

inline constexpr int kPatienceMs = 20'000;

// What a test's connections are made of.
enum class Carrier : std::uint8_t { kTcp, kMemory };

class Client {
 public:
  Client() = default;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  virtual ~Client() = default;

  virtual void close() = 0;
  // Ends with a reset instead of an orderly end.
  virtual void reset() = 0;
  virtual void finish_sending() = 0;
  // Returns when it is on its way; false: the connection is over.
  virtual bool send(std::string_view bytes) = 0;
  // Exactly `size` bytes, or what came before the end.
  virtual std::string receive(std::size_t size) = 0;
  // What has come, once there is any; nothing at the end.
  virtual std::string receive_some() = 0;
  // Waits for the end, in order or by reset; false when bytes or nothing came.
  virtual bool ended() = 0;
  // Sends as much as is taken without anybody reading; returns how much, `most` at most.
  virtual std::size_t flood(std::size_t most) = 0;
  // Waits for the peer's end in order without reading what comes before it.
  virtual bool sees_end() = 0;
  // Everything up to the peer's orderly end; fails the test on a reset or time-out.
  virtual std::string receive_all() = 0;
};

class TcpClient final : public Client {
 public:
  explicit TcpClient(const Address& server, int receive_buffer_bytes = 0);
  // An unconnected client.
  TcpClient();
  ~TcpClient() override { TcpClient::close(); }

  void connect(const Address& server);
  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] int descriptor() const { return descriptor_; }

  void close() override;
  void reset() override;
  void finish_sending() override;
  bool send(std::string_view bytes) override;
  std::string receive(std::size_t size) override;
  std::string receive_some() override;
  bool ended() override;
  std::size_t flood(std::size_t most) override;
  bool sees_end() override;
  std::string receive_all() override;

 private:
  int descriptor_;
  bool connected_ = false;
  ssize_t end_ = 0;
};

class MemoryClient final : public Client {
 public:
  MemoryClient(TransportSet& set, std::unique_ptr<MemoryTransport> transport, std::size_t window)
      : worker_(set.worker()), state_(std::make_shared<State>(window)) {
    MemoryTransport* const end = transport.get();
    std::promise<void> attached;
    worker_.post([&, owned = std::move(transport)]() mutable {
      state_->self = state_;
      state_->transport = set.attach(std::move(owned), *state_).has_value() ? end : nullptr;
      attached.set_value();
    });
    attached.get_future().get();
  }
  ~MemoryClient() override { MemoryClient::close(); }

  void close() override {
    on_end([](MemoryTransport& end) { end.close(CloseReason::kLocal); });
    EXPECT_TRUE(test::eventually([this] { return state_->look().closed; }));
  }
  void reset() override {
    on_end([](MemoryTransport& end) { end.link()->reset(); });
  }
  void finish_sending() override {
    on_end([](MemoryTransport& end) { end.finish_sending(); });
  }
  bool send(std::string_view bytes) override {
    bool written = false;
    on_end([&](MemoryTransport& end) { written = end.write(bytes); });
    if (!written) return false;
    EXPECT_TRUE(test::eventually([this] {
      std::size_t unsent = 0;
      on_end([&](MemoryTransport& end) { unsent = end.unsent_bytes(); });
      return unsent == 0;
    })) << "the server does not read";
    return !state_->look().closed;
  }
  std::string receive(std::size_t size) override {
    EXPECT_TRUE(test::eventually([this, size] {
      const View view = read_on();
      return view.closed || view.ended || view.bytes >= size;
    })) << "the server is silent";
    return state_->take(size);
  }
  std::string receive_some() override {
    EXPECT_TRUE(arrives()) << "the server is silent";
    return state_->take(SIZE_MAX);
  }
  bool ended() override { return arrives() && state_->look().bytes == 0; }
  std::size_t flood(std::size_t most) override {
    const std::string chunk(65'536, 'x');
    std::size_t sent = 0;
    for (std::size_t unsent = 0; unsent == 0 && sent < most; sent += chunk.size()) {
      on_end([&](MemoryTransport& end) { end.write(chunk); });
      on_end([&](MemoryTransport& end) { unsent = end.unsent_bytes(); });
    }
    return sent;
  }
  bool sees_end() override {
    return test::eventually([this] { return state_->look().ended; });
  }
  std::string receive_all() override {
    static_cast<void>(test::eventually([this] {
      const View view = read_on();
      return view.closed || view.ended;
    }));
    EXPECT_TRUE(state_->look().ended) << "the transport did not end in order";
    return state_->take(SIZE_MAX);
  }

 private:
  struct View {
    std::size_t bytes = 0;  // arrived and not taken
    bool ended = false;     // in order
    bool closed = false;
  };
  class State final : public TransportHandler {
   public:
    explicit State(std::size_t window) : window_(window) {}

    View look() {
      std::lock_guard lock(mutex_);
      return {bytes_.size(), ended_, closed_};
    }
    std::string take(std::size_t size) {
      std::lock_guard lock(mutex_);
      std::string taken = bytes_.substr(0, size);
      bytes_.erase(0, taken.size());
      return taken;
    }

    void on_data(Transport& from, std::string_view arrived) override {
      std::lock_guard lock(mutex_);
      bytes_.append(arrived);
      if (bytes_.size() > window_) from.pause();
    }
    std::uint32_t on_end(Transport&) override {
      std::lock_guard lock(mutex_);
      ended_ = true;
      return kPatienceMs;
    }
    void on_closed(Transport&, CloseReason) override {
      const std::shared_ptr<State> keep = std::move(self);
      transport = nullptr;
      std::lock_guard lock(mutex_);
      closed_ = true;
    }

    // On the worker only:
    MemoryTransport* transport = nullptr;
    std::shared_ptr<State> self;  // while the transport lives

   private:
    const std::size_t window_;
    std::mutex mutex_;
    std::string bytes_;
    bool ended_ = false;
    bool closed_ = false;
  };

  // On the worker, if the transport is there.
  template <class F>
  void on_end(F function) {
    if (state_->look().closed) return;
    std::promise<void> done;
    worker_.post([&] {
      if (state_->transport != nullptr) function(*state_->transport);
      done.set_value();
    });
    done.get_future().get();
  }
  // Waits for bytes or an end.
  bool arrives() {
    return test::eventually([this] {
      const View view = read_on();
      return view.closed || view.ended || view.bytes > 0;
    });
  }
  // What there is; reads on if the test has taken what filled the window.
  View read_on() {
    on_end([](MemoryTransport& end) { end.resume(); });
    return state_->look();
  }

  actor::Worker& worker_;
  const std::shared_ptr<State> state_;
};

// A worker of its own for the clients in memory, which outlives the server.
class MemoryClients {
 public:
  explicit MemoryClients(MetricSet& metrics);
  ~MemoryClients();
  MemoryClients(const MemoryClients&) = delete;
  MemoryClients& operator=(const MemoryClients&) = delete;

  [[nodiscard]] std::unique_ptr<Client> connect(MemoryNetwork& network, const Address& server,
                                                std::size_t receive_buffer_bytes = 0);

 private:
  actor::System system_;
  MemoryNetwork network_;
};

inline TcpClient::TcpClient() : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval patience{kPatienceMs / 1000, 0};
  setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  const int on = 1;
  setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

inline TcpClient::TcpClient(const Address& server, int receive_buffer_bytes) : TcpClient() {
  if (receive_buffer_bytes != 0) {
    setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof(int));
  }
  connect(server);
}

inline void TcpClient::connect(const Address& server) {
  sockaddr_storage storage;
  const socklen_t size = server.to_sockaddr(storage);
  connected_ = ::connect(descriptor_, reinterpret_cast<sockaddr*>(&storage), size) == 0;
}

inline void TcpClient::close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

inline void TcpClient::reset() {
  const linger now{1, 0};
  setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

inline void TcpClient::finish_sending() {
  ::shutdown(descriptor_, SHUT_WR);
}

inline bool TcpClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) {
      EXPECT_NE(errno, EAGAIN) << "the server does not read";
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

inline std::string TcpClient::receive(std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t got = 0;
  while (got < size) {
    const ssize_t n = ::recv(descriptor_, bytes.data() + got, size - got, 0);
    EXPECT_FALSE(n < 0 && errno == EAGAIN) << "the server is silent";
    end_ = n;
    if (n <= 0) break;
    got += static_cast<std::size_t>(n);
  }
  bytes.resize(got);
  return bytes;
}

inline std::string TcpClient::receive_some() {
  std::string bytes(4'096, '\0');
  end_ = ::recv(descriptor_, bytes.data(), bytes.size(), 0);
  EXPECT_FALSE(end_ < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) << "the server is silent";
  bytes.resize(end_ < 0 ? 0 : static_cast<std::size_t>(end_));
  return bytes;
}

inline bool TcpClient::ended() {
  char byte;
  end_ = ::recv(descriptor_, &byte, 1, 0);
  return end_ == 0 || (end_ < 0 && errno == ECONNRESET);
}

inline std::size_t TcpClient::flood(std::size_t most) {
  const std::string chunk(65'536, 'x');
  std::size_t sent = 0;
  while (sent < most) {
    const ssize_t n = ::send(descriptor_, chunk.data(), chunk.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n <= 0) break;
    sent += static_cast<std::size_t>(n);
  }
  return sent;
}

inline bool TcpClient::sees_end() {
  pollfd end{descriptor_, POLLRDHUP, 0};
  return ::poll(&end, 1, kPatienceMs) == 1;
}

inline std::string TcpClient::receive_all() {
  std::string all;
  for (;;) {
    const std::string part = receive(65'536);
    all += part;
    if (part.size() < 65'536) break;
  }
  EXPECT_EQ(end_, 0) << "the transport did not end in order";
  return all;
}

inline MemoryClients::MemoryClients(MetricSet& metrics)
    : system_(test_world(), actor::SystemOptions{}, metrics), network_(system_) {
  system_.start(network_.loop_factory());
}

inline MemoryClients::~MemoryClients() {
  system_.stop();
}

inline std::unique_ptr<Client> MemoryClients::connect(MemoryNetwork& network, const Address& server,
                                                      std::size_t receive_buffer_bytes) {
  auto dialled = network.dial(Address::from("127.0.0.1", 40'000).value(), server);
  EXPECT_TRUE(dialled.has_value()) << dialled.error().message;
  constexpr std::size_t kWindowBytes = 1u << 20;
  const std::size_t window = receive_buffer_bytes == 0 ? kWindowBytes : receive_buffer_bytes;
  return std::make_unique<MemoryClient>(network_.transports(0), std::move(*dialled), window);
}

}  // namespace gatehouse::net
