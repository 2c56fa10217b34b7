#include "net/network.hpp"

#include "base/assert.hpp"
#include "base/signals.hpp"

namespace gatehouse::net {

Network::Network(actor::System& system) : system_(system) { ignore_sigpipe(); }

Network::~Network() { system_.stop(); }

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
