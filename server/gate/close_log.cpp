#include "gate/close_log.hpp"

#include "base/log.hpp"
#include "edge/carriage.hpp"

namespace gatehouse::gate {

CloseLog::CloseLog(std::string_view server, actor::Worker& worker)
    : server_(server), window_(worker, kLinesPerSecond, [this](std::uint64_t left_out) {
        log::info({}, "gate {}: {} more connections closed within a second", server_, left_out);
      }) {}

void CloseLog::write(Ending ending, const net::Address& peer, const net::Transport* transport) {
  if (!log::enabled(log::Level::kInfo) || !window_.admit()) return;
  log::info({}, "gate {}: connection {}{}{} closed: {}", server_, peer.to_string(),
            transport == nullptr ? "" : " over ",
            transport == nullptr ? "" : edge::describe(*transport), name(ending));
}

}  // namespace gatehouse::gate
