#include "base/secret.hpp"

#include <cstring>
#include <utility>

namespace gatehouse {

void wipe(void* data, std::size_t size) {
  explicit_bzero(data, size);
}

namespace {
// The capacity, not only the size: a moved-from small string keeps its bytes.
void wipe_string(std::string& text) {
  text.resize(text.capacity());
  wipe(text.data(), text.size());
  text.clear();
}
}  // namespace

Secret::Secret(std::string&& bytes) : bytes_(std::move(bytes)) {
  wipe_string(bytes);
}

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

void Secret::clear() {
  wipe_string(bytes_);
}

}  // namespace gatehouse
