#include "base/line_budget.hpp"

#include "base/assert.hpp"

namespace gatehouse {

bool LineBudget::admit(std::string_view key, MonotonicMs now_ms) {
  if (options_.per_key == 0) return true;
  if (now_ms - all_since_ms_ >= options_.window_ms || now_ms < all_since_ms_) {
    all_since_ms_ = now_ms;
    all_ = 0;
  }
  auto at = windows_.find(std::string(key));
  if (at == windows_.end()) {
    const std::string kept(windows_.size() < options_.keys_max ? key : std::string_view());
    const auto [made, fresh] = windows_.try_emplace(kept);
    if (fresh) begun_.push_back({now_ms, kept});
    at = made;
  }
  Window& window = at->second;
  const bool room = options_.all == 0 || all_ < options_.all;
  if (!room || window.admitted >= options_.per_key) {
    ++window.left_out;
    return false;
  }
  ++window.admitted;
  ++all_;
  return true;
}

void LineBudget::end_first(std::vector<LeftOut>& told) {
  const auto at = windows_.find(begun_.front().key);
  GATEHOUSE_ASSERT(at != windows_.end());
  if (at->second.left_out != 0) told.push_back({at->first, at->second.left_out});
  windows_.erase(at);
  begun_.pop_front();
}

std::vector<LineBudget::LeftOut> LineBudget::end_windows(MonotonicMs now_ms) {
  std::vector<LeftOut> told;
  while (!begun_.empty() && now_ms - begun_.front().at_ms >= options_.window_ms) end_first(told);
  return told;
}

std::vector<LineBudget::LeftOut> LineBudget::end_all() {
  std::vector<LeftOut> told;
  while (!begun_.empty()) end_first(told);
  return told;
}

}  // namespace gatehouse
