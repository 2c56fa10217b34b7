#include "script/message_log.hpp"

#include <cerrno>
#include <cstring>

namespace gatehouse::script {

Result<std::unique_ptr<MessageLog>> MessageLog::open(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "ae");
  if (file == nullptr) return fail(Errc::kIo, path + ": " + std::strerror(errno));
  return std::unique_ptr<MessageLog>(new MessageLog(file));
}

void MessageLog::write(const actor::Message& message, std::int64_t now_cs) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(std::size_t{message.size} * 2);
  for (const char c : message.view()) {
    const auto byte = static_cast<unsigned char>(c);
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  std::fprintf(file_.get(), ":%08x %d %d %lld %s\n", message.source.value,
               static_cast<int>(message.type), message.session, static_cast<long long>(now_cs),
               hex.c_str());
  std::fflush(file_.get());
}

}  // namespace gatehouse::script
