// One end of a connection within the process, for tests and simulation: no socket, no libuv, time
// and order as its worker has them. It behaves as TCP does, the waits and last words of
// DuplexTransport included.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "actor/timer_wheel.hpp"
#include "net/duplex_transport.hpp"
#include "net/memory_link.hpp"

namespace gatehouse::net {

class MemoryTransport final : public DuplexTransport, private actor::Timer {
 public:
  // Two ends of a new connection, each with the address that its peer sees. They may live on
  // different workers.
  [[nodiscard]] static std::pair<std::unique_ptr<MemoryTransport>, std::unique_ptr<MemoryTransport>>
  make_pair(const Address& first, const Address& second);
  ~MemoryTransport() override;

  [[nodiscard]] const std::shared_ptr<MemoryLink>& link() const { return link_; }
  // Ends the output behind what is written, and goes on reading: what a client does that has no
  // more to ask. Nothing may be written after it.
  void finish_sending();

  void say_and_end(std::string_view bytes) override;

 private:
  MemoryTransport(std::shared_ptr<MemoryLink> link, unsigned end, const Address& peer);

  [[nodiscard]] Result<> join() override;
  [[nodiscard]] Result<> leave() override;
  void set_reading(bool on) override;
  void work() override;
  [[nodiscard]] bool send_output() override;
  [[nodiscard]] std::size_t waiting_bytes() const override { return waiting_.size(); }
  void send_end() override;
  void end_carrier() override;
  // Something arrives now.
  void fire() override { schedule(); }

  [[nodiscard]] MonotonicMs now() const;
  void send_waiting();
  void receive_some();
  void end_output_when_sent();

  const std::shared_ptr<MemoryLink> link_;
  const unsigned end_;
  std::string waiting_;  // the link has no room for it
  bool attached_ = false;
  bool reading_ = false;
  bool peer_ended_ = false;  // its end has arrived
  bool finishing_output_ = false;
};

}  // namespace gatehouse::net
