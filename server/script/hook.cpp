#include "script/hook.hpp"

#include <fmt/format.h>

#include "base/clock.hpp"
#include "base/log.hpp"

namespace gatehouse::script {

std::string_view name(Hook hook) {
  switch (hook) {
    case Hook::kNone:
      return "task";
    case Hook::kLoad:
      return "load";
    case Hook::kRequest:
      return "request";
    case Hook::kResume:
      return "resume";
    case Hook::kAfk:
      return "afk";
    case Hook::kReceive:
      return "receive";
    case Hook::kSave:
    case Hook::kLastSave:
      return "save";
    case Hook::kLogout:
      return "logout";
    case Hook::kAuth:
      return "auth_handler";
    case Hook::kLogin:
      return "login_handler";
  }
  return "";
}

HookReports::HookReports(const Clock& clock, MetricSet& metrics) : clock_(clock) {
  for (std::size_t i = 1; i < kHooks; ++i) {
    timeouts_[i] =
        &metrics.counter("hook_timeouts", fmt::format("hook=\"{}\"", name(static_cast<Hook>(i))),
                         "Functions of the game that were ended at their deadline");
  }
}

void HookReports::timed_out(ServiceId service, Hook hook, std::string_view text) {
  if (Metric* counter = timeouts_[static_cast<std::size_t>(hook)]) counter->add();
  if (!text.empty()) error(service, text);
}

void HookReports::error(ServiceId service, std::string_view text) {
  const auto left_out = lines_.admit(clock_.monotonic_ms());
  if (!left_out) return;
  if (*left_out != 0) log::error({}, "{} more failures of hooks, not logged one by one", *left_out);
  log::write(log::Level::kError, service, text);
}

}  // namespace gatehouse::script
