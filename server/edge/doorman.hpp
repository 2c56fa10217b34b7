// One connection from its accept until it is known what it speaks (edge/entrance.hpp, steps 1 to
// 5). It belongs to its transport: made by receive(), deletes itself when that told it the end or
// the protocol took it over, and only there. On its worker's thread.
//
//   kHeader   the PROXY header is read; no guest yet
//   kFirst    the first bytes are waited for
//   kSecure   TLS: its handshake, then the first bytes within it
//   kUpgrade  WebSocket: the request is read and answered
//   kRefused  the answer leaves; the place is kept until the connection has ended
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "actor/timer_wheel.hpp"
#include "edge/guest.hpp"
#include "edge/lobby.hpp"
#include "edge/pass.hpp"
#include "edge/refusal.hpp"
#include "net/transport.hpp"
#include "protocol/proxy_header.hpp"

namespace gatehouse::edge {

class Doorman final : private net::TransportHandler, private actor::Timer, private PassHolder {
 public:
  // Without a guest the header of a proxy comes first.
  static void receive(Lobby& lobby, net::TransportSet& set,
                      std::unique_ptr<net::Transport> transport, std::unique_ptr<Guest> guest);
  Doorman(const Doorman&) = delete;
  Doorman& operator=(const Doorman&) = delete;

  // The entrance stops; this is gone soon.
  void end();

 private:
  friend class Lobby;  // its list

  enum class State : std::uint8_t { kHeader, kFirst, kSecure, kUpgrade, kRefused };

  Doorman(Lobby& lobby, std::unique_ptr<Guest> guest);
  ~Doorman() override;

  void on_ready(net::Transport& transport) override;
  void on_data(net::Transport& transport, std::string_view bytes) override;
  void on_closed(net::Transport& transport, net::CloseReason reason) override;
  void fire() override;
  void on_shed() override;
  void hold_pass();

  // All of these may leave this gone.
  void read_header(std::string_view bytes);
  void take_header(std::string_view rest);
  void judge(std::string_view bytes);
  void begin_tls(std::string_view bytes);
  void begin_websocket(std::string_view bytes);
  // It is a frame or a line.
  void enter_plain(std::string_view bytes);
  void enter(std::string_view bytes);
  void refuse(Refusal refusal, std::string_view answer, std::string_view detail = {});
  void finish(std::string_view answer);

  // Waits for the client, as long as it may take.
  void wait();
  [[nodiscard]] bool within_tls() const { return state_ == State::kSecure; }
  [[nodiscard]] bool sniffs() const;

  Lobby& lobby_;
  net::Transport* transport_ = nullptr;
  std::unique_ptr<Guest> guest_;
  std::unique_ptr<protocol::ProxyReader> header_;  // in kHeader
  std::string kept_;                               // too few bytes to tell
  State state_ = State::kFirst;
  bool ready_ = false;  // in kSecure: the handshake of TLS is over
  Doorman* previous_ = nullptr;
  Doorman* next_ = nullptr;
};

}  // namespace gatehouse::edge
