#include "entrance_world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "test_world.hpp"

namespace gatehouse::edge {

// The place, then the connection: deletes itself with its transport.
class TestGuest final : public Guest, private net::TransportHandler {
 public:
  TestGuest(TestHost& host, MonotonicMs deadline) : host_(host), deadline_(deadline) {
    host_.take_place(1);
  }
  ~TestGuest() override { host_.take_place(-1); }

  [[nodiscard]] MonotonicMs deadline() const override { return deadline_; }
  void enter(net::Transport& transport, std::string_view bytes) override {
    transport.hand_to(*this);
    const net::Relay* relay = transport.relay();
    host_.note(fmt::format("enter {} {} {}{}", name(transport.kind()), transport.peer().ip(),
                           relay == nullptr ? "-" : "by " + relay->proxy.ip(),
                           relay != nullptr && relay->tls ? " " + relay->tls_version : ""));
    if (transport.set().worker().clock().monotonic_ms() >= deadline_)
      return transport.close(net::CloseReason::kTimeout);
    if (host_.speaks_first_) transport.write("hello ");
    if (!bytes.empty()) TestGuest::on_data(transport, bytes);
  }
  void gone(const net::Address&, net::CloseReason reason) override {
    host_.note(fmt::format("gone {}", name(reason)));
  }

 private:
  void on_data(net::Transport& transport, std::string_view bytes) override {
    transport.write(bytes);
  }
  void on_closed(net::Transport&, net::CloseReason) override { delete this; }

  TestHost& host_;
  const MonotonicMs deadline_;
};

tl::expected<std::unique_ptr<Guest>, std::string> TestHost::admit(net::TransportSet& set,
                                                                  const net::Address& peer) {
  note("admit " + peer.to_string());
  if (full) return tl::unexpected(std::string("full"));
  return std::make_unique<TestGuest>(*this,
                                     set.worker().clock().monotonic_ms() + handshake_timeout_ms);
}

bool TestHost::saw(const std::string& event) const {
  return eventually([&] {
    std::lock_guard lock(mutex_);
    return std::count(events_.begin(), events_.end(), event) == 1;
  });
}

std::string TestHost::events() const {
  std::lock_guard lock(mutex_);
  std::string all;
  for (const std::string& event : events_) all += event + "\n";
  return all;
}

int TestHost::places() const {
  std::lock_guard lock(mutex_);
  return places_;
}

void TestHost::note(const std::string& event) {
  std::lock_guard lock(mutex_);
  events_.push_back(event);
}

void TestHost::take_place(int change) {
  std::lock_guard lock(mutex_);
  places_ += change;
}

EntranceOptions offering(ListenerTransport transport, bool server_speaks_first) {
  EntranceOptions options;
  options.where = "gate";
  options.name = "gate test";
  options.listen = {"127.0.0.1", 0};
  options.transport = transport;
  options.server_speaks_first = server_speaks_first;
  options.plain_refusal = "plain refused";
  options.bad_request = "bad request";
  return options;
}

template <class AnyNetwork>
void EntranceWorld::start_on() {
  auto made = std::make_unique<AnyNetwork>(system);
  system.start(made->loop_factory());
  network = std::move(made);
}

EntranceWorld::EntranceWorld(WorldOptions options, Carrier carrier)
    : system(test_world(), actor::SystemOptions{.workers = options.workers}, metrics),
      host(options.entrance.server_speaks_first) {
  if (carrier == Carrier::kTcp) {
    start_on<net::UvNetwork>();
  } else {
    start_on<net::MemoryNetwork>();
    clients_ = std::make_unique<net::MemoryClients>(client_metrics_);
  }
  host.handshake_timeout_ms = options.handshake_timeout_ms;
  host.full = options.full;
  for (const std::string& proxy : options.trusted_proxies) EXPECT_TRUE(proxies_.add(proxy));
  const Surroundings surroundings{.trusted_proxies = &proxies_};
  entrance = std::make_unique<Entrance>(std::move(options.entrance), surroundings, host, metrics);
  const auto started = entrance->start(*network, system);
  EXPECT_TRUE(started) << started.error().message;
}

EntranceWorld::~EntranceWorld() {
  system.stop();
  EXPECT_EQ(host.places(), 0) << host.events();
  entrance.reset();
}

std::unique_ptr<net::Client> EntranceWorld::connect() const {
  if (clients_ == nullptr) return std::make_unique<net::TcpClient>(entrance->address());
  return clients_->connect(static_cast<net::MemoryNetwork&>(*network), entrance->address());
}

std::int64_t EntranceWorld::refused(std::string_view reason) const {
  const std::string label = fmt::format("where=\"gate\",reason=\"{}\"", reason);
  std::int64_t value = 0;
  metrics.each([&](const Metric& metric) {
    if (metric.name() == "gatehouse_refused_total" && metric.label() == label)
      value = metric.value();
  });
  return value;
}

}  // namespace gatehouse::edge
