#include "edge/ws_transport.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "net/transport_set.hpp"
#include "protocol/upgrade.hpp"

namespace gatehouse::edge {
namespace {

using net::CloseReason;
using protocol::UpgradeResult;
using protocol::WsReader;

constexpr int kKickCodes = 4'000;
constexpr int kKickCodeMax = 999;
constexpr int kStoppingCode = 503;  // of a kick, while a refusal says by it that there is no room
constexpr MonotonicMs kMsPerSecond = 1'000;

net::TransportKind kind_over(const net::Transport& below) {
  return below.kind() == net::TransportKind::kTls ? net::TransportKind::kWss
                                                  : net::TransportKind::kWs;
}

}  // namespace

struct WsTransport::Pinger final : actor::Timer {
  explicit Pinger(WsTransport& t) : transport(t) {}
  void fire() override { transport.ping(); }
  WsTransport& transport;
};

WsTransport::WsTransport(std::unique_ptr<net::Transport> below, WsService& service)
    : WsTransport(kind_over(*below), below, service) {}

WsTransport::WsTransport(net::TransportKind kind, std::unique_ptr<net::Transport>& below,
                         WsService& service)
    : LayerTransport(kind, std::move(below)),
      service_(service),
      reader_(service.framing(), service.limits()) {}

WsTransport::WsTransport(net::Transport& below, WsService& service)
    : LayerTransport(kind_over(below), below),
      service_(service),
      reader_(service.framing(), service.limits()) {}

WsTransport::~WsTransport() = default;

void WsTransport::on_join() {
  if (ready()) ping();
}

void WsTransport::on_leave() {
  pinger_.reset();
}

void WsTransport::decode(std::string_view received, std::string& plain) {
  heard_ = true;
  if (!ready()) received = upgrade(received);
  if (ready() && !received.empty()) read(received, plain);
}

std::string_view WsTransport::upgrade(std::string_view received) {
  const std::size_t seen = head_ == nullptr ? 0 : head_->size();
  std::string_view head = received;
  if (seen != 0) head = head_->append(received);
  const std::size_t size = protocol::upgrade_head_bytes(head, seen);
  const bool complete = size != 0 && size <= protocol::kUpgradeBytesMax;
  if (complete) {
    answer_upgrade(protocol::judge_upgrade(head.substr(0, size), service_.rules()));
    const std::size_t rest_bytes = head.size() - size;
    head_.reset();
    return received.substr(received.size() - rest_bytes);
  }
  // Every method begins with a letter: what does not is somebody who waits for another answer.
  const bool letter = !head.empty() && head[0] >= 'A' && head[0] <= 'Z';
  if (!letter || head.size() > protocol::kUpgradeBytesMax) {
    const auto result = letter ? UpgradeResult::kTooLarge : UpgradeResult::kNotHttp;
    answer_upgrade(protocol::refuse_upgrade(result, service_.rules()));
    head_.reset();
  } else if (head_ == nullptr) {
    head_ = std::make_unique<std::string>(head);
  }
  return {};
}

void WsTransport::answer_upgrade(const protocol::UpgradeAnswer& answer) {
  service_.note_upgrade(answer.result, peer(), now());
  wire() += answer.response;
  if (answer.result != UpgradeResult::kAccepted) return refuse(CloseReason::kProtocol);
  become_ready();
  ping();
}

void WsTransport::read(std::string_view bytes, std::string& plain) {
  std::string pongs;
  const WsReader::Status status = reader_.feed(bytes, plain, pongs);
  if (!pongs.empty()) wire() += pongs;
  const WsReader::Counts counts = reader_.take_counts();
  if (counts.messages != 0) service_.note_received(counts.messages);
  if (status == WsReader::Status::kPeerCloses) return peer_ends();
  if (status == WsReader::Status::kBroken)
    return break_off(reader_.code(), reader_.reason(), CloseReason::kProtocol);
  if (counts.other_frames != 0 && over_rate(counts.other_frames))
    break_off(protocol::kWsPolicy, "too many pings or fragments", CloseReason::kLimit);
}

void WsTransport::break_off(std::uint16_t code, std::string_view reason, CloseReason why) {
  service_.note_broken(reason, peer(), now());
  say_close(wire(), code, reason);
  refuse(why);
}

bool WsTransport::over_rate(std::uint32_t frames) {
  const auto second = static_cast<std::uint32_t>(now() / kMsPerSecond);
  if (std::exchange(rate_second_, second) != second) other_frames_ = 0;
  other_frames_ += frames;
  const std::uint32_t max = service_.options().other_frames_per_s_max;
  return max != 0 && other_frames_ > max;
}

void WsTransport::encode(std::string_view plain, std::string& wire) {
  service_.note_sent(protocol::append_ws_messages(wire, service_.framing(), plain));
}

void WsTransport::explain_end(int code, std::string_view reason) {
  const auto all = static_cast<std::uint16_t>(kKickCodes + std::clamp(code, 0, kKickCodeMax));
  farewell_ = std::make_unique<Farewell>(Farewell{all, std::string(reason)});
}

void WsTransport::encode_end(std::string& wire, CloseReason reason) {
  if (!ready()) {
    wire += protocol::upgrade_unavailable();
    return;
  }
  if (reader_.status() == WsReader::Status::kPeerCloses) return say_close(wire, reader_.code(), {});
  std::uint16_t code = protocol::kWsNormal;
  if (farewell_ != nullptr) code = farewell_->code;
  const bool stops = reason == CloseReason::kKicked && code == kKickCodes + kStoppingCode;
  if (reason == CloseReason::kShutdown || stops) code = protocol::kWsGoingAway;
  say_close(wire, code, farewell_ == nullptr ? std::string_view() : farewell_->reason);
}

void WsTransport::say_close(std::string& wire, std::uint16_t code, std::string_view reason) {
  protocol::append_ws_close(wire, code, reason);
  service_.note_close(code);
}

// A peer that is not read cannot be heard.
void WsTransport::ping() {
  const std::uint32_t ping_s = service_.options().ping_s;
  if (ping_s == 0 || ending()) return;
  if (pinger_ == nullptr) {
    pinger_ = std::make_unique<Pinger>(*this);
  } else {
    if (pinged_ && !heard_ && reading()) return close(CloseReason::kTimeout);
    protocol::append_ws_frame(wire(), protocol::WsOpcode::kPing, {});
    pinged_ = true;
    heard_ = false;
  }
  set().worker().timers().add(*pinger_, now() + ping_s * kMsPerSecond);
}

MonotonicMs WsTransport::now() const {
  return set().worker().now();
}

}  // namespace gatehouse::edge
