// The log's story of ended connections, bounded so that a flood of them does not fill the disk.
#pragma once

#include <cstdint>
#include <string_view>

#include "actor/timer_wheel.hpp"
#include "actor/worker.hpp"
#include "gate/ending.hpp"
#include "net/address.hpp"

namespace gatehouse::gate {

// One worker's. Beyond kLinesPerSecond the ends of a second become one line with their number.
class CloseLog final : private actor::Timer {
 public:
  static constexpr std::uint32_t kLinesPerSecond = 20;

  // `server` names the gate and outlives the log.
  CloseLog(std::string_view server, actor::Worker& worker) : server_(server), worker_(worker) {}

  void write(Ending ending, const net::Address& peer);

 private:
  void fire() override;

  std::string_view server_;
  actor::Worker& worker_;
  std::uint32_t lines_ = 0;  // in the second that runs
  std::uint32_t unsaid_ = 0;
};

}  // namespace gatehouse::gate
