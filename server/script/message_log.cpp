#include "script/message_log.hpp"

#include <fmt/format.h>

#include <atomic>

namespace gatehouse::script {
namespace {

std::atomic<int> open_logs{0};

}  // namespace

MessageLog::MessageLog(std::unique_ptr<OutputQueue> file) : file_(std::move(file)) {
  open_logs.fetch_add(1);
}

MessageLog::~MessageLog() {
  open_logs.fetch_sub(1);
  OutputQueue::finish(std::move(file_));
}

Result<std::unique_ptr<MessageLog>> MessageLog::open(const std::string& path) {
  if (open_logs.load() >= kMax) {
    return fail(Errc::kFull, fmt::format("the messages of {} services are logged already", kMax));
  }
  auto file = OutputQueue::open(path);
  if (!file) return tl::unexpected<Error>(file.error());
  return std::unique_ptr<MessageLog>(new MessageLog(std::move(*file)));
}

void MessageLog::write(const actor::Message& message, std::int64_t now_cs) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string line = fmt::format(":{:08x} {} {} {} ", message.source.value,
                                 static_cast<int>(message.type), message.session, now_cs);
  line.reserve(line.size() + std::size_t{message.size} * 2 + 1);
  for (const char c : message.view()) {
    const auto byte = static_cast<unsigned char>(c);
    line += kDigits[byte >> 4];
    line += kDigits[byte & 15];
  }
  line += '\n';
  file_->write(line);
}

}  // namespace gatehouse::script
