#include "protocol/push_log.hpp"

#include <algorithm>
#include <limits>

#include "base/assert.hpp"
#include "base/limits.hpp"

namespace gatehouse::protocol {
namespace {

// Bytes that a std::string keeps inside itself (libstdc++).
constexpr std::size_t kPushInlineBytes = 15;
// Buffers up to this size are kept for the next push in their place.
constexpr std::size_t kPushReusedBytesMax = 256;

}  // namespace

Result<std::uint32_t> PushLog::append(std::string_view content) {
  if (content.size() > kResponseContentBytesMax) return fail(Errc::kInvalid, "push is too long");
  if (last_number_ == std::numeric_limits<std::uint32_t>::max() - 1)
    return fail(Errc::kFull, "push numbers are used up");
  const auto bytes = static_cast<std::uint32_t>(content.size());
  while (count_ > 0 && (count_ >= count_max_ || std::uint64_t{content_bytes_} + bytes > bytes_max_))
    drop_oldest();
  GATEHOUSE_ASSERT(count_ < std::max(count_max_, 1u) && count_ <= ring_.size());
  if (count_ == ring_.size()) grow();
  ring_[(head_ + count_) % ring_.size()].assign(content);
  ++count_;
  content_bytes_ += bytes;
  ++last_number_;
  GATEHOUSE_ASSERT(count_ <= last_number_);
  return last_number_;
}

void PushLog::acknowledge(std::uint32_t last_push) {
  GATEHOUSE_ASSERT(count_ <= last_number_);
  if (last_push > last_number_) return;
  while (count_ > 0 && first_number() <= last_push) drop_oldest();
}

void PushLog::clear() {
  std::vector<std::string>().swap(ring_);
  head_ = count_ = last_number_ = content_bytes_ = 0;
}

std::size_t PushLog::heap_bytes() const {
  std::size_t bytes = ring_.capacity() * sizeof(std::string);
  for (const std::string& content : ring_)
    if (content.capacity() > kPushInlineBytes) bytes += content.capacity() + 1;
  return bytes;
}

std::uint32_t PushLog::first_after(std::uint32_t last_push) const {
  if (last_push > last_number_) return first_number();
  return std::max(last_push + 1, first_number());
}

std::string_view PushLog::content(std::uint32_t number) const {
  GATEHOUSE_ASSERT(number >= first_number() && number <= last_number_);
  return ring_[(head_ + (number - first_number())) % ring_.size()];
}

void PushLog::drop_oldest() {
  GATEHOUSE_ASSERT(count_ > 0);
  std::string& oldest = ring_[head_];
  GATEHOUSE_ASSERT(content_bytes_ >= oldest.size());
  content_bytes_ -= static_cast<std::uint32_t>(oldest.size());
  if (oldest.capacity() > kPushReusedBytesMax) std::string().swap(oldest);
  head_ = static_cast<std::uint32_t>((head_ + 1) % ring_.size());
  --count_;
  GATEHOUSE_ASSERT(count_ > 0 || content_bytes_ == 0);
}

void PushLog::grow() {
  GATEHOUSE_ASSERT(count_ == ring_.size());
  std::vector<std::string> larger(ring_.size() + ring_.size() / 2 + 4);
  for (std::uint32_t i = 0; i < count_; ++i)
    larger[i] = std::move(ring_[(head_ + i) % ring_.size()]);
  ring_ = std::move(larger);
  head_ = 0;
}

}  // namespace gatehouse::protocol
