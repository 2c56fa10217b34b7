// The login connections of one worker, on its thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "actor/worker.hpp"
#include "base/assert.hpp"
#include "base/ids.hpp"
#include "login/connection.hpp"
#include "login/hold.hpp"
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

  // Takes a connection, or closes it when its address is banned or there are too many. `suites`
  // outlives it.
  void accept(net::TransportSet& set, std::unique_ptr<net::Transport> transport,
              const protocol::LoginHandshakeOptions& suites);
  // Answers 503 to all, now and from now on.
  void stop();

  [[nodiscard]] LoginContext& context() { return context_; }
  [[nodiscard]] actor::Worker& worker() { return worker_; }
  [[nodiscard]] OutcomeLog& outcomes() { return outcomes_; }
  // nullptr: it has closed.
  [[nodiscard]] Connection* find(ConnectionId id) const;

  // A function for whoever finishes a step of a login: any thread, once. It goes on with
  // connection `id` on this worker if that is still there, and keeps `hold` until then.
  template <class Value>
  [[nodiscard]] auto resume(ConnectionId id, Connection::Step<Value> step, Hold hold) {
    return Resume<Value>{this, &worker_, id, step, std::move(hold)};
  }

 private:
  template <class Value>
  struct Resume {
    LoginWorker* owner;  // touched on its thread only
    actor::Worker* worker;
    ConnectionId id;
    Connection::Step<Value> step;
    Hold hold;
    bool called = false;

    void operator()(Value value) {
      GATEHOUSE_ASSERT(!std::exchange(called, true));
      if (actor::Worker::current() == worker) return run(std::move(value));
      worker->post([self = std::move(*this), value = std::move(value)]() mutable {
        self.run(std::move(value));
      });
    }
    void run(Value value) {
      if (Connection* connection = owner->find(id))
        (connection->*step)(std::move(value), std::move(hold));
      hold.let_go();
    }
  };

  void on_data(net::Transport& transport, std::string_view bytes) override;
  std::uint32_t on_end(net::Transport& transport) override;
  void on_closed(net::Transport& transport, net::CloseReason reason) override;
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
