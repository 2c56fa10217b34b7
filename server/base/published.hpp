// A value that one thread replaces as a whole now and then while others read it.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace gatehouse {

// Any thread. Readers keep what they got for as long as they like.
template <class T>
class Published {
 public:
  Published() : value_(std::make_shared<const T>()) {}

  [[nodiscard]] std::shared_ptr<const T> get() const {
    std::lock_guard lock(mutex_);
    return value_;
  }
  void set(T value) { set(std::make_shared<const T>(std::move(value))); }
  // Not null.
  void set(std::shared_ptr<const T> next) {
    std::lock_guard lock(mutex_);
    value_.swap(next);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;  // never null
};

}  // namespace gatehouse
