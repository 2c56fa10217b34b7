#include "sockets/lua_socket.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "sockets/socket_shard.hpp"

namespace gatehouse::sockets {
namespace {

constexpr std::size_t kWarnBytes = 1u << 20;       // first warning; each next at the double
constexpr std::uint32_t kRetryMs = 10;             // of an event that found the mailbox full
constexpr std::uint32_t kCloseTimeoutMs = 60'000;  // for a peer that does not read our last bytes
constexpr std::uint32_t kReleaseLingerMs = 30'000;
constexpr std::uint32_t kHalfClosedMs = 30'000;  // for the owner to answer who sends no more
constexpr std::size_t kFrameHeadBytes = 2;
constexpr std::size_t kLowBytes = 64 * 1024;    // low-priority output that leaves in one turn
constexpr std::size_t kKeptBytes = 256 * 1024;  // an empty buffer keeps this much memory

}  // namespace

LuaSocket::LuaSocket(SocketShard& shard, std::uint32_t id, ServiceId owner,
                     std::shared_ptr<SocketCounters> counters)
    : shard_(shard),
      id_(id),
      owner_(owner),
      counters_(std::move(counters)),
      warn_at_bytes_(kWarnBytes),
      retry_alarm_(*this, &LuaSocket::retry),
      close_alarm_(*this, &LuaSocket::give_up) {}

LuaSocket::~LuaSocket() {
  GATEHOUSE_ASSERT(transport_ == nullptr);
}

void LuaSocket::open(net::Transport* transport, std::string unread) {
  transport_ = transport;
  buffer_ = std::move(unread);
  if (transport_ == nullptr) return;
  counters_->reading = true;
  transport_->set_unsent_limit(kBufferBytesMax);
  if (transport_->unsent_bytes() > 0) shard_.watch(*this);
}

LuaSocket::Chunk LuaSocket::find(Want want, std::size_t size, std::string_view separator) {
  const std::string_view bytes = unread();
  switch (want) {
    case Want::kNothing:
      break;
    case Want::kSome:
      if (!bytes.empty()) return {true, bytes, bytes.size()};
      break;
    case Want::kSize:
      if (bytes.size() >= size) return {true, bytes.substr(0, size), size};
      break;
    case Want::kLine: {
      if (separator != separator_) {
        separator_ = separator;
        scanned_ = 0;
      }
      const std::size_t at = bytes.find(separator, scanned_);
      if (at != std::string_view::npos) return {true, bytes.substr(0, at), at + separator.size()};
      // The separator may begin in the last bytes.
      scanned_ = bytes.size() - std::min(bytes.size(), separator.size() - 1);
      break;
    }
    case Want::kEnd:
      if (at_end()) return {true, bytes, bytes.size()};
      break;
    case Want::kFrame: {
      if (bytes.size() < kFrameHeadBytes) break;
      const auto high = static_cast<unsigned char>(bytes[0]);
      const std::size_t length = high * 256u + static_cast<unsigned char>(bytes[1]);
      if (bytes.size() < kFrameHeadBytes + length) break;
      return {true, bytes.substr(kFrameHeadBytes, length), kFrameHeadBytes + length};
    }
  }
  return {};
}

void LuaSocket::consume(std::size_t bytes) {
  GATEHOUSE_ASSERT(bytes <= unread().size());
  head_ += bytes;
  scanned_ = 0;
  if (head_ == buffer_.size()) {
    buffer_.clear();
    head_ = 0;
    if (buffer_.capacity() > kKeptBytes) buffer_.shrink_to_fit();
  } else if (head_ > kKeptBytes && head_ > buffer_.size() / 2) {
    buffer_.erase(0, head_);
    head_ = 0;
  }
  if (unread().size() <= kPauseBytes) resume();
}

void LuaSocket::wait_for(Want want, std::size_t size, std::string_view separator) {
  want_ = want;
  want_size_ = size;
  if (want == Want::kLine && separator != separator_) {
    separator_ = separator;
    scanned_ = 0;
  }
  if (want != Want::kNothing) resume();
}

void LuaSocket::want_frames() {
  if (!find(Want::kFrame, 0, {}).found) {
    wait_for(Want::kFrame, 0, {});
  } else {
    // The one who is told reads, and wants frames again.
    wait_for(Want::kNothing, 0, {});
    resume();
    notify(SocketEventType::kData, static_cast<std::int64_t>(unread().size()));
  }
  if ((transport_ == nullptr || ended_) && !close_told_) notify(SocketEventType::kClose);
}

void LuaSocket::pause() {
  if (paused_ || transport_ == nullptr) return;
  paused_ = true;
  counters_->reading = false;
  transport_->pause();
}

void LuaSocket::resume() {
  if (!paused_) return;
  paused_ = false;
  const bool was_full = std::exchange(full_, false);
  if (transport_ == nullptr || closing_) return;
  counters_->reading = true;
  transport_->resume();
  if (owner_ && was_full) log::info(owner_, "Resume socket ({})", id_);
}

bool LuaSocket::write(std::string_view bytes) {
  if (transport_ == nullptr || closing_ || !transport_->write(bytes)) return false;
  counters_->count_written(bytes.size(), shard_.system().now_cs());
  shard_.watch(*this);
  return true;
}

bool LuaSocket::write_low(std::string_view bytes) {
  if (unsent_bytes() == 0) return write(bytes);
  if (transport_ == nullptr || closing_ || transport_->ending()) return false;
  if (low_bytes_ + bytes.size() > kBufferBytesMax) {
    transport_->close(net::CloseReason::kSlowReader);
    return false;
  }
  low_.emplace_back(bytes);
  low_bytes_ += bytes.size();
  counters_->count_written(bytes.size(), shard_.system().now_cs());
  shard_.watch(*this);
  return true;
}

std::size_t LuaSocket::unsent_bytes() const {
  return transport_ == nullptr ? 0 : transport_->unsent_bytes() + low_bytes_;
}

void LuaSocket::send_low(std::size_t bytes) {
  for (std::size_t sent = 0; sent < bytes && !low_.empty(); low_.pop_front()) {
    transport_->write(low_.front());
    sent += low_.front().size();
    GATEHOUSE_ASSERT(low_bytes_ >= low_.front().size());
    low_bytes_ -= low_.front().size();
  }
}

void LuaSocket::on_data(net::Transport&, std::string_view bytes) {
  if (closing_) return;
  buffer_.append(bytes);
  counters_->count_read(bytes.size(), shard_.system().now_cs());
  GATEHOUSE_ASSERT(transport_ != nullptr && head_ <= buffer_.size());
  const std::size_t unread_bytes = unread().size();
  const std::size_t limit =
      limit_bytes_ == 0 || want_ == Want::kSize ? kBufferBytesMax : limit_bytes_;
  if (unread_bytes > limit) {
    overflow();
    return;
  }
  if (want_ != Want::kNothing && find(want_, want_size_, separator_).found) {
    want_ = Want::kNothing;
    notify(SocketEventType::kData, static_cast<std::int64_t>(unread_bytes));
  }
  if (want_ == Want::kNothing && unread_bytes > kPauseBytes && !paused_) {
    pause();
    full_ = true;
    if (owner_) log::info(owner_, "Pause socket ({}) size : {}", id_, unread_bytes);
  }
}

void LuaSocket::overflow() {
  log::warn(owner_, "socket buffer overflow: fd={} size={}", id_, unread().size());
  let_go(net::Transport::kLingerMs);
  shard_.on_end(*this);  // may have destroyed this
}

std::uint32_t LuaSocket::on_end(net::Transport&) {
  if (closing_) return 0;
  GATEHOUSE_ASSERT(transport_ != nullptr && !ended_);
  ended_ = true;
  counters_->reading = false;
  notify(SocketEventType::kClose);
  return kHalfClosedMs;
}

void LuaSocket::end_is_read() {
  if (is_closed() || transport_->ending()) return;
  send_low(SIZE_MAX);
  transport_->close_after_flush(net::CloseReason::kPeerClosed);
}

void LuaSocket::on_closed(net::Transport& transport, net::CloseReason) {
  GATEHOUSE_ASSERT(transport_ == &transport);
  transport_ = nullptr;
  close_alarm_.cancel();
  if (closing_ || !close_told_) notify(SocketEventType::kClose);
  shard_.on_end(*this);  // may have destroyed this
}

// The transport sends the rest by itself.
void LuaSocket::let_go(std::uint32_t linger_ms) {
  GATEHOUSE_ASSERT(transport_ != nullptr);
  send_low(SIZE_MAX);
  net::Transport* transport = std::exchange(transport_, nullptr);
  close_alarm_.cancel();
  transport->forget_handler();
  transport->close_after_flush(net::CloseReason::kLocal, linger_ms);
  notify(SocketEventType::kClose);
}

bool LuaSocket::close() {
  if (transport_ == nullptr) return false;
  if (closing_) return true;
  closing_ = true;
  if (!transport_->ending() && unsent_bytes() == 0) {
    let_go(net::Transport::kLingerMs);
    return true;
  }
  transport_->pause();
  shard_.watch(*this);
  arm(close_alarm_, kCloseTimeoutMs);
  return true;
}

void LuaSocket::shutdown() {
  if (transport_ != nullptr) transport_->close(net::CloseReason::kLocal);
}

void LuaSocket::release(bool at_once) {
  owner_ = {};
  if (transport_ == nullptr) return;
  net::Transport* transport = transport_;
  let_go(kReleaseLingerMs);
  if (at_once) transport->close(net::CloseReason::kLocal);
}

ParkedSocket LuaSocket::park() {
  ParkedSocket parked;
  if (transport_ != nullptr && !closing_) {
    send_low(SIZE_MAX);
    auto detached = transport_->detach();
    if (detached) {
      transport_ = nullptr;
      parked.transport = std::move(*detached);
    }
  }
  owner_ = {};
  if (transport_ != nullptr) let_go(kReleaseLingerMs);
  buffer_.erase(0, head_);
  head_ = 0;
  parked.unread = std::move(buffer_);
  return parked;
}

bool LuaSocket::on_turn_end() {
  if (transport_ != nullptr && transport_->unsent_bytes() == 0) send_low(kLowBytes);
  const std::size_t unsent = unsent_bytes();
  counters_->unsent_bytes = unsent;
  if (unsent == 0) {
    if (warn_at_bytes_ > kWarnBytes) {
      warn_at_bytes_ = kWarnBytes;
      if (transport_ != nullptr) notify(SocketEventType::kWarning, 0);
    }
    if (closing_ && transport_ != nullptr && !transport_->ending())
      let_go(net::Transport::kLingerMs);
    return false;
  }
  if (unsent >= warn_at_bytes_) {
    while (warn_at_bytes_ <= unsent) warn_at_bytes_ *= 2;
    notify(SocketEventType::kWarning, static_cast<std::int64_t>((unsent + 1023) / 1024));
  }
  return true;
}

void LuaSocket::notify(SocketEventType type, std::int64_t value) {
  if (!owner_) return;
  if (type == SocketEventType::kClose) close_told_ = true;
  if (type == SocketEventType::kClose && data_unsaid_) {
    close_unsaid_ = true;  // after the bytes that came before it
    return;
  }
  const auto sent = send_socket_event(shard_.system(), owner_, {type, id_, value});
  if (sent != actor::SendResult::kFull) return;
  // A lost warning does no harm; without the others the reader would wait for ever.
  data_unsaid_ |= type == SocketEventType::kData;
  close_unsaid_ |= type == SocketEventType::kClose;
  if (data_unsaid_ || close_unsaid_) arm(retry_alarm_, kRetryMs);
}

void LuaSocket::retry() {
  if (std::exchange(data_unsaid_, false)) notify(SocketEventType::kData);
  if (std::exchange(close_unsaid_, false)) notify(SocketEventType::kClose);
}

void LuaSocket::give_up() {
  if (transport_ != nullptr) transport_->close(net::CloseReason::kTimeout);
}

void LuaSocket::arm(Alarm& alarm, std::uint32_t ms) {
  actor::Worker& worker = shard_.worker();
  worker.timers().add(alarm, worker.now() + ms);
}

}  // namespace gatehouse::sockets
