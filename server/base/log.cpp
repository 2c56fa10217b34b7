#include "base/log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/json_text.hpp"
#include "base/printable.hpp"
#include "base/process_output.hpp"
#include "base/published.hpp"
#include "base/system_world.hpp"

namespace gatehouse::log {
namespace {

// Formats one record at a time, and leaves it with a queue.
class QueueSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit QueueSink(OutputQueue& queue) : queue_(queue) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    queue_.write({line.data(), line.size()});
  }
  void flush_() override {}

 private:
  OutputQueue& queue_;
};

// How lines are written; replaced as a whole, and kept: another thread may be at work in it.
struct Setup {
  std::shared_ptr<spdlog::logger> logger;
  Format format = Format::kText;
  bool to_file = false;
};

using Taker = std::function<bool(ServiceId, std::string_view)>;

struct State {
  std::atomic<const Setup*> setup{nullptr};
  std::vector<std::unique_ptr<const Setup>> setups;
  std::unique_ptr<OutputQueue> file;  // null: stdout
  std::atomic<bool> diverted{false};
  Published<Taker> taker;
  std::mutex players_mutex;
  LineBudget players;  // by that mutex
  std::atomic<std::uint64_t> left_out{0};
  const SystemClock system_clock{};
  std::atomic<const Clock*> clock{&system_clock};

  void use(Setup next) {
    setups.push_back(std::make_unique<const Setup>(std::move(next)));
    setup.store(setups.back().get());
  }
};

std::shared_ptr<spdlog::logger> make_logger(OutputQueue& queue) {
  return std::make_shared<spdlog::logger>("gatehouse", std::make_shared<QueueSink>(queue));
}

const char* pattern_of(Format format) {
  return format == Format::kJson ? "%v" : "%Y-%m-%d %H:%M:%S.%e %L %v";
}

// The one process-wide object of the program: log lines come from every thread, before wiring
// and after it, also from destructors of statics: it is never freed. Written by start() and
// divert() and use_clock() only.
State& state() {
  static State& instance = *[] {
    auto* s = new State();
    auto logger = make_logger(process_output::standard_output());
    logger->set_pattern(pattern_of(Format::kText));
    s->use({std::move(logger)});
    return s;
  }();
  return instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
    case Level::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

void append_text(std::string& out, std::string_view text) {
  for (const char c : printable_lines(text)) {
    if (!out.empty() && out.back() == '\n' && c != '\t') out += '\t';
    out += c;
  }
  if (!out.empty() && out.back() == '\n') out += '\t';
}

// The record as spdlog gets it: skynet's form, or the whole JSON object.
std::string record(Format format, Level level, ServiceId source, std::string_view text) {
  std::string line;
  line.reserve(text.size() + 32);
  if (format == Format::kJson) {
    line += fmt::format(R"({{"time":{},"level":"{}","service":"{:08x}","text":)",
                        state().clock.load()->wall_ms(),
                        spdlog::level::to_string_view(to_spdlog(level)), source.value);
    append_json_string(line, text);
    line += '}';
  } else {
    line += fmt::format("[:{:08x}] ", source.value);
    append_text(line, text);
  }
  return line;
}

// The line in the place of those that were lost.
std::string loss_notice(Format format, std::uint64_t lines, std::string_view error) {
  const std::string text =
      fmt::format("{} log lines were lost{}{}", lines, error.empty() ? "" : ": ", error);
  const std::string line = record(format, Level::kWarn, {}, text);
  spdlog::pattern_formatter formatter(pattern_of(format));
  spdlog::memory_buf_t out;
  formatter.format(spdlog::details::log_msg("", spdlog::level::warn, line), out);
  return {out.data(), out.size()};
}

}  // namespace

Result<> start(const Options& options) {
  std::unique_ptr<OutputQueue> file;
  if (!options.file.empty()) {
    auto opened = OutputQueue::open(options.file);
    if (!opened) return tl::unexpected<Error>(opened.error());
    file = std::move(*opened);
  }
  State& s = state();
  OutputQueue& queue = file ? *file : process_output::standard_output();
  queue.set_loss_notice([format = options.format](std::uint64_t lines, std::string_view error) {
    return loss_notice(format, lines, error);
  });
  process_output::standard_output().set_bounds(options.queue);
  process_output::standard_error().set_bounds(options.queue);
  queue.set_bounds(options.queue);
  process_output::set_leave_timeout(options.leave_timeout);
  auto logger = make_logger(queue);
  logger->set_level(to_spdlog(options.level));
  logger->set_pattern(pattern_of(options.format));
  s.use({std::move(logger), options.format, file != nullptr});
  process_output::set_log_file(file.get());
  s.file = std::move(file);
  std::lock_guard lock(s.players_mutex);
  s.players = LineBudget(options.players);
  return {};
}

Result<> reopen() {
  return state().file ? state().file->reopen(kReopenTimeout) : Result<>();
}

void flush() {
  process_output::flush();
}

void last_words(std::string_view text) {
  const Setup& setup = *state().setup.load();
  if (!setup.to_file) return;
  setup.logger->log(spdlog::level::err, record(setup.format, Level::kError, {}, text));
}

bool enabled(Level level) {
  return state().setup.load(std::memory_order_acquire)->logger->should_log(to_spdlog(level));
}

bool admit(std::string_view uid) {
  State& s = state();
  {
    std::lock_guard lock(s.players_mutex);
    if (s.players.admit(uid, s.clock.load()->monotonic_ms())) return true;
  }
  s.left_out.fetch_add(1, std::memory_order_relaxed);
  return false;
}

void say_left_out(bool all) {
  State& s = state();
  std::vector<LineBudget::LeftOut> told;
  {
    std::lock_guard lock(s.players_mutex);
    told = all ? s.players.end_all() : s.players.end_windows(s.clock.load()->monotonic_ms());
  }
  for (const LineBudget::LeftOut& one : told) {
    warn({}, "{}: {} more errors, not logged one by one",
         one.key.empty() ? "other players" : one.key, one.lines);
  }
}

std::uint64_t left_out() {
  return state().left_out.load(std::memory_order_relaxed);
}

void use_clock(const Clock* clock) {
  state().clock.store(clock != nullptr ? clock : &state().system_clock);
}

void divert(Taker taker) {
  const bool diverted = static_cast<bool>(taker);
  state().taker.set(std::move(taker));
  state().diverted.store(diverted);
}

void write(Level level, ServiceId source, std::string_view text) {
  if (state().diverted.load() && enabled(level)) {
    const auto taker = state().taker.get();
    if (*taker && (*taker)(source, text)) return;
  }
  const Setup& setup = *state().setup.load(std::memory_order_acquire);
  setup.logger->log(to_spdlog(level), record(setup.format, level, source, text));
}

}  // namespace gatehouse::log

namespace gatehouse {

void assert_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, condition);
  // What the log itself does may be what is broken.
  thread_local bool once = false;
  if (!std::exchange(once, true)) {
    log::last_words(fmt::format("{}:{}: invariant broken: {}", file, line, condition));
  }
  std::abort();
}

}  // namespace gatehouse
