// What the WebSocket connections of one port have in common: whom it lets in, what is counted and
// logged.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/log_limit.hpp"
#include "base/metrics.hpp"
#include "edge/options.hpp"
#include "net/address.hpp"
#include "protocol/upgrade.hpp"
#include "protocol/ws_reader.hpp"

namespace gatehouse::edge {

class WsService {
 public:
  // `framing` says which protocol it serves: login or gate. Of a gate's first message more bytes
  // than `first_message_bytes_max` are refused. The metrics outlive it.
  WsService(protocol::WsFraming framing, WsOptions options, std::uint32_t first_message_bytes_max,
            MetricSet& metrics);

  // --- For WsTransport ---
  [[nodiscard]] protocol::WsFraming framing() const { return framing_; }
  [[nodiscard]] const WsOptions& options() const { return options_; }
  [[nodiscard]] protocol::WsReader::Limits limits() const { return limits_; }
  [[nodiscard]] protocol::UpgradeRules rules() const;

  // Any thread.
  void note_upgrade(protocol::UpgradeResult result, const net::Address& peer, MonotonicMs now);
  void note_received(std::uint32_t messages) { received_->add(messages); }
  void note_sent(std::uint32_t messages) { sent_->add(messages); }
  // A client that broke a rule of WebSocket.
  void note_broken(std::string_view reason, const net::Address& peer, MonotonicMs now);
  // A close frame of ours.
  void note_close(std::uint16_t code);

 private:
  static constexpr std::uint32_t kLinesPerSecond = 10;
  static constexpr std::array<std::uint16_t, 6> kCodes{
      protocol::kWsNormal,  protocol::kWsGoingAway, protocol::kWsProtocolError,
      protocol::kWsBadData, protocol::kWsPolicy,    protocol::kWsTooBig};

  const protocol::WsFraming framing_;
  const WsOptions options_;
  const protocol::WsReader::Limits limits_;
  std::array<Metric*, protocol::kUpgradeResults> upgrades_{};
  std::array<Metric*, kCodes.size()> closes_{};
  Metric* kicks_ = nullptr;         // codes of a kick
  Metric* other_closes_ = nullptr;  // the client's own code, and none
  Metric* received_ = nullptr;
  Metric* sent_ = nullptr;
  LogLimit lines_{kLinesPerSecond, 1'000};
};

}  // namespace gatehouse::edge
