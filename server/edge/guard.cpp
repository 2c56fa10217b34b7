#include "edge/guard.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "base/refused_metric.hpp"
#include "edge/pass_node.hpp"

namespace gatehouse::edge {
namespace {

constexpr std::size_t kSweepAt = 1'024;
constexpr std::uint32_t kLinesPerSecond = 20;
constexpr MonotonicMs kWindowMs = 1'000;
// Of those that have not logged in, each time that memory is told to be short.
constexpr std::size_t kShedShare = 4;
constexpr std::size_t kShedAtLeast = 64;

constexpr std::string_view kDoorNames[kDoors] = {"login", "gate"};
constexpr std::string_view kReasons[kRefusals] = {
    "address_banned",         "address_connections",   "address_connections_per_second",
    "connections_per_second", "unauthenticated_limit", "memory"};

constexpr unsigned kMebibyteShift = 20;

std::string_view what_follows(MemoryLevel level) {
  switch (level) {
    case MemoryLevel::kFine:
      return "logins begin again";
    case MemoryLevel::kTight:
      return "no login begins";
    case MemoryLevel::kShort:
      return "who has not logged in leaves, and nobody comes in";
    case MemoryLevel::kCritical:
      return "players who do not read leave, too";
  }
  return {};
}

MemoryLevel level_of(std::uint64_t used, std::uint64_t most) {
  if (most == 0 || used < most) return MemoryLevel::kFine;
  if (used < most + most / 16) return MemoryLevel::kTight;
  return used < most + most / 8 ? MemoryLevel::kShort : MemoryLevel::kCritical;
}

}  // namespace

Guard::Post posting_to(actor::System& system) {
  return [&system](std::uint16_t worker, UniqueFunction<void()> job) {
    system.worker(worker).post(std::move(job));
  };
}

std::string_view name(Door door) {
  return kDoorNames[static_cast<std::size_t>(door)];
}

std::string_view name(Refused reason) {
  return kReasons[static_cast<std::size_t>(reason)];
}

Guard::Guard(const Limits& limits, MetricSet& metrics, Post post)
    : post_(std::move(post)),
      metrics_(metrics),
      gauge_(metrics.gauge("connections_unauthenticated", "",
                           "Connections that have not logged in, login and gates together")),
      log_limit_(kLinesPerSecond, kWindowMs),
      sweep_at_(kSweepAt) {
  for (std::size_t door = 0; door < kDoors; ++door)
    for (std::size_t reason = 0; reason < kRefusals; ++reason)
      refused_[door][reason] = &refused_metric(metrics, kDoorNames[door], kReasons[reason]);
  set_limits(limits);
}

Guard::~Guard() {
  GATEHOUSE_ASSERT(unauthenticated_ == 0);
}

void Guard::set_limits(const Limits& limits) {
  std::lock_guard lock(mutex_);
  limits_ = limits;
  address_rate_ =
      Rate::per_second(limits.address_connections_per_s, limits.address_connections_burst);
  rate_ = Rate::per_second(limits.connections_per_s);
}

void Guard::set_address_rules(std::shared_ptr<const net::AddressRules> rules) {
  address_rules_.set(std::move(rules));
}

tl::expected<Pass, Refused> Guard::admit(Door door, const net::Address& peer, std::int64_t now_ns) {
  bool limited = peer.known();
  if (limited) {
    const auto rules = address_rules_.get();
    if (rules->refuses(peer)) return refuse(door, Refused::kAddressBanned, peer, now_ns);
    limited = !rules->allowed.contains(peer);
  }
  const MemoryLevel level = memory();
  if (level >= MemoryLevel::kShort || (level == MemoryLevel::kTight && door == Door::kLogin))
    return refuse(door, Refused::kMemory, peer, now_ns);
  auto node = std::make_unique<PassNode>(PassNode{.guard = *this, .door = door, .peer = peer});
  Told told;
  Pass pass;
  {
    std::unique_lock lock(mutex_);
    Source& from = source(net::subscriber_bytes(peer), now_ns);
    Refused why{};
    bool granted = true;
    if (limited && limits_.address_connections_max != 0 &&
        from.count >= limits_.address_connections_max) {
      granted = false;
      why = Refused::kAddressConnections;
    } else if (limited && address_rate_.limited() &&
               !from.connects.take(address_rate_, 1, now_ns)) {
      granted = false;
      why = Refused::kAddressRate;
    } else if (rate_.limited() && !connects_.take(rate_, 1, now_ns)) {
      granted = false;
      why = Refused::kRate;
    }
    if (!granted) {
      lock.unlock();
      return refuse(door, why, peer, now_ns);
    }
    if (limits_.unauthenticated_max != 0 && unauthenticated_ >= limits_.unauthenticated_max)
      shed_one(Refused::kUnauthenticatedLimit, told);
    add(from, *node);
    pass.node_ = PassRef(node.release());
  }
  report(told, now_ns);
  for (PassRef& shed : told) tell(std::move(shed));
  return pass;
}

void Guard::note(Door door, std::string_view reason, const net::Address& peer,
                 std::int64_t now_ns) {
  {
    std::lock_guard lock(mutex_);
    Metric*& metric = noted_[static_cast<std::size_t>(door)][reason];
    if (metric == nullptr) metric = &refused_metric(metrics_, name(door), reason);
    metric->add();
  }
  log(door, reason, peer, now_ns);
}

void Guard::set_memory(std::uint64_t used_bytes, std::int64_t now_ns) {
  Told told;
  std::uint64_t most = 0;
  MemoryLevel level{};
  {
    std::lock_guard lock(mutex_);
    most = limits_.memory_bytes;
    level = level_of(used_bytes, most);
    const std::size_t many = std::max(unauthenticated_ / kShedShare, kShedAtLeast);
    while (level >= MemoryLevel::kShort && unauthenticated_ > 0 && told.size() < many)
      shed_one(Refused::kMemory, told);
  }
  const MemoryLevel before = memory_.exchange(level, std::memory_order_relaxed);
  if (level != before)
    log::warn({}, "memory: {} MiB are in use, limits.memory_bytes is {} MiB: {}",
              used_bytes >> kMebibyteShift, most >> kMebibyteShift, what_follows(level));
  report(told, now_ns);
  for (PassRef& shed : told) tell(std::move(shed));
}

std::size_t Guard::unauthenticated() const {
  std::lock_guard lock(mutex_);
  return unauthenticated_;
}

std::size_t Guard::addresses() const {
  std::lock_guard lock(mutex_);
  return sources_.size();
}

// --- Under mutex_ ---

Guard::Source& Guard::source(const Key& key, std::int64_t now_ns) {
  if (sources_.size() >= sweep_at_) {
    std::erase_if(sources_, [now_ns](const auto& entry) { return entry.second->nothing(now_ns); });
    sweep_at_ = std::max(kSweepAt, 2 * sources_.size());
  }
  std::unique_ptr<Source>& slot = sources_[key];
  if (slot == nullptr) slot = std::make_unique<Source>();
  return *slot;
}

void Guard::add(Source& source, PassNode& node) {
  node.source = &source;
  node.previous = source.last;
  (source.last == nullptr ? source.first : source.last->next) = &node;
  source.last = &node;
  relist(source, source.count++);
  ++unauthenticated_;
  gauge_.add(1);
}

void Guard::remove(PassNode& node) {
  Source& source = *std::exchange(node.source, nullptr);
  GATEHOUSE_ASSERT(source.count > 0 && unauthenticated_ > 0);
  (node.previous == nullptr ? source.first : node.previous->next) = node.next;
  (node.next == nullptr ? source.last : node.next->previous) = node.previous;
  node.previous = node.next = nullptr;
  relist(source, source.count--);
  --unauthenticated_;
  gauge_.add(-1);
}

void Guard::relist(Source& source, std::uint32_t before) {
  if (before > 0) {
    SourceList& old = by_count_[before];
    (source.previous == nullptr ? old.first : source.previous->next) = source.next;
    (source.next == nullptr ? old.last : source.next->previous) = source.previous;
    source.previous = source.next = nullptr;
  }
  if (source.count > 0) {
    if (by_count_.size() <= source.count) by_count_.resize(source.count + 1);
    SourceList& list = by_count_[source.count];
    source.previous = list.last;
    (list.last == nullptr ? list.first : list.last->next) = &source;
    list.last = &source;
  }
  most_ = std::max(most_, source.count);
  while (most_ > 0 && by_count_[most_].first == nullptr) --most_;
}

void Guard::shed_one(Refused why, Told& told) {
  GATEHOUSE_ASSERT(most_ > 0 && by_count_[most_].first != nullptr);
  PassNode& node = *by_count_[most_].first->first;
  GATEHOUSE_ASSERT(node.state == PassNode::State::kCounted);
  remove(node);
  node.state = PassNode::State::kShed;
  node.why = why;
  told.emplace_back(PassRef(&node));
}

// --- Outside of it ---

void Guard::tell(PassRef node) {
  std::uint16_t worker = PassNode::kNoWorker;
  {
    std::lock_guard lock(mutex_);
    worker = node.get()->worker;
  }
  // On its way between workers: hold() tells it.
  if (worker == PassNode::kNoWorker) return;
  post_(worker, [this, worker, node = std::move(node)] { deliver(*node.get(), worker); });
}

void Guard::deliver(PassNode& node, std::uint16_t worker) {
  PassHolder* holder = nullptr;
  {
    std::lock_guard lock(mutex_);
    if (node.state != PassNode::State::kShed || node.worker != worker) return;
    node.state = PassNode::State::kFree;
    holder = std::exchange(node.holder, nullptr);
  }
  // Set and unset on this thread only.
  if (holder != nullptr) holder->on_shed();
}

tl::unexpected<Refused> Guard::refuse(Door door, Refused why, const net::Address& peer,
                                      std::int64_t now_ns) {
  refused_[static_cast<std::size_t>(door)][static_cast<std::size_t>(why)]->add();
  log(door, name(why), peer, now_ns);
  return tl::unexpected(why);
}

void Guard::report(const Told& told, std::int64_t now_ns) {
  for (const PassRef& shed : told) {
    const PassNode& node = *shed.get();
    refused_[static_cast<std::size_t>(node.door)][static_cast<std::size_t>(node.why)]->add();
    log(node.door, name(node.why), node.peer, now_ns);
  }
}

void Guard::log(Door door, std::string_view reason, const net::Address& peer, std::int64_t now_ns) {
  if (!log::enabled(log::Level::kInfo)) return;
  const auto left_out = log_limit_.admit(now_ns / kNsPerMs);
  if (!left_out) return;
  if (*left_out != 0)
    log::info({}, "{} more connections refused, not logged one by one", *left_out);
  log::info({}, "{}: connection from {} refused: {}", name(door), peer.to_string(), reason);
}

}  // namespace gatehouse::edge
