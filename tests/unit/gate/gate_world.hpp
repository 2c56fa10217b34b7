// A gate with workers, players whose agents are written in C++, and clients on real sockets, or in
// memory, where the gate has no sockets and no libuv either.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "actor/system.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "gate/gate.hpp"
#include "net/uv_network.hpp"
#include "net_client.hpp"
#include "protocol/frame.hpp"
#include "protocol/gate_handshake.hpp"
#include "waiting.hpp"

namespace gatehouse::gate {

using net::Carrier;
using test::eventually;

inline constexpr std::chrono::seconds kPatience{20};

// What the log holds so far.
[[nodiscard]] std::string read_log();
// What is logged from now on; kInfo at first.
void set_log_level(log::Level level);

// Does what a request's content says; any other content is echoed.
//   hold       answered later, by World::answer()
//   error      fails                    count      the number of "count" requests so far
//   big        65,531 bytes             push TEXT  pushes, then answers "pushed"
//   kick       kicks 410 "removed"      die        destroys the session
class FakeAgent final : public Agent {
 public:
  void on_request(protocol::RequestTicket ticket, std::string_view content) override;
  void on_connected(bool resumed) override;
  void on_disconnected() override;

  std::unique_ptr<Session> session;
  std::string events;  // c: connected, r: resumed, d: disconnected, x: destroyed by itself
  std::uint32_t requests = 0;
  std::uint32_t counted = 0;
  std::multimap<std::uint32_t, protocol::RequestTicket> held;
  char die_on = 0;   // the event at which it destroys the session
  char kick_on = 0;  // the event at which it kicks

 private:
  void note(char event);
};

struct Player {
  std::string name;
  Secret secret;
  protocol::Suite suite = protocol::Suite::kSkynet;
  std::uint16_t worker = 0;
  FakeAgent* agent = nullptr;  // on its worker only: World::with()
};

class World {
 public:
  explicit World(GateOptions options = {}, std::uint16_t workers = 2,
                 Carrier carrier = Carrier::kTcp);
  // Proves that nothing is left.
  ~World();

  // Runs it on a worker and returns its result.
  template <class F>
  auto on(std::uint16_t worker, F function) -> decltype(function()) {
    std::packaged_task<decltype(function())()> task(std::move(function));
    auto result = task.get_future();
    system.worker(worker).post([&task] { task(); });
    return result.get();
  }
  template <class F>
  auto with(const Player& player, F function) {
    return on(player.worker, [&] { return function(*player.agent); });
  }
  [[nodiscard]] Result<Player> try_login(const std::string& uid, std::uint16_t worker,
                                         protocol::Suite suite, const std::string& subid);
  [[nodiscard]] Player login(const std::string& uid, std::uint16_t worker = 0,
                             protocol::Suite suite = protocol::Suite::kSkynet,
                             const std::string& subid = "1");
  void logout(const Player& player);
  // Answers one held request.
  void answer(const Player& player, std::uint32_t session, std::string_view content,
              bool ok = true);
  [[nodiscard]] std::string events(const Player& player);
  [[nodiscard]] std::uint32_t counted(const Player& player);
  [[nodiscard]] bool holds(const Player& player, std::uint32_t session);
  [[nodiscard]] std::int64_t metric(std::string_view name, std::string_view label = "") const;
  // Ends of connections for this reason: `gate_closed`, or `refused_total` of the gate.
  [[nodiscard]] std::int64_t closed(std::string_view reason) const;
  [[nodiscard]] std::unique_ptr<net::Client> connect(int receive_buffer_bytes) const;
  // What lies between the newest client in memory and the gate.
  [[nodiscard]] net::MemoryLink& link() const { return *link_; }

  MetricSet metrics;
  edge::Guard guard;
  actor::System system;
  std::unique_ptr<net::Network> network;
  Gate gate;

 private:
  [[nodiscard]] std::unique_ptr<net::Network> start_on(Carrier carrier);

  std::mutex agents_mutex_;
  std::vector<std::pair<std::uint16_t, std::unique_ptr<FakeAgent>>> agents_;  // with worker
  std::shared_ptr<net::MemoryLink> link_;
  MetricSet client_metrics_;
  std::unique_ptr<net::MemoryClients> clients_;  // in memory
};

[[nodiscard]] GateOptions with_limits(const std::function<void(Limits&)>& change);

struct Response {
  std::string content;
  int kind = -1;
  std::uint32_t session = 0;
  bool operator==(const Response&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Response& response);
[[nodiscard]] inline Response ok(std::string content, std::uint32_t session) {
  return {std::move(content), 1, session};
}
[[nodiscard]] inline Response failed(std::uint32_t session) {
  return {"", 0, session};
}
[[nodiscard]] inline Response pushed(std::string content, std::uint32_t number) {
  return {std::move(content), 2, number};
}

struct Extension {
  std::uint32_t last_push = 0;
  std::string conversation;
  std::string options;
};
// What a client without a past sends.
inline const Extension kExtended{0, "c", ""};

// The text of a handshake with its mac; skynet's form without an extension.
[[nodiscard]] std::string handshake_text(const Player& player, std::string_view index,
                                         const std::optional<Extension>& extension = {});
[[nodiscard]] std::string framed(std::string_view body);
[[nodiscard]] std::string request_frame(std::string_view content, std::uint32_t session);

// A blocking connection; waits at most kPatience.
class Client {
 public:
  explicit Client(const World& world, int receive_buffer_bytes = 0)
      : end_(world.connect(receive_buffer_bytes)) {}

  void close() { end_->close(); }
  void reset() { end_->reset(); }
  void finish_sending() { end_->finish_sending(); }
  // False when the connection is broken.
  bool send(std::string_view bytes) { return end_->send(bytes); }
  bool send_byte_by_byte(std::string_view bytes);
  // The next frame's body; nothing when the connection ended.
  [[nodiscard]] std::optional<std::string> frame();
  [[nodiscard]] Response response();
  [[nodiscard]] bool is_closed() { return !frame(); }

  // The gate's answer.
  std::string handshake(const Player& player, int index,
                        const std::optional<Extension>& extension = {});
  void request(std::string_view content, std::uint32_t session) {
    EXPECT_TRUE(send(request_frame(content, session)));
  }
  [[nodiscard]] Response ask(std::string_view content, std::uint32_t session) {
    request(content, session);
    return response();
  }
  // True when nothing came before the answer to a ping.
  [[nodiscard]] bool is_quiet();

 private:
  std::unique_ptr<net::Client> end_;
};

}  // namespace gatehouse::gate
