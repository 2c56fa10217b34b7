// Log lines in skynet's form: `[:0100000a] text`, one line a call, to stdout or a file, with
// level and time; or JSON lines. Any thread. This is the only wrapper of spdlog.
//
// No caller waits for who reads the log: lines wait in a bounded queue (base/output_queue.hpp), and
// what finds no room, or cannot be written, is counted and said in a line of its own.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "base/line_budget.hpp"
#include "base/output_queue.hpp"
#include "base/result.hpp"

namespace gatehouse::log {

enum class Level { kDebug, kInfo, kWarn, kError, kOff };
enum class Format { kText, kJson };

struct Options {
  Level level = Level::kInfo;
  Format format = Format::kText;
  std::string file;  // empty: stdout
  OutputBounds queue = {};
  // How long the last lines may take at the end of the process.
  std::chrono::milliseconds leave_timeout = OutputQueue::kLeaveTimeout;
  // What players may have written about themselves (admit()).
  LineBudget::Options players = {};
};

// From main, while others may log already (signals have a thread of their own). Fails when the file
// cannot be opened.
[[nodiscard]] Result<> start(const Options& options);
// Reopens the file (SIGHUP, log rotation). The old one stays in use when that fails. Any thread,
// while others log. Waits kReopenTimeout at most, then kTimeout: it is done once the system that
// hangs in a write lets go.
[[nodiscard]] Result<> reopen();
inline constexpr std::chrono::milliseconds kReopenTimeout{250};
// Waits until what was logged and printed is with its readers, for leave_timeout at most.
void flush();
// For a process that aborts: one line in the log's file, if it has one, whatever takes the records.
void last_words(std::string_view text);
// Gives each record to `taker` from now on; one that it refuses is written as before. nullptr
// ends it. While no other thread logs; the taker is called by any thread.
void divert(std::function<bool(ServiceId source, std::string_view text)> taker);
// Counts players' lines by this clock from now on, which outlives that; nullptr: by the system's.
// For tests and simulation.
void use_clock(const Clock* clock);
[[nodiscard]] bool enabled(Level level);

// Whether one more line about what a player did wrong may be written: Options::players says how
// many. Ask before the line is made; what is left out is counted. Any thread.
[[nodiscard]] bool admit(std::string_view uid);
// Says of whom lines were left out, once a minute is over; of all when the process ends. From time
// to time, by any thread.
void say_left_out(bool all = false);
// Lines left out until now.
[[nodiscard]] std::uint64_t left_out();

// Writes one record on behalf of a service; source {} prints as [:00000000]. Text may hold what a
// peer sent: it cannot forge a record, nor do anything to a terminal (base/printable.hpp). JSON:
// one line, valid UTF-8, whatever the text. Text form: a newline stays, for the tracebacks of
// scripts, and the line after it begins with a TAB, which no record begins with.
void write(Level level, ServiceId source, std::string_view text);

template <class... Args>
void debug(ServiceId source, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kDebug))
    write(Level::kDebug, source, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(ServiceId source, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kInfo))
    write(Level::kInfo, source, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warn(ServiceId source, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kWarn))
    write(Level::kWarn, source, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(ServiceId source, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::kError))
    write(Level::kError, source, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace gatehouse::log
