// One login connection, from the challenge to the answer. On its worker's thread only; owned by
// LoginWorker, freed when its transport has closed.
//
//   kHandshake  lines go to protocol::LoginHandshake; deadline limits.login_handshake_timeout_ms,
//               and limits.handshake_progress_ms for each line
//   kLogin      the login (login.hpp) is on its way; input is counted and ignored; deadline
//               answer_timeout_ms, and for Policy::auth policy_timeout_ms, then 503. While the
//               login waits in a room the deadline moves along, and the client is told its place
//               by the room (WaitingRoom::update)
//   kDone       answered or given up; the transport sends the rest and closes. A 401 is decided,
//               counted and logged at once, and sent when it is due (answer_floor.hpp)
// Every login is counted once: "ok", or the reason of its refusal. Until the client is who he says,
// the connection has a pass of the edge::Guard, which may take it away: 503.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "actor/timer_wheel.hpp"
#include "base/clock.hpp"
#include "edge/census.hpp"
#include "edge/handshake_clock.hpp"
#include "edge/pass.hpp"
#include "login/login.hpp"
#include "login/refusal.hpp"
#include "net/transport.hpp"
#include "protocol/line_reader.hpp"
#include "protocol/login_answer.hpp"
#include "protocol/login_handshake.hpp"

namespace gatehouse::login {

class LoginWorker;

class Connection final : private actor::Timer, private edge::PassHolder {
 public:
  Connection(LoginWorker& owner, net::Transport& transport,
             const protocol::LoginHandshakeOptions& suites, const edge::HandshakeClock& clock,
             edge::Pass pass);
  ~Connection() override;

  // Sends the challenge.
  void start();
  void on_data(std::string_view bytes);
  // The client sends no more, and waits for the answer: net::TransportHandler::on_end(). Who waits
  // in a game server's room has to keep the connection as it is; else the place in line is kept as
  // for all who left.
  [[nodiscard]] std::uint32_t on_end();
  // The transport closed: nobody waits for an answer any more.
  void on_gone();
  // Answers 503 now and closes; an answer that is held back goes out now.
  void stop();

  // --- Called by its login ---
  [[nodiscard]] bool waits() const { return state_ == State::kLogin; }
  void set_deadline(std::uint32_t timeout_ms);
  void tell_position(std::uint32_t position);
  // Answers and closes. Only while it waits.
  void answer(Outcome outcome);

 private:
  enum class State : std::uint8_t { kHandshake, kLogin, kDone };

  [[nodiscard]] const Clock& clock() const;
  void fire() override;
  void on_shed() override;
  // Nothing whole has come of the handshake for limits.handshake_progress_ms, or not all of it in
  // its time.
  void fire_in_handshake();
  void expect_progress();
  void check_deadline();
  void read_lines(std::string_view bytes);
  void begin(protocol::LoginStep step);
  void ignore_input(std::size_t bytes);
  void leave_the_line();
  void welcome(Welcome welcome);
  [[nodiscard]] std::string answer_line(std::string_view subid,
                                        const protocol::LoginExtras& extras) const;
  // Nothing when it is done already.
  void refuse(const Refusal& refusal);
  [[nodiscard]] MonotonicMs due_ms(const Refusal& refusal, std::int64_t now_ns) const;
  void send_last(std::string_view line);
  void send_line(std::string_view line);
  void finish();
  void record(int code);

  LoginWorker& owner_;
  net::Transport& transport_;
  const edge::Census::Row census_row_;
  const std::shared_ptr<edge::Pass> pass_;  // shared with the login
  State state_ = State::kHandshake;
  bool said_something_ = false;  // the client, in kHandshake
  bool input_ended_ = false;     // on_end()
  protocol::LineReader reader_;
  std::optional<protocol::LoginHandshake> handshake_;  // in kHandshake
  std::shared_ptr<Login> login_;                       // in kLogin
  Secret answer_key_;                                  // in kLogin, where the client wants a seal
  edge::HandshakeClock handshake_clock_;               // in kHandshake
  MonotonicMs deadline_ms_ = 0;                        // of the login
  std::size_t ignored_bytes_ = 0;
  std::string held_line_;  // in kDone: an answer that is not due yet
};

}  // namespace gatehouse::login
