#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

namespace gatehouse {

std::string_view name(Errc code) {
  switch (code) {
    case Errc::kInvalid: return "invalid";
    case Errc::kNotFound: return "not_found";
    case Errc::kExists: return "exists";
    case Errc::kDenied: return "denied";
    case Errc::kUnavailable: return "unavailable";
    case Errc::kTimeout: return "timeout";
    case Errc::kFull: return "full";
    case Errc::kClosed: return "closed";
    case Errc::kFenced: return "fenced";
    case Errc::kCorrupt: return "corrupt";
    case Errc::kIo: return "io";
    case Errc::kRefused: return "refused";
    case Errc::kTooBig: return "too_big";
  }
  return "unknown";
}

void assert_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, condition);
  // What the log itself does may be what is broken.
  thread_local bool once = false;
  if (!std::exchange(once, true)) {
    log::last_words(fmt::format("{}:{}: invariant broken: {}", file, line, condition));
  }
  std::abort();
}

void wipe(void* data, std::size_t size) { explicit_bzero(data, size); }

namespace {
// The capacity, not only the size: a moved-from small string keeps its bytes.
void wipe_string(std::string& text) {
  text.resize(text.capacity());
  wipe(text.data(), text.size());
  text.clear();
}
}  // namespace

Secret::Secret(std::string&& bytes) : bytes_(std::move(bytes)) { wipe_string(bytes); }

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) {
    clear();
    bytes_ = other.bytes_;
  }
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    clear();
    bytes_ = std::move(other.bytes_);
    other.clear();
  }
  return *this;
}

void Secret::clear() { wipe_string(bytes_); }

}  // namespace gatehouse
