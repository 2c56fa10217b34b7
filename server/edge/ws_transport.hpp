// WebSocket over another transport (docs/protocol.md 1.8): first the upgrade, then messages. The
// protocols above know nothing of it: they read and write frames or lines, as WsService says.
//
// The upgrade has what is left of the connection's deadline; whoever owns the connection keeps it.
// An idle connection holds nothing beyond this object.
//
// Close codes: what the peer said is said again; what explain_end() was told is 4000 and its code,
// but at shutdown, where it is 1001 with the same reason; broken rules of WebSocket are 1002, 1007
// and 1009, too many pings or fragments 1008; else 1000.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "actor/timer_wheel.hpp"
#include "edge/layer_transport.hpp"
#include "edge/ws_service.hpp"
#include "protocol/ws_reader.hpp"

namespace gatehouse::edge {

class WsTransport final : public LayerTransport {
 public:
  // The service outlives it.
  WsTransport(std::unique_ptr<net::Transport> below, WsService& service);
  WsTransport(net::Transport& below, WsService& service);
  ~WsTransport() override;

  void explain_end(int code, std::string_view reason) override;

 private:
  WsTransport(net::TransportKind kind, std::unique_ptr<net::Transport>& below, WsService& service);

  struct Pinger;
  // Why the server ends the connection.
  struct Farewell {
    std::uint16_t code;
    std::string reason;
  };

  void decode(std::string_view received, std::string& plain) override;
  void encode(std::string_view plain, std::string& wire) override;
  void encode_end(std::string& wire, net::CloseReason reason) override;
  void on_join() override;
  void on_leave() override;

  // Returns what follows the head, once that is complete and accepted.
  [[nodiscard]] std::string_view upgrade(std::string_view received);
  void read(std::string_view bytes, std::string& plain);
  void answer_upgrade(const protocol::UpgradeAnswer& answer);
  // Says why, and ends.
  void break_off(std::uint16_t code, std::string_view reason, net::CloseReason why);
  [[nodiscard]] bool over_rate(std::uint32_t frames);
  void say_close(std::string& wire, std::uint16_t code, std::string_view reason);
  void ping();
  [[nodiscard]] MonotonicMs now() const;

  WsService& service_;
  protocol::WsReader reader_;
  std::unique_ptr<std::string> head_;  // of the request, until it is complete
  std::unique_ptr<Farewell> farewell_;
  std::unique_ptr<Pinger> pinger_;  // while attached and ready, with pings
  std::uint32_t other_frames_ = 0;  // in rate_second_
  std::uint32_t rate_second_ = 0;
  bool pinged_ = false;
  bool heard_ = false;  // since the last ping
};

}  // namespace gatehouse::edge
