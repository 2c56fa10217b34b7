// The transport over a TCP socket. For this layer; others get theirs from a Network.
#pragma once

#include <memory>
#include <string>

#include "net/duplex_transport.hpp"
#include "net/socket.hpp"

namespace gatehouse::net {

// Its set is that of a UvLoop.
class TcpTransport final : public DuplexTransport {
 public:
  // Takes the connected socket over.
  explicit TcpTransport(Socket socket);
  ~TcpTransport() override;

  void say_and_end(std::string_view bytes) override;

 private:
  struct Handle;
  struct Write;

  [[nodiscard]] Result<> join() override;
  [[nodiscard]] Result<> leave() override;
  void set_reading(bool on) override;
  [[nodiscard]] bool send_output() override;
  [[nodiscard]] std::size_t waiting_bytes() const override;
  void send_end() override;
  void end_carrier() override;

  Handle* handle_ = nullptr;  // while attached; frees itself in libuv's close callback
  int descriptor_;
  bool reading_ = false;
};

}  // namespace gatehouse::net
