// The functions of a game that the server waits for. Each has a deadline, and its end, however it
// comes, skips nothing that comes next.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/log_limit.hpp"
#include "base/metrics.hpp"

namespace gatehouse::script {

enum class Hook : std::uint8_t {
  kNone,
  // of an actor module
  kLoad,
  kRequest,
  kResume,
  kAfk,
  kReceive,
  kSave,  // now and then, while the player plays
  kLogout,
  kLastSave,  // after logout
  // of a login policy
  kAuth,
  kLogin,
};
inline constexpr std::size_t kHooks = 11;

// What the game's author calls it: "save", "auth_handler".
[[nodiscard]] std::string_view name(Hook hook);

// What goes wrong in hooks, for operators: counters `gatehouse_hook_timeouts` and log lines, a few
// a second at most. Any thread.
class HookReports {
 public:
  HookReports(const Clock& clock, MetricSet& metrics);
  HookReports(const HookReports&) = delete;
  HookReports& operator=(const HookReports&) = delete;

  // A hook did not end in time; `text` says whose it is, and where it waits. Empty: it is counted
  // alone.
  void timed_out(ServiceId service, Hook hook, std::string_view text);
  // One error line, counted when there are too many.
  void error(ServiceId service, std::string_view text);

 private:
  const Clock& clock_;
  std::array<Metric*, kHooks> timeouts_{};
  LogLimit lines_{10, 1'000};
};

}  // namespace gatehouse::script
