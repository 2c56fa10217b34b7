// Waiting for a condition, the one place where tests sleep.
#pragma once

#include <chrono>
#include <thread>
#include <utility>

namespace gatehouse::test {

// Asks until the condition holds; false when it did not within the time.
template <class F>
bool eventually(F&& condition, std::chrono::milliseconds patience = std::chrono::seconds(20)) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace gatehouse::test
