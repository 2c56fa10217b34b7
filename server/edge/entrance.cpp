#include "edge/entrance.hpp"

#include <utility>

#include "base/assert.hpp"
#include "edge/lobby.hpp"
#include "edge/ws_service.hpp"

namespace gatehouse::edge {

Entrance::Entrance(EntranceOptions options, const Surroundings& surroundings, Host& host,
                   MetricSet& metrics)
    : options_(std::move(options)), surroundings_(surroundings), host_(host), metrics_(metrics) {}

Entrance::~Entrance() = default;

Result<> Entrance::start(net::Network& network, actor::System& system) {
  GATEHOUSE_ASSERT(listener_ == nullptr);
  if (takes_websocket(options_.transport, false) || takes_websocket(options_.transport, true)) {
    const auto framing =
        options_.server_speaks_first ? protocol::WsFraming::kLines : protocol::WsFraming::kFrames;
    websocket_ = std::make_unique<WsService>(
        framing, surroundings_.websocket == nullptr ? WsOptions{} : *surroundings_.websocket,
        options_.first_message_bytes_max, metrics_);
  }
  const EntranceParts parts{options_, surroundings_, host_, metrics_, nameless_, websocket_.get()};
  for (std::uint16_t i = 0; i < system.worker_count(); ++i)
    lobbies_.push_back(std::make_unique<Lobby>(parts, system.worker(i)));
  auto listener =
      network.listen(options_.listen, {},
                     [this](net::TransportSet& set, std::unique_ptr<net::Transport> transport) {
                       lobbies_[set.worker().index()]->accept(set, std::move(transport));
                     });
  if (!listener) return tl::unexpected(listener.error());
  listener_ = std::move(*listener);
  return {};
}

void Entrance::stop() {
  if (listener_ == nullptr) return;
  listener_->stop();
  for (const auto& lobby : lobbies_) lobby->worker().post([lobby = lobby.get()] { lobby->stop(); });
}

}  // namespace gatehouse::edge
