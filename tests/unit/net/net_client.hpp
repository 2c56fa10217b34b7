// Blocking clients of tests, over a socket or in memory; every wait ends after kPatienceMs.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "net/address.hpp"
#include "net/memory_network.hpp"

namespace gatehouse::net {

inline constexpr int kPatienceMs = 20'000;

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
  bool ended() override;
  std::size_t flood(std::size_t most) override;
  bool sees_end() override;
  std::string receive_all() override;

 private:
  int descriptor_;
  bool connected_ = false;
  ssize_t end_ = 0;
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

}  // namespace gatehouse::net
