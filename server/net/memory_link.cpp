#include "net/memory_link.hpp"

#include <algorithm>
#include <utility>

#include "net/transport_set.hpp"

namespace gatehouse::net {
namespace {

constexpr std::size_t kReadBytes = 65'536;

}  // namespace

void MemoryLink::set_delay(UniqueFunction<std::uint32_t()> delay_ms) {
  std::lock_guard lock(mutex_);
  delay_ms_ = std::move(delay_ms);
}

void MemoryLink::cut() {
  std::lock_guard lock(mutex_);
  cut_ = true;
}

void MemoryLink::mend() {
  std::lock_guard lock(mutex_);
  cut_ = false;
  tell(0);
  tell(1);
}

void MemoryLink::reset() {
  std::lock_guard lock(mutex_);
  for (const unsigned end : {0u, 1u}) {
    Way& way = ways_[end];
    way.pieces.clear();
    way.bytes = 0;
    way.pieces.push_back({Arrival::kReset, 0, {}});
    tell(1 - end);
  }
}

void MemoryLink::join(unsigned end, TransportSet& set, ConnectionId id) {
  std::lock_guard lock(mutex_);
  ends_[end] = {&set, id, false};
}

void MemoryLink::leave(unsigned end) {
  std::lock_guard lock(mutex_);
  ends_[end] = {};
}

void MemoryLink::begin_work(unsigned end) {
  std::lock_guard lock(mutex_);
  ends_[end].told = false;
}

void MemoryLink::tell(unsigned end) {
  End& e = ends_[end];
  if (e.set == nullptr || std::exchange(e.told, true)) return;
  e.set->schedule(e.id);
}

void MemoryLink::put(Way& way, Arrival what, MonotonicMs now, std::string bytes) {
  way.last_due = std::max(way.last_due, now + (delay_ms_ ? delay_ms_() : 0));
  way.bytes += bytes.size();
  way.pieces.push_back({what, way.last_due, std::move(bytes)});
}

std::optional<std::size_t> MemoryLink::send(unsigned end, std::string_view bytes, MonotonicMs now) {
  std::lock_guard lock(mutex_);
  Way& way = ways_[end];
  Way& back = ways_[1 - end];
  // A reset is the last of what comes, and breaks the other direction before it is read.
  const bool broken = !cut_ && !back.pieces.empty() && back.pieces.back().due <= now &&
                      back.pieces.back().what == Arrival::kReset;
  if (broken || way.ended) return std::nullopt;
  if (way.unread) {
    // The other side's kernel answers so.
    if (back.pieces.empty() || back.pieces.back().what != Arrival::kReset) {
      put(back, Arrival::kReset, now);
      tell(end);
    }
    return bytes.size();
  }
  const std::size_t taken = std::min(bytes.size(), kBytesMax - way.bytes);
  way.full = taken < bytes.size();
  if (taken != 0) {
    put(way, Arrival::kBytes, now, std::string(bytes.substr(0, taken)));
    tell(1 - end);
  }
  return taken;
}

void MemoryLink::send_end(unsigned end, MonotonicMs now) {
  std::lock_guard lock(mutex_);
  Way& way = ways_[end];
  if (std::exchange(way.ended, true) || way.unread) return;
  put(way, Arrival::kEnd, now);
  tell(1 - end);
}

void MemoryLink::close(unsigned end, MonotonicMs now) {
  std::lock_guard lock(mutex_);
  ends_[end] = {};
  Way& in = ways_[1 - end];
  Way& out = ways_[end];
  const bool lost = in.bytes != 0;
  in.unread = true;
  in.pieces.clear();
  in.bytes = 0;
  const bool ended = std::exchange(out.ended, true);
  if (out.unread || (ended && !lost)) return;
  put(out, lost ? Arrival::kReset : Arrival::kEnd, now);
  tell(1 - end);
}

MemoryLink::Arrived MemoryLink::receive(unsigned end, MonotonicMs now) {
  std::lock_guard lock(mutex_);
  Way& way = ways_[1 - end];
  if (cut_ || way.pieces.empty()) return {};
  Piece& piece = way.pieces.front();
  if (piece.due > now) return {Arrival::kNothing, {}, piece.due};
  Arrived arrived{piece.what, {}, -1};
  if (piece.bytes.size() > kReadBytes) {
    arrived.bytes = piece.bytes.substr(0, kReadBytes);
    piece.bytes.erase(0, kReadBytes);
  } else {
    arrived.bytes = std::move(piece.bytes);
    // A broken connection stays so.
    if (piece.what != Arrival::kReset) way.pieces.pop_front();
  }
  way.bytes -= arrived.bytes.size();
  if (way.full && !arrived.bytes.empty()) {
    way.full = false;
    tell(1 - end);
  }
  return arrived;
}

}  // namespace gatehouse::net
