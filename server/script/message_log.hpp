// The messages to one service, written to a file for whoever debugs it (sk 2.16 logon).
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "actor/message.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"

namespace gatehouse::script {

class MessageLog {
 public:
  // Appends to the file. kIo: it cannot be opened.
  [[nodiscard]] static Result<std::unique_ptr<MessageLog>> open(const std::string& path);

  // One line: ":source type session centiseconds" and the payload in hexadecimal digits.
  void write(const actor::Message& message, std::int64_t now_cs);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  explicit MessageLog(std::FILE* file) : file_(file) {}

  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace gatehouse::script
