// Randomness that is fit for keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace gatehouse {

// Any thread.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(char* out, std::size_t size) = 0;

  [[nodiscard]] std::string bytes(std::size_t size) {
    std::string bytes(size, '\0');
    fill(bytes.data(), size);
    return bytes;
  }
  [[nodiscard]] std::uint64_t number() {
    std::uint64_t number = 0;
    fill(reinterpret_cast<char*>(&number), sizeof number);
    return number;
  }
};

}  // namespace gatehouse
