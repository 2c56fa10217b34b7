#include "base/log_limit.hpp"

#include <utility>

namespace gatehouse {

std::optional<std::uint64_t> LogLimit::admit(MonotonicMs now_ms, bool news) {
  std::lock_guard lock(mutex_);
  if (news || !since_ms_ || now_ms - *since_ms_ >= window_ms_) {
    since_ms_ = now_ms;
    admitted_ = 0;
  }
  if (admitted_ >= lines_) {
    ++left_out_;
    return std::nullopt;
  }
  ++admitted_;
  return std::exchange(left_out_, 0);
}

std::uint64_t LogLimit::end() {
  std::lock_guard lock(mutex_);
  since_ms_.reset();
  return std::exchange(left_out_, 0);
}

}  // namespace gatehouse
