// A byte string that must never be printed: session secrets, passwords, keys.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace gatehouse {

// Overwrites memory in a way the optimiser keeps.
void wipe(void* data, std::size_t size);

// Owns secret bytes, wipes them when destroyed, has no stream operator and no fmt formatter:
// logging one does not compile. reveal() is the only way to the bytes.
class Secret {
 public:
  Secret() = default;
  // Wipes the argument: a short string that is moved from still holds its bytes.
  explicit Secret(std::string&& bytes);
  explicit Secret(const std::string& bytes) : bytes_(bytes) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) { other.clear(); }
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { clear(); }

  [[nodiscard]] std::string_view reveal() const { return bytes_; }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  void clear();

 private:
  std::string bytes_;
};

}  // namespace gatehouse
