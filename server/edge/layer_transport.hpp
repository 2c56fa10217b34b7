// What transports over another one have in common: TLS, WebSocket. A layer is its neighbour's
// handler and forwards what a Transport promises: a derived class only turns bytes into other
// bytes.
//
// It is made over a detached transport, which it attaches and detaches along with itself, or over
// an attached one, whose handler's place it takes when it is attached itself, with the input that
// was put back there:
//
//   set.attach(std::make_unique<SomeLayer>(below), handler)
//
// The handler of before hears nothing more. A layer that ends without having been attached, or
// cannot be, ends the connection below.
//
// States: not ready, until become_ready(): output waits here; open; ending. The peer may end its
// direction below, or in the layer's own words (peer_ends()).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/transport.hpp"

namespace gatehouse::edge {

class LayerTransport : public net::Transport, private net::TransportHandler {
 public:
  ~LayerTransport() override;

  [[nodiscard]] std::optional<net::TlsAgreement> tls() const override { return carrier().tls(); }
  [[nodiscard]] const net::Relay* relay() const override { return carrier().relay(); }
  void say_and_end(std::string_view bytes) final;
  // What the transports below have not sent is counted, too, in their bytes.
  [[nodiscard]] std::size_t unsent_bytes() const final;
  void close(net::CloseReason reason) final;
  void close_after_flush(net::CloseReason reason, std::uint32_t linger_ms) final;
  // The opening handshake is over; TransportHandler::on_ready() has told.
  [[nodiscard]] bool ready() const { return ready_; }

 protected:
  LayerTransport(net::TransportKind kind, std::unique_ptr<net::Transport> below);
  LayerTransport(net::TransportKind kind, net::Transport& below);  // attached, to the same set

  // --- What a layer does ---
  // Takes what came from below, cut anywhere, and appends to `plain` what it says. May call what
  // follows below, and nothing else that ends the transport or tells its handler. Afterwards the
  // handler is told, in this order: on_ready(), on_data(), on_end(); nothing after refuse().
  virtual void decode(std::string_view received, std::string& plain) = 0;
  // Appends to `wire` what says `plain`, all of it. After become_ready() only; may refuse().
  virtual void encode(std::string_view plain, std::string& wire) = 0;
  // Appends the last words of our direction: nothing is encoded after it. Also when not ready.
  virtual void encode_end(std::string& wire, net::CloseReason reason) {
    static_cast<void>(wire), static_cast<void>(reason);
  }
  // It has come to a worker, or leaves it: timers belong there.
  virtual void on_join() {}
  virtual void on_leave() {}

  // --- What it may call, while attached ---
  // Where its own words go: append only.
  [[nodiscard]] std::string& wire() { return below_->output(); }
  // From the constructor, when there is no opening handshake: on_ready() is not called then.
  void become_ready();
  // The peer said, in the layer's own words, that it sends no more. Again is harmless.
  void peer_ends();
  // The peer broke the rules: what is in wire() leaves, and the connection ends.
  void refuse(net::CloseReason reason);
  // Stops what comes from below while the layer waits for something else, and does not leave its
  // worker; what the handler paused stays so.
  void hold_input(bool on);
  // What follows decode(), for a layer that decoded elsewhere: from the loop, and this may be gone
  // after it.
  void deliver(std::string_view plain);
  // Whether what comes from below is taken now.
  [[nodiscard]] bool reading() const { return reading_; }
  // What is below: attached or not.
  [[nodiscard]] const net::Transport& carrier() const;

 private:
  struct Deadline;
  enum class PeersEnd : std::uint8_t { kNone, kCame, kTold };

  // --- Transport ---
  [[nodiscard]] Result<> join() final;
  [[nodiscard]] Result<> leave() final;
  void set_reading(bool on) final;
  void flush() final;
  void work() final;
  [[nodiscard]] bool forget_end() final;

  // --- TransportHandler, of the transport below ---
  void on_data(net::Transport& below, std::string_view bytes) final;
  std::uint32_t on_end(net::Transport& below) final;
  void on_closed(net::Transport& below, net::CloseReason reason) final;

  // Each may leave this gone.
  void tell_ready(std::string_view plain);
  void tell_end();
  void encode_output();
  void give_up();

  std::unique_ptr<net::Transport> detached_;
  net::Transport* below_ = nullptr;     // attached, but not yet ours before join()
  std::unique_ptr<Deadline> deadline_;  // of the handler's patience after the peer's end
  std::uint32_t patience_ms_ = 0;       // that it asked for
  bool ready_ : 1 = false;
  bool ready_told_ : 1 = false;
  bool reading_ : 1 = false;
  bool holding_ : 1 = false;    // hold_input()
  bool own_end_ : 1 = false;    // peer_ends()
  bool finishing_ : 1 = false;  // the peer has ended, and the handler has nothing more to say
  PeersEnd peers_end_ = PeersEnd::kNone;
};

}  // namespace gatehouse::edge
