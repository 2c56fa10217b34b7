#include "net/network.hpp"

#include "base/assert.hpp"
#include "base/signals.hpp"
#include "net/listener.hpp"

namespace gatehouse::net {

Network::Network(actor::System& system) : system_(system) {
  ignore_sigpipe();
  system.on_stuck([this](std::uint16_t, bool) {
    std::lock_guard lock(listeners_mutex_);
    for (Listener* listener : listeners_) listener->rearrange();
  });
}

Network::~Network() { system_.stop(); }

void Network::add_listener(Listener& listener) {
  std::lock_guard lock(listeners_mutex_);
  listeners_.push_back(&listener);
  listener.rearrange();
}

void Network::remove_listener(Listener& listener) {
  std::lock_guard lock(listeners_mutex_);
  std::erase(listeners_, &listener);
}

actor::System::LoopFactory Network::loop_factory() {
  return [this](actor::Worker& worker) -> std::unique_ptr<actor::Loop> {
    auto loop = std::make_unique<UvLoop>(worker, system_.metrics());
    loops_[worker.index()].store(loop.get(), std::memory_order_release);
    return loop;
  };
}

UvLoop& Network::loop(std::uint16_t worker) const {
  UvLoop* loop = loops_[worker].load(std::memory_order_acquire);
  GATEHOUSE_ASSERT(loop != nullptr);
  return *loop;
}

}  // namespace gatehouse::net
