// The messages to one service, written to a file for whoever debugs it (docs/skynet-rules.md 2.16,
// logon).
#pragma once

#include <memory>
#include <string>

#include "actor/message.hpp"
#include "base/ids.hpp"
#include "base/output_queue.hpp"
#include "base/result.hpp"

namespace gatehouse::script {

class MessageLog {
 public:
  // Each has a thread of its own, so that no service waits for a file, nor for another's.
  static constexpr int kMax = 64;

  // Appends to the file. kIo: it cannot be opened. kFull: kMax are open.
  [[nodiscard]] static Result<std::unique_ptr<MessageLog>> open(const std::string& path);
  ~MessageLog();
  MessageLog(const MessageLog&) = delete;
  MessageLog& operator=(const MessageLog&) = delete;

  // One line: ":source type session centiseconds" and the payload in hexadecimal digits.
  void write(const actor::Message& message, std::int64_t now_cs);

 private:
  explicit MessageLog(std::unique_ptr<OutputQueue> file);

  std::unique_ptr<OutputQueue> file_;
};

}  // namespace gatehouse::script
