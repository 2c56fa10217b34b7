#include "login/login_worker.hpp"

#include <utility>

#include "base/assert.hpp"
#include "protocol/login_answer.hpp"

namespace gatehouse::login {
namespace {

// Until an address may try again that has, or begins, too many connections.
constexpr std::uint32_t kRetryS = 5;

// The line for somebody who is not let in.
std::string last_words(edge::Refused why) {
  protocol::LoginRefusalDetail detail;
  int code = kConnectionsMax.code;
  if (why == edge::Refused::kAddressBanned) code = kAddressBanned.code;
  if (why == edge::Refused::kAddressConnections || why == edge::Refused::kAddressRate) {
    code = kAddressThrottled.code;
    detail.retry_s = kRetryS;
  }
  return protocol::format_login_refusal(code, detail) + '\n';
}

}  // namespace

// A connection that the entrance has.
class LoginWorker::Visitor final : public edge::Guest {
 public:
  Visitor(LoginWorker& owner, const ListenerSuites& suites, const edge::HandshakeClock& clock,
          edge::Pass pass)
      : owner_(owner), suites_(suites), clock_(clock), pass_(std::move(pass)) {}
  ~Visitor() override {
    if (!entered_) owner_.release_connection();
  }

  [[nodiscard]] MonotonicMs deadline() const override { return clock_.due_ms; }
  void progressed(MonotonicMs now) override { clock_.progressed(now); }
  [[nodiscard]] edge::Pass* pass() override { return &pass_; }
  void enter(net::Transport& transport, std::string_view bytes) override {
    entered_ = true;
    owner_.open(transport, suites_, clock_, std::move(pass_), bytes);
    delete this;
  }
  void gone(const net::Address& peer, net::CloseReason reason) override {
    if (reason != net::CloseReason::kTimeout) return owner_.outcomes_.count(kClientLeft.reason);
    const std::int64_t now_ns = owner_.worker_.clock().monotonic_ns();
    const Refusal& why = clock_.over(now_ns / kNsPerMs) ? kHandshakeTimeout : kHandshakeStalled;
    owner_.context_.guard.note(edge::Door::kLogin, why.reason, peer, now_ns);
  }

 private:
  LoginWorker& owner_;
  const ListenerSuites& suites_;
  edge::HandshakeClock clock_;
  edge::Pass pass_;
  bool entered_ = false;
};

LoginWorker::LoginWorker(LoginContext& context, actor::Worker& worker)
    : context_(context), worker_(worker), outcomes_(worker, context.metrics) {}

LoginWorker::~LoginWorker() {
  GATEHOUSE_ASSERT(connections_.empty());
}

tl::expected<std::unique_ptr<edge::Guest>, std::string> LoginWorker::admit(
    const net::Address& peer, const ListenerSuites& suites) {
  if (stopping_) return tl::unexpected(std::string());
  const std::int64_t now_ns = worker_.clock().monotonic_ns();
  auto pass = context_.guard.admit(edge::Door::kLogin, peer, now_ns);
  if (!pass) return tl::unexpected(last_words(pass.error()));
  if (!admit_connection()) {
    context_.guard.note(edge::Door::kLogin, kConnectionsMax.reason, peer, now_ns);
    return tl::unexpected(protocol::format_login_refusal(kConnectionsMax.code) + '\n');
  }
  const edge::HandshakeClock clock(now_ns / kNsPerMs, context_.limits.login_handshake_timeout_ms,
                                   context_.limits.handshake_progress_ms);
  return std::make_unique<Visitor>(*this, suites, clock, std::move(*pass));
}

void LoginWorker::open(net::Transport& transport, const ListenerSuites& suites,
                       const edge::HandshakeClock& clock, edge::Pass pass, std::string_view bytes) {
  transport.hand_to(*this);
  auto made =
      std::make_unique<Connection>(*this, transport, suites.of(transport), clock, std::move(pass));
  Connection& connection = *made;
  const bool fresh = connections_.emplace(transport.id(), std::move(made)).second;
  GATEHOUSE_ASSERT(fresh);
  connection.start();
  if (stopping_) return connection.stop();
  if (!bytes.empty()) connection.on_data(bytes);
}

void LoginWorker::stop() {
  stopping_ = true;
  for (auto& [id, connection] : connections_) connection->stop();
}

void LoginWorker::on_data(net::Transport& transport, std::string_view bytes) {
  Connection* connection = find(transport.id());
  GATEHOUSE_ASSERT(connection != nullptr);
  connection->on_data(bytes);
}

std::uint32_t LoginWorker::on_end(net::Transport& transport) {
  Connection* connection = find(transport.id());
  GATEHOUSE_ASSERT(connection != nullptr);
  return connection->on_end();
}

void LoginWorker::on_closed(net::Transport& transport, net::CloseReason) {
  const auto it = connections_.find(transport.id());
  GATEHOUSE_ASSERT(it != connections_.end());
  it->second->on_gone();
  connections_.erase(it);
  release_connection();
}

Connection* LoginWorker::find(ConnectionId id) const {
  const auto it = connections_.find(id);
  return it == connections_.end() ? nullptr : it->second.get();
}

Connection* LoginWorker::waiting(ConnectionId id) const {
  Connection* const connection = find(id);
  return connection != nullptr && connection->waits() ? connection : nullptr;
}

bool LoginWorker::admit_connection() {
  const std::uint32_t before = context_.connections.fetch_add(1, std::memory_order_relaxed);
  if (before >= context_.limits.login_connections_max) {
    context_.connections.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  context_.connections_gauge.add(1);
  return true;
}

void LoginWorker::release_connection() {
  const std::uint32_t before = context_.connections.fetch_sub(1, std::memory_order_relaxed);
  GATEHOUSE_ASSERT(before > 0);
  context_.connections_gauge.add(-1);
}

}  // namespace gatehouse::login
