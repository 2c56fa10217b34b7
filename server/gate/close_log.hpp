// The log's story of ended connections, bounded so that a flood of them does not fill the disk.
#pragma once

#include <cstdint>
#include <string_view>

#include "actor/log_window.hpp"
#include "actor/worker.hpp"
#include "gate/ending.hpp"
#include "net/transport.hpp"

namespace gatehouse::gate {

// One worker's. Beyond kLinesPerSecond the ends of a second become one line with their number.
class CloseLog final {
 public:
  static constexpr std::uint32_t kLinesPerSecond = 20;

  // `server` names the gate and outlives the log.
  CloseLog(std::string_view server, actor::Worker& worker);

  // Without a transport it is not told how the connection came.
  void write(Ending ending, const net::Address& peer, const net::Transport* transport);

 private:
  std::string_view server_;
  actor::LogWindow window_;
};

}  // namespace gatehouse::gate
