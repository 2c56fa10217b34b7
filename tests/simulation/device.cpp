#include "device.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/bytes.hpp"
#include "base/secret.hpp"
#include "crypto/encoding.hpp"
#include "net/memory_transport.hpp"
#include "net/transport_set.hpp"
#include "protocol/gate_handshake.hpp"
#include "simulation.hpp"

namespace gatehouse::simulation {
namespace {

constexpr std::uint32_t kPatienceMs = 15'000;  // with an answer, before trying again

std::string decoded(std::string_view text) {
  return crypto::base64_decode(text).value_or(std::string());
}

}  // namespace

Device::Device(Simulation& simulation, std::string name, std::string user)
    : simulation_(simulation),
      name_(std::move(name)),
      user_(std::move(user)),
      logins_left_(static_cast<int>(2 + simulation.plan().below(2))) {}

Device::~Device() = default;

void Device::note(std::string_view text) {
  simulation_.note(fmt::format("{}: {}", name_, text));
}

void Device::start() {
  wait(0, 3'000);
}

void Device::wait(std::uint32_t at_least_ms, std::uint32_t spread_ms) {
  const std::uint64_t ms = at_least_ms + simulation_.plan().below(spread_ms + 1);
  simulation_.outside().timers().add(
      *this, simulation_.clock().monotonic_ms() + static_cast<MonotonicMs>(ms));
}

void Device::fire() {
  switch (state_) {
    case State::kOut:
      return log_in();
    case State::kLogin:
      note("no answer to the login");
      close();
      state_ = State::kOut;
      return wait(100, 1'000);
    case State::kIn:
      return connect();
    case State::kHandshake:
      note("no answer to the handshake");
      close();
      state_ = State::kIn;
      return wait(100, 500);
    case State::kPlaying:
      return play();
    case State::kDone:
      return;
  }
}

void Device::close() {
  if (transport_ == nullptr) return;
  transport_->forget_handler();
  std::exchange(transport_, nullptr)->close(net::CloseReason::kLocal);
}

void Device::log_in() {
  auto dialled = simulation_.dial(simulation_.login_address());
  if (!dialled) return simulation_.violated(name_ + ": nobody takes logins");
  lines_ = protocol::LineReader();
  transport_ = simulation_.outside_transports().attach(std::move(*dialled), *this).value();
  state_ = State::kLogin;
  wait(kPatienceMs, 0);
}

void Device::on_data(net::Transport&, std::string_view bytes) {
  if (state_ == State::kLogin) {
    static_cast<void>(lines_.feed(bytes, [this](std::string_view line) {
      on_login_line(line);
      return state_ == State::kLogin && transport_ != nullptr;
    }));
    return;
  }
  static_cast<void>(frames_.feed(bytes, [this](std::string_view body) {
    on_frame(body);
    return transport_ != nullptr;
  }));
}

void Device::on_login_line(std::string_view line) {
  if (line.starts_with("200 ")) {
    const std::size_t blank = line.find(' ', 4);
    return on_logged_in(decoded(line.substr(4, blank - 4)), decoded(line.substr(blank + 1)));
  }
  if (decoded(line).size() == 8) {  // the challenge
    transport_->write(crypto::base64_encode(user_) + "@" +
                      crypto::base64_encode(Simulation::kServer) + ":" +
                      crypto::base64_encode("password of " + user_) + "\n");
    return;
  }
  if (line.starts_with("102 ")) return;
  note(fmt::format("login refused: {}", line));
  if (!line.starts_with("503 ") && !line.starts_with("406 "))
    simulation_.violated(fmt::format("{} is told {}", name_, line));
  close();
  state_ = State::kOut;
  wait(200, 2'000);
}

void Device::on_logged_in(std::string_view subid, std::string_view extras) {
  const auto json = nlohmann::json::parse(extras);
  secret_ = decoded(json.at("secret").get<std::string>());
  gate_name_ = protocol::make_gate_name(user_, Simulation::kServer, subid);
  note(fmt::format("logged in, subid {}", subid));
  close();
  --logins_left_;
  ++life_;
  index_ = 0;
  last_number_ = 0;
  asked_.clear();
  requests_left_ = static_cast<int>(3 + simulation_.plan().below(8));
  state_ = State::kIn;
  wait(0, 300);
}

void Device::connect() {
  auto dialled = simulation_.dial(simulation_.gate_address());
  if (!dialled) return simulation_.violated(name_ + ": there is no gate");
  frames_ = protocol::FrameReader();
  transport_ = simulation_.outside_transports().attach(std::move(*dialled), *this).value();
  const std::string text = fmt::format("{}:{}:0:{}-{}:", gate_name_, ++index_, name_, life_);
  const std::string mac = protocol::gate_mac(protocol::Suite::kPlain, Secret(secret_), text);
  std::string frame;
  static_cast<void>(protocol::append_frame(frame, text + ":" + crypto::base64_encode(mac)));
  transport_->write(frame);
  state_ = State::kHandshake;
  wait(kPatienceMs, 0);
}

void Device::on_frame(std::string_view body) {
  if (state_ == State::kHandshake) {
    note(fmt::format("gate: {}", body));
    if (!body.starts_with(protocol::kGateOk)) return leave(body);
    state_ = State::kPlaying;
    for (const auto& [session, content] : asked_) send(session, content);
    return wait(0, 100);
  }
  if (body.size() < 5) return simulation_.violated(name_ + ": a frame that is none");
  const std::string_view content = body.substr(0, body.size() - 5);
  const auto kind = static_cast<protocol::FrameKind>(body[content.size()]);
  on_response(kind, load_be32(body.data() + content.size() + 1), content);
}

void Device::on_response(protocol::FrameKind kind, std::uint32_t session,
                         std::string_view content) {
  if (kind == protocol::FrameKind::kControl) {
    note(fmt::format("control: {}", content));
    if (nlohmann::json::parse(content).at("type") == "kick") leave("kicked");
    return;
  }
  const auto asked = asked_.find(session);
  if (asked == asked_.end())
    return simulation_.violated(fmt::format("{}: {} was not asked: {}", name_, session, content));
  note(fmt::format("answer {}: {}", session, content));
  if (kind == protocol::FrameKind::kOk && content != "did " + asked->second)
    simulation_.violated(fmt::format("{}: asked {}, told {}", name_, asked->second, content));
  asked_.erase(asked);
}

void Device::play() {
  test::SeededRandom& plan = simulation_.plan();
  if (breaks_left_ > 0 && plan.below(6) == 0) {
    --breaks_left_;
    const bool reset = plan.below(2) == 0;
    note(reset ? "the connection breaks" : "closes the connection");
    if (reset) static_cast<net::MemoryTransport*>(transport_)->link()->reset();
    close();
    state_ = State::kIn;
    return wait(0, 1'500);
  }
  if (requests_left_ > 0) {
    ask();
    return wait(0, 150);
  }
  if (asked_.empty()) return leave("has all answers");
  wait(kPatienceMs, 0);
  if (--breaks_left_ < -3)
    simulation_.violated(fmt::format("{}: {} gets no answer", name_, asked_.begin()->second));
}

void Device::ask() {
  --requests_left_;
  const std::uint32_t number = ++last_number_;
  std::string content = fmt::format("{}.{}.{}", name_, life_, number);
  if (simulation_.plan().below(3) == 0)
    content += fmt::format(" wait {}", 1 + simulation_.plan().below(30));
  asked_[number] = content;
  send(number, content);
}

void Device::send(std::uint32_t session, const std::string& content) {
  note("asks " + content);
  std::string body = content + std::string(4, '\0');
  store_be32(body.data() + content.size(), session);
  std::string frame;
  static_cast<void>(protocol::append_frame(frame, body));
  transport_->write(frame);
}

void Device::leave(std::string_view why) {
  note(fmt::format("leaves: {}", why));
  close();
  state_ = logins_left_ > 0 ? State::kOut : State::kDone;
  if (state_ == State::kDone) {
    cancel();
  } else {
    wait(0, 2'500);
  }
}

void Device::on_closed(net::Transport&, net::CloseReason reason) {
  transport_ = nullptr;
  if (reason == net::CloseReason::kShutdown) return cancel();
  note(fmt::format("the server ends the connection ({})", name(reason)));
  if (state_ == State::kLogin) state_ = State::kOut;
  if (state_ == State::kHandshake || state_ == State::kPlaying) state_ = State::kIn;
  if (state_ == State::kDone) return;
  wait(50, 500);
}

}  // namespace gatehouse::simulation
