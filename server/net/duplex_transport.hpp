// What transports over a carrier with two directions have in common: one direction may end before
// the other, last bytes are sent before the end, and each wait for the peer has a deadline.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "net/transport.hpp"

namespace gatehouse::net {

// States: open; at its end (eof_ and not answering_, or finishing_), where the output is sent
// first; closing_: the carrier was told to end, and says so by ended().
class DuplexTransport : public Transport {
 public:
  ~DuplexTransport() override;

  [[nodiscard]] std::size_t unsent_bytes() const final;
  void close(CloseReason reason) final;
  void close_after_flush(CloseReason reason, std::uint32_t linger_ms) final;

 protected:
  DuplexTransport(TransportKind kind, const Address& peer);

  // --- What the carrier does ---
  // Gives it the output, or leaves that until what it has no room for has left: what it took is
  // not in the output any more. False: it broke.
  [[nodiscard]] virtual bool send_output() = 0;
  // Bytes given to it that it has no room for yet. mark_dirty() when they have left.
  [[nodiscard]] virtual std::size_t waiting_bytes() const = 0;
  // Nothing is written any more.
  virtual void send_end() = 0;
  // The connection is over. ended() follows from the loop.
  virtual void end_carrier() = 0;

  // --- What the carrier calls, from the loop ---
  // This may be gone after received(), received_end() and ended().
  void received(std::string_view bytes);
  void received_end();
  void ended();
  // In join() and leave().
  void begin() { eof_ = answering_ = false; }
  void stop_waiting();

  [[nodiscard]] bool closing() const { return closing_; }
  [[nodiscard]] bool at_peers_end() const { return eof_; }

 private:
  struct Deadline;

  void flush() final;
  [[nodiscard]] bool forget_end() final;
  void discard(std::size_t bytes);
  void finish_when_sent();
  // The peer had its time to take our last bytes.
  void give_up();
  void start_closing();
  void arm_deadline(std::uint32_t ms);

  std::unique_ptr<Deadline> deadline_;  // bounds the time between the end and the close
  std::uint32_t discarded_bytes_ = 0;
  CloseReason reason_ = CloseReason::kLocal;
  bool eof_ : 1 = false;
  bool answering_ : 1 = false;  // at the peer's end, the handler has more to say
  bool finishing_ : 1 = false;
  bool shut_ : 1 = false;  // our end was sent
  bool closing_ : 1 = false;
};

}  // namespace gatehouse::net
