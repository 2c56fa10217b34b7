#include "edge/lobby.hpp"

#include <utility>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "base/refused_metric.hpp"
#include "edge/doorman.hpp"

namespace gatehouse::edge {
namespace {

// Has a transport for the moment between its accept and Guest::enter().
class Nobody final : public net::TransportHandler {
  void on_data(net::Transport&, std::string_view) override {}
  void on_closed(net::Transport&, net::CloseReason) override {}
};

}  // namespace

Lobby::Lobby(const EntranceParts& parts, actor::Worker& worker)
    : parts_(parts),
      worker_(worker),
      log_window_(worker, kLinesPerSecond, [this](std::uint64_t left_out) {
        log::info({}, "{}: {} more connections refused within a second", options().name, left_out);
      }) {
  for (std::size_t i = 0; i < kRefusalNames.size(); ++i) {
    refused_[i] = &refused_metric(parts_.metrics, options().where, kRefusalNames[i]);
  }
}

Lobby::~Lobby() {
  GATEHOUSE_ASSERT(first_ == nullptr);
}

void Lobby::accept(net::TransportSet& set, std::unique_ptr<net::Transport> transport) {
  if (stopped_) return;
  const net::Address peer = transport->peer();
  const net::NetworkSet* proxies = surroundings().trusted_proxies;
  if (proxies != nullptr && proxies->contains(peer))
    return accept_proxied(set, std::move(transport));
  auto guest = host().admit(set, peer);
  if (!guest) {
    if (!guest.error().empty()) transport->say_and_end(guest.error());
    return;
  }
  if (!known_at_once())
    return Doorman::receive(*this, set, std::move(transport), *std::move(guest));
  static Nobody nobody;
  const auto attached = set.attach(std::move(transport), nobody);
  using enum net::CloseReason;
  if (!attached) return (*guest)->gone(peer, set.ending() ? kShutdown : kPeerReset);
  guest->release()->enter(**attached, {});
}

void Lobby::accept_proxied(net::TransportSet& set, std::unique_ptr<net::Transport> transport) {
  if (parts_.nameless.fetch_add(1, std::memory_order_relaxed) < options().proxy_headers_max)
    return Doorman::receive(*this, set, std::move(transport), nullptr);
  give_name_place_back();
  note_refused(Refusal::kProxyConnectionsMax, transport->peer(), {});
}

void Lobby::stop() {
  stopped_ = true;
  for (Doorman* doorman = first_; doorman != nullptr; doorman = doorman->next_) doorman->end();
}

void Lobby::add(Doorman& doorman) {
  doorman.next_ = first_;
  if (first_ != nullptr) first_->previous_ = &doorman;
  first_ = &doorman;
}

void Lobby::remove(Doorman& doorman) {
  (doorman.previous_ == nullptr ? first_ : doorman.previous_->next_) = doorman.next_;
  if (doorman.next_ != nullptr) doorman.next_->previous_ = doorman.previous_;
}

void Lobby::note_refused(Refusal refusal, const net::Address& peer, std::string_view detail) {
  refused_[static_cast<std::size_t>(refusal)]->add();
  if (!log::enabled(log::Level::kInfo) || !log_window_.admit()) return;
  log::info({}, "{}: connection {} refused: {}{}{}", options().name, peer.to_string(),
            name(refusal), detail.empty() ? "" : ", ", detail);
}

}  // namespace gatehouse::edge
