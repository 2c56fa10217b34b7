#include "edge/ws_service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"

namespace gatehouse::edge {
namespace {

using protocol::UpgradeResult;
using protocol::WsFraming;

// The codes of a kick are those of docs/protocol.md 3.16, from here on.
constexpr std::uint16_t kKickCodesMin = 4'000;

protocol::WsReader::Limits limits_of(WsFraming framing, std::uint32_t first_message_bytes_max) {
  // A line with its end.
  constexpr std::uint32_t kLineBytesMax = kLoginLineBytesMax + 2;
  if (framing == WsFraming::kLines) return {kLineBytesMax, kLineBytesMax};
  return {first_message_bytes_max, kFrameBytesMax};
}

std::string_view name_of(WsFraming framing) {
  return framing == WsFraming::kLines ? "login" : "gate";
}

}  // namespace

WsService::WsService(WsFraming framing, WsOptions options, std::uint32_t first_message_bytes_max,
                     MetricSet& metrics)
    : framing_(framing),
      options_(std::move(options)),
      limits_(limits_of(framing, first_message_bytes_max)) {
  const std::string where = fmt::format("where=\"{}\"", name_of(framing));
  upgrades_[0] = &metrics.counter("websocket_upgrades", where, "WebSocket connections made");
  static_assert(static_cast<std::size_t>(UpgradeResult::kAccepted) == 0);
  for (std::size_t i = 1; i < protocol::kUpgradeResults; ++i) {
    const auto label =
        fmt::format("{},reason=\"upgrade_{}\"", where, name(static_cast<UpgradeResult>(i)));
    upgrades_[i] = &metrics.counter("refused_total", label, "Connections refused");
  }
  const auto closes = [&](std::string_view code) {
    return &metrics.counter("websocket_closes", fmt::format("{},code=\"{}\"", where, code),
                            "Close frames sent");
  };
  for (std::size_t i = 0; i < kCodes.size(); ++i) closes_[i] = closes(fmt::format("{}", kCodes[i]));
  kicks_ = closes("kick");
  other_closes_ = closes("other");
  const auto messages = [&](std::string_view direction) {
    return &metrics.counter("websocket_messages",
                            fmt::format("{},direction=\"{}\"", where, direction),
                            "Messages over WebSocket");
  };
  received_ = messages("in");
  sent_ = messages("out");
}

protocol::UpgradeRules WsService::rules() const {
  const bool login = framing_ == WsFraming::kLines;
  return {login ? protocol::kLoginSubprotocol : protocol::kGateSubprotocol, options_.origins};
}

void WsService::note_upgrade(UpgradeResult result, const net::Address& peer, MonotonicMs now) {
  upgrades_[static_cast<std::size_t>(result)]->add();
  if (result == UpgradeResult::kAccepted) return;
  const auto left_out = lines_.admit(now);
  if (!left_out) return;
  log::info({}, "{} refused at {}: WebSocket upgrade, {} ({} more not logged)", peer.to_string(),
            name_of(framing_), name(result), *left_out);
}

void WsService::note_broken(std::string_view reason, const net::Address& peer, MonotonicMs now) {
  const auto left_out = lines_.admit(now);
  if (!left_out) return;
  log::info({}, "{} closed at {}: WebSocket, {} ({} more not logged)", peer.to_string(),
            name_of(framing_), reason, *left_out);
}

void WsService::note_close(std::uint16_t code) {
  const auto at = std::find(kCodes.begin(), kCodes.end(), code);
  Metric* metric = code >= kKickCodesMin ? kicks_ : other_closes_;
  if (at != kCodes.end()) metric = closes_[static_cast<std::size_t>(at - kCodes.begin())];
  metric->add();
}

}  // namespace gatehouse::edge
