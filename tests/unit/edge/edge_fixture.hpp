// What the tests of edge share: servers on both carriers, and handlers that hear everything.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "net_fixture.hpp"

namespace gatehouse::edge {

using net::Carrier;
using net::Client;
using net::CloseReason;
using net::Transport;
using net::TransportHandler;
using net::TransportKind;
using net::TransportSet;
using test::eventually;

// A TestHandler that also hears of the handshake and of the peer's end.
class LayerHandler final : public net::TestHandler {
 public:
  using TestHandler::TestHandler;
  void on_ready(Transport& transport) override {
    if (ready) ready(*this, transport);
  }
  std::uint32_t on_end(Transport& transport) override { return end ? end(*this, transport) : 0; }
  std::function<void(LayerHandler&, Transport&)> ready;
  std::function<std::uint32_t(LayerHandler&, Transport&)> end;
};

// Waits for the first byte, then puts a layer over the connection.
class StackingHandler final : public TransportHandler {
 public:
  using Stack = std::function<void(Transport& below)>;
  explicit StackingHandler(Stack stack) : stack_(std::move(stack)) {}
  void on_data(Transport& transport, std::string_view bytes) override {
    transport.put_back(std::string(bytes));
    stack_(transport);
    delete this;
  }
  void on_closed(Transport&, CloseReason) override { delete this; }

 private:
  Stack stack_;
};

class EdgeTest : public net::NetTest {
 protected:
  virtual Carrier carrier() const = 0;
  void make_network() override {
    if (carrier() == Carrier::kTcp) return NetTest::make_network();
    use(std::make_unique<net::MemoryNetwork>(*system_));
    if (clients_ == nullptr) clients_ = std::make_unique<net::MemoryClients>(client_metrics_);
  }
  LayerHandler* handler(net::TestHandler::OnData on_data) {
    return new LayerHandler(census_, std::move(on_data));
  }
  std::string input() {
    std::lock_guard lock(mutex_);
    return input_;
  }
  // Keeps what comes, and the connection for with().
  net::TestHandler::OnData keep() {
    return [this](net::TestHandler&, Transport& t, std::string_view bytes) {
      std::lock_guard lock(mutex_);
      input_ += bytes;
      id_ = t.id();
      worker_ = static_cast<std::uint16_t>(t.set().worker().index());
    };
  }
  bool arrives(const std::string& wanted) {
    return eventually([&] { return input() == wanted; });
  }
  // Something done with the connection that keep() saw last.
  template <class F>
  void with(F function) {
    std::unique_lock lock(mutex_);
    const ConnectionId id = id_;
    const std::uint16_t worker = worker_;
    lock.unlock();
    on_worker(worker, [&](TransportSet& set) {
      Transport* transport = set.find(id);
      ASSERT_NE(transport, nullptr);
      function(*transport);
    });
  }
  bool all_closed(int count, CloseReason reason) {
    return eventually([&] { return census_.closed == count; }) &&
           census_.closed_for(reason) == count;
  }

 private:
  std::mutex mutex_;
  std::string input_;
  ConnectionId id_;
  std::uint16_t worker_ = 0;
};

}  // namespace gatehouse::edge
