// The login connections of one worker, on its thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "actor/worker.hpp"
#include "base/ids.hpp"
#include "edge/guest.hpp"
#include "login/connection.hpp"
#include "login/listener_suites.hpp"
#include "login/login_context.hpp"
#include "login/outcome_log.hpp"
#include "net/transport_set.hpp"

namespace gatehouse::login {

// Handles the transports of all its connections, so that a connection is freed by this object and
// never by its own call.
class LoginWorker final : public net::TransportHandler {
 public:
  LoginWorker(LoginContext& context, actor::Worker& worker);
  LoginWorker(const LoginWorker&) = delete;
  LoginWorker& operator=(const LoginWorker&) = delete;
  ~LoginWorker() override;

  // Lets a connection in, which the entrance has, or refuses it: the guard does, or there are too
  // many. `suites` outlives it.
  [[nodiscard]] tl::expected<std::unique_ptr<edge::Guest>, std::string> admit(
      const net::Address& peer, const ListenerSuites& suites);
  // Answers 503 to all, now and from now on.
  void stop();

  [[nodiscard]] LoginContext& context() { return context_; }
  [[nodiscard]] actor::Worker& worker() { return worker_; }
  [[nodiscard]] OutcomeLog& outcomes() { return outcomes_; }
  // The connection, if its client still waits for the outcome of its login.
  [[nodiscard]] Connection* waiting(ConnectionId id) const;

 private:
  class Visitor;

  // Of a visitor; its place among the connections is the connection's from now on.
  void open(net::Transport& transport, const ListenerSuites& suites,
            const edge::HandshakeClock& clock, edge::Pass pass, std::string_view bytes);
  void on_data(net::Transport& transport, std::string_view bytes) override;
  std::uint32_t on_end(net::Transport& transport) override;
  void on_closed(net::Transport& transport, net::CloseReason reason) override;
  [[nodiscard]] Connection* find(ConnectionId id) const;
  [[nodiscard]] bool admit_connection();
  void release_connection();

  struct HashId {
    std::size_t operator()(ConnectionId id) const noexcept {
      return std::hash<std::uint64_t>{}(std::uint64_t{id.generation} << 32 | id.slot);
    }
  };

  LoginContext& context_;
  actor::Worker& worker_;
  OutcomeLog outcomes_;
  bool stopping_ = false;
  std::unordered_map<ConnectionId, std::unique_ptr<Connection>, HashId> connections_;
};

}  // namespace gatehouse::login
