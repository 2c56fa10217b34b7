#include "base/log.hpp"

#include <spdlog/details/file_helper.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>

namespace gatehouse::log {
namespace {

// A file that can be opened anew while other threads write to it.
class LogFile final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit LogFile(std::string path) : path_(std::move(path)), file_(open()) {}

  // Any thread. Throws spdlog_ex and keeps the old file when the path cannot be opened.
  void reopen() {
    auto file = open();
    const std::lock_guard lock(mutex_);
    file_.swap(file);
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    file_->write(line);
  }
  void flush_() override { file_->flush(); }

 private:
  using File = spdlog::details::file_helper;

  [[nodiscard]] std::unique_ptr<File> open() const {
    auto file = std::make_unique<File>();
    file->open(path_);
    return file;
  }

  const std::string path_;
  std::unique_ptr<File> file_;  // guarded by mutex_
};

struct State {
  std::shared_ptr<spdlog::logger> logger;
  std::shared_ptr<LogFile> file;  // null: stdout
  std::function<bool(ServiceId, std::string_view)> taker;  // null: none
  Options options;
};

// The one process-wide object of the program: log lines come from every thread, before wiring
// and after it. Written by start() only.
State& state() {
  static State instance = [] {
    State s;
    s.logger = std::make_shared<spdlog::logger>(
        "gatehouse", std::make_shared<spdlog::sinks::stdout_sink_mt>());
    s.logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %L %v");
    s.logger->flush_on(spdlog::level::info);
    return s;
  }();
  return instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kDebug: return spdlog::level::debug;
    case Level::kInfo: return spdlog::level::info;
    case Level::kWarn: return spdlog::level::warn;
    case Level::kError: return spdlog::level::err;
    case Level::kOff: return spdlog::level::off;
  }
  return spdlog::level::info;
}

// Bytes of the well-formed UTF-8 sequence that `text` begins with, 0 when there is none (RFC
// 3629, section 4).
std::size_t utf8_sequence(std::string_view text) {
  const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (size == 0 || first > 0xf4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool surrogate = first == 0xed && byte(1) > 0x9f;
  const bool beyond = first == 0xf4 && byte(1) > 0x8f;
  return overlong || surrogate || beyond ? 0 : size;
}

// Bytes of the colour sequence that `text` begins with (ESC [ digits m, ECMA-48 SGR), 0 when
// there is none. Other escape sequences move the cursor and could overwrite lines.
std::size_t colour_sequence(std::string_view text) {
  if (!text.starts_with("\x1b[")) return 0;
  const std::size_t end = text.find_first_not_of("0123456789;", 2);
  return end != std::string_view::npos && text[end] == 'm' ? end + 1 : 0;
}

void append_json(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto u = static_cast<unsigned char>(text[0]);
    const std::size_t size = utf8_sequence(text);
    if (size == 0) {
      out += "\\ufffd";
    } else if (u < 0x20 || u == 0x7f) {
      out += fmt::format("\\u{:04x}", u);
    } else {
      if (u == '"' || u == '\\') out += '\\';
      out += text.substr(0, size);
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
}

void append_text(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto u = static_cast<unsigned char>(text[0]);
    std::size_t size = u == 0x1b ? colour_sequence(text) : utf8_sequence(text);
    const bool c1 = size == 2 && u == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0;
    if (u == '\n') {
      out += text.substr(1).starts_with('\t') ? "\n" : "\n\t";
    } else if (size == 0 || (u < 0x20 && u != '\t' && u != 0x1b) || u == 0x7f || c1) {
      out += fmt::format("\\x{:02x}", u);
      size = 1;
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(size);
  }
}

}  // namespace

Result<> start(const Options& options) {
  try {
    std::shared_ptr<LogFile> file;
    std::shared_ptr<spdlog::sinks::sink> sink;
    if (options.file.empty()) {
      sink = std::make_shared<spdlog::sinks::stdout_sink_mt>();
    } else {
      sink = file = std::make_shared<LogFile>(options.file);
    }
    auto logger = std::make_shared<spdlog::logger>("gatehouse", std::move(sink));
    logger->set_level(to_spdlog(options.level));
    logger->set_pattern(options.format == Format::kJson ? "%v" : "%Y-%m-%d %H:%M:%S.%e %L %v");
    logger->flush_on(spdlog::level::info);
    state().logger = std::move(logger);
    state().file = std::move(file);
    state().options = options;
  } catch (const spdlog::spdlog_ex& e) {
    return fail(Errc::kIo, e.what());
  }
  return {};
}

Result<> reopen() {
  if (state().file == nullptr) return {};
  try {
    state().file->reopen();
  } catch (const spdlog::spdlog_ex& e) {
    return fail(Errc::kIo, e.what());
  }
  return {};
}

void flush() { state().logger->flush(); }

bool enabled(Level level) { return state().logger->should_log(to_spdlog(level)); }

void divert(std::function<bool(ServiceId, std::string_view)> taker) {
  state().taker = std::move(taker);
}

void write(Level level, ServiceId source, std::string_view text) {
  if (state().taker && enabled(level) && state().taker(source, text)) return;
  std::string line;
  line.reserve(text.size() + 32);
  if (state().options.format == Format::kJson) {
    line += fmt::format(R"({{"time":{},"level":"{}","service":"{:08x}","text":")",
                        std::chrono::duration_cast<std::chrono::milliseconds>(
                            std::chrono::system_clock::now().time_since_epoch())
                            .count(),
                        spdlog::level::to_string_view(to_spdlog(level)), source.value);
    append_json(line, text);
    line += "\"}";
  } else {
    line += fmt::format("[:{:08x}] ", source.value);
    append_text(line, text);
  }
  state().logger->log(to_spdlog(level), line);
}

}  // namespace gatehouse::log
