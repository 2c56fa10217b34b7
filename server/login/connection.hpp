// One login connection, from the challenge to the answer. On its worker's thread only; owned by
// LoginWorker, freed when its stream has closed.
//
//   kHandshake  lines go to protocol::LoginHandshake; deadline limits.login_handshake_timeout_ms
//   kLogin      the token is being worked on; input is counted and ignored; deadline
//               answer_timeout_ms, and for Policy::auth policy_timeout_ms, then 503. While the
//               login waits in a room the deadline moves along, and the client is told its place
//               by the room (WaitingRoom::update)
//   kDone       answered or given up; the stream sends what is left and closes. A 401 is decided,
//               counted and logged at once, and sent when it is due (answer_floor.hpp)
// Every login is counted once: "ok", or the reason of its refusal.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "actor/timer_wheel.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "login/authenticator.hpp"
#include "login/hold.hpp"
#include "login/placer.hpp"
#include "login/policy.hpp"
#include "login/refusal.hpp"
#include "login/throttle.hpp"
#include "net/transport.hpp"
#include "protocol/line_reader.hpp"
#include "protocol/login_handshake.hpp"

namespace gatehouse::login {

class LoginWorker;

class Connection final : private actor::Timer {
 public:
  // What goes on with a result that came back.
  template <class Value>
  using Step = void (Connection::*)(Value value, Hold hold);

  Connection(LoginWorker& owner, net::Transport& stream,
             const protocol::LoginHandshakeOptions& suites);

  // Sends the challenge and starts the deadline.
  void start();
  void on_data(std::string_view bytes);
  // The client sends no more, and waits for the answer: net::TransportHandler::on_end(). Who waits
  // in a game server's room has to keep the connection as it is; else the place in line is kept as
  // for all who left.
  [[nodiscard]] std::uint32_t on_end();
  // The stream closed: nobody waits for an answer any more.
  void on_gone();
  // Answers and closes; nothing when that happened already.
  void refuse(const Refusal& refusal);
  // The same with 503; an answer that is held back goes out now.
  void stop();

 private:
  enum class State : std::uint8_t { kHandshake, kLogin, kDone };
  class Line;

  void fire() override;
  void read_lines(std::string_view bytes);
  void begin(protocol::LoginStep step);
  void ignore_input(std::size_t bytes);
  void ask_policy(const protocol::Token& token, const Throttle::AddressVerdict& verdict);
  [[nodiscard]] bool served() const;
  [[nodiscard]] AuthRequest auth_request();
  template <class Value>
  [[nodiscard]] auto resume(Step<Value> step, Hold hold);
  void set_deadline(std::uint32_t timeout_ms);
  void check_deadline();
  void tell_position(std::uint32_t position);
  void leave_the_line();

  // The steps of a login, in their order.
  void on_policy_auth(Result<AuthResult> result, Hold hold);
  void on_admission(Authenticator::Admission admission, Hold hold);
  void after_admission();
  void on_policy_login(Result<std::string> subid, Hold hold);
  void on_turn(WaitingRoom::Turn turn, Hold hold);
  void place(Hold hold);
  void on_placement(Result<Placement> placement, Hold hold);
  void renew_ticket(Placement placement, Hold hold);
  void on_renewal(Authenticator::Renewal renewal, Hold hold);
  void answer_ok(std::string_view subid, std::vector<std::string> gates);

  void refuse_for_policy(const Refusal& refusal);
  [[nodiscard]] MonotonicMs due_ms(const Refusal& refusal, std::int64_t now_ns) const;
  void answer(std::string_view line);
  void send_line(std::string_view line);
  void finish();
  void record(int code);

  LoginWorker& owner_;
  net::Transport& stream_;
  State state_ = State::kHandshake;
  protocol::Suite suite_ = protocol::Suite::kSkynet;
  protocol::LineReader reader_;
  std::optional<protocol::LoginHandshake> handshake_;  // in kHandshake

  // From the token on.
  std::string uid_;
  std::string server_;
  Secret secret_;  // of the session, until somebody else has it
  AccountId account_;
  std::optional<Ticket> ticket_;
  std::optional<TicketSpend> spend_;
  store::Credentials credentials_;
  std::uint64_t family_ = 0;
  Placement placement_;  // while the ticket is renewed
  bool trusted_ = false;           // comes from a network of address_allow
  bool waits_for_nobody_ = false;
  bool said_something_ = false;    // the client, in kHandshake
  bool input_ended_ = false;       // on_end()
  bool in_room_ = false;           // of a game server, not only in line for a hash
  bool at_policy_ = false;         // Policy::auth has not answered yet
  Throttle::Guess guess_;          // that Policy::auth looks at
  std::int64_t began_ns_ = 0;      // when the token, or the line before it, was there
  std::string held_line_;          // an answer that is not due yet
  std::shared_ptr<Waiter> waiter_;
  MonotonicMs deadline_ms_ = 0;        // for the answer
  std::size_t ignored_bytes_ = 0;
};

}  // namespace gatehouse::login
