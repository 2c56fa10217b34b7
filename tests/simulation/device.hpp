// A player's device: logs in, asks, loses its connection and comes back, and makes way for the
// player's other device. All of it on the worker outside, by its timer and by what arrives.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "actor/timer_wheel.hpp"
#include "net/transport.hpp"
#include "protocol/frame.hpp"
#include "protocol/line_reader.hpp"

namespace gatehouse::simulation {

class Simulation;

class Device final : public actor::Timer, public net::TransportHandler {
 public:
  Device(Simulation& simulation, std::string name, std::string user);
  ~Device() override;

  // On the worker outside.
  void start();
  // It has done all that it wanted.
  [[nodiscard]] bool done() const { return state_ == State::kDone; }
  [[nodiscard]] const std::string& user() const { return user_; }

 private:
  enum class State { kOut, kLogin, kIn, kHandshake, kPlaying, kDone };

  void fire() override;
  void on_data(net::Transport& transport, std::string_view bytes) override;
  void on_closed(net::Transport& transport, net::CloseReason reason) override;

  void wait(std::uint32_t at_least_ms, std::uint32_t spread_ms);
  void log_in();
  void on_login_line(std::string_view line);
  void on_logged_in(std::string_view subid, std::string_view extras);
  void connect();
  void on_frame(std::string_view body);
  void on_response(protocol::FrameKind kind, std::uint32_t session, std::string_view content);
  void play();
  void ask();
  void send(std::uint32_t session, const std::string& content);
  // The session is over: a new login, if there is anything left to do.
  void leave(std::string_view why);
  void close();
  void note(std::string_view text);

  Simulation& simulation_;
  const std::string name_;
  const std::string user_;
  State state_ = State::kOut;
  net::Transport* transport_ = nullptr;
  protocol::LineReader lines_;
  protocol::FrameReader frames_;
  int logins_left_;
  int requests_left_;  // in this session
  int breaks_left_ = 2;

  // Of the session.
  std::string secret_;
  std::string gate_name_;
  std::uint32_t index_ = 0;
  std::uint32_t life_ = 0;
  std::uint32_t last_number_ = 0;
  std::map<std::uint32_t, std::string> asked_;  // and not answered
};

}  // namespace gatehouse::simulation
