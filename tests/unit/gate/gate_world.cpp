#include "gate_world.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/log.hpp"
#include "crypto/encoding.hpp"
#include "test_world.hpp"

namespace gatehouse::gate {
namespace {

class LogToFile final : public testing::Environment {
 public:
  void SetUp() override {
    path() = testing::TempDir() + "gate-log-" + std::to_string(getpid());
    ASSERT_TRUE(log::start({log::Level::kInfo, log::Format::kText, path()}));
  }
  void TearDown() override { std::filesystem::remove(path()); }
  static std::string& path() {
    static std::string path;
    return path;
  }
};
[[maybe_unused]] const auto* const log_to_file = testing::AddGlobalTestEnvironment(new LogToFile);

}  // namespace

void set_log_level(log::Level level) {
  EXPECT_TRUE(log::start({level, log::Format::kText, LogToFile::path()}));
}

std::string read_log() {
  log::flush();
  std::ostringstream text;
  text << std::ifstream(LogToFile::path()).rdbuf();
  return text.str();
}

void FakeAgent::note(char event) {
  events.push_back(event);
  if (kick_on == event) session->kick(410, "removed");
  if (die_on == event) {
    events.push_back('x');
    session.reset();
  }
}

void FakeAgent::on_connected(bool resumed) {
  note(resumed ? 'r' : 'c');
}
void FakeAgent::on_disconnected() {
  note('d');
}

void FakeAgent::on_request(protocol::RequestTicket ticket, std::string_view content) {
  ++requests;
  if (content == "hold") {
    held.emplace(ticket.session, ticket);
  } else if (content == "error") {
    session->respond(ticket, false, {});
  } else if (content == "count") {
    session->respond(ticket, true, std::to_string(++counted));
  } else if (content == "big") {
    session->respond(ticket, true, std::string(kResponseContentBytesMax + 1, 'b'));
  } else if (content.substr(0, 5) == "push ") {
    EXPECT_TRUE(session->push(content.substr(5)));
    session->respond(ticket, true, "pushed");
  } else if (content == "kick") {
    session->kick(410, "removed");
    session->respond(ticket, true, "too late");
  } else if (content == "die") {
    session.reset();
  } else {
    session->respond(ticket, true, content);
  }
}

std::unique_ptr<net::Network> World::start_on(Carrier carrier) {
  if (carrier == Carrier::kTcp) {
    auto sockets = std::make_unique<net::UvNetwork>(system);
    system.start(sockets->loop_factory());
    return sockets;
  }
  auto memory = std::make_unique<net::MemoryNetwork>(system);
  memory->on_link(
      [this](const net::Endpoint&, const std::shared_ptr<net::MemoryLink>& link) { link_ = link; });
  system.start(memory->loop_factory());
  return memory;
}

World::World(GateOptions options, std::uint16_t workers, Carrier carrier)
    : guard(options.limits, metrics, edge::posting_to(system)),
      system{test_world(), actor::SystemOptions{workers, {}}, metrics},
      network(start_on(carrier)),
      gate(
          [&] {
            options.server = "sample";
            options.listen = {"127.0.0.1", 0};
            return options;
          }(),
          metrics, guard) {
  if (carrier == Carrier::kMemory) clients_ = std::make_unique<net::MemoryClients>(client_metrics_);
  const auto started = gate.start(*network, system);
  EXPECT_TRUE(started) << started.error().message;
}

World::~World() {
  gate.stop_accepting();
  for (auto& [worker, agent] : agents_) on(worker, [&agent] { agent->session.reset(); });
  system.stop();
  EXPECT_EQ(gate.connection_count(), 0u);
  EXPECT_EQ(gate.session_count(), 0u);
  EXPECT_EQ(metric("gate_connections"), 0);
  EXPECT_EQ(metric("gate_sessions"), 0);
}

Result<Player> World::try_login(const std::string& uid, std::uint16_t worker, protocol::Suite suite,
                                const std::string& subid) {
  Player player{protocol::make_gate_name(uid, "sample", subid),
                Secret(std::string(suite == protocol::Suite::kSkynet ? 8 : 32, 's')), suite, worker,
                nullptr};
  auto agent = std::make_unique<FakeAgent>();
  player.agent = agent.get();
  const auto created = on(worker, [&]() -> Result<> {
    auto session = gate.create_session({uid, "sample", subid, player.secret, suite},
                                       system.worker(worker), *player.agent);
    if (!session) return tl::unexpected(session.error());
    player.agent->session = std::move(*session);
    return {};
  });
  if (!created) return tl::unexpected(created.error());
  std::lock_guard lock(agents_mutex_);
  agents_.emplace_back(worker, std::move(agent));
  return player;
}

Player World::login(const std::string& uid, std::uint16_t worker, protocol::Suite suite,
                    const std::string& subid) {
  auto player = try_login(uid, worker, suite, subid);
  EXPECT_TRUE(player);
  return *player;
}

void World::logout(const Player& player) {
  with(player, [](FakeAgent& agent) { agent.session.reset(); });
}

void World::answer(const Player& player, std::uint32_t session, std::string_view content,
                   bool good) {
  with(player, [&](FakeAgent& agent) {
    const auto it = agent.held.find(session);
    ASSERT_NE(it, agent.held.end());
    const auto ticket = it->second;
    agent.held.erase(it);
    agent.session->respond(ticket, good, content);
  });
}

std::string World::events(const Player& player) {
  return with(player, [](FakeAgent& agent) { return agent.events; });
}

std::uint32_t World::counted(const Player& player) {
  return with(player, [](FakeAgent& agent) { return agent.counted; });
}

bool World::holds(const Player& player, std::uint32_t session) {
  return with(player, [&](FakeAgent& agent) { return agent.held.count(session) > 0; });
}

std::int64_t World::metric(std::string_view name, std::string_view label) const {
  std::int64_t value = -1;
  metrics.each([&](const Metric& m) {
    if (m.name().find(name) != std::string::npos && m.name().ends_with(name) && m.label() == label)
      value = m.value();
  });
  return value;
}

std::unique_ptr<net::Client> World::connect(int receive_buffer_bytes) const {
  if (clients_ == nullptr)
    return std::make_unique<net::TcpClient>(gate.address(), receive_buffer_bytes);
  return clients_->connect(static_cast<net::MemoryNetwork&>(*network), gate.address(),
                           static_cast<std::size_t>(receive_buffer_bytes));
}

std::int64_t World::closed(std::string_view reason) const {
  const std::string label = "reason=\"" + std::string(reason) + "\"";
  return std::max(metric("gate_closed", label), metric("refused_total", "where=\"gate\"," + label));
}

GateOptions with_limits(const std::function<void(Limits&)>& change) {
  GateOptions options;
  change(options.limits);
  return options;
}

std::ostream& operator<<(std::ostream& out, const Response& response) {
  return out << "kind " << response.kind << " session " << response.session << " '"
             << response.content.substr(0, 200) << "'";
}

std::string handshake_text(const Player& player, std::string_view index,
                           const std::optional<Extension>& extension) {
  std::string text = player.name + ':' + std::string(index);
  if (extension)
    text += ':' + std::to_string(extension->last_push) + ':' + extension->conversation + ':' +
            extension->options;
  return text + ':' + crypto::base64_encode(protocol::gate_mac(player.suite, player.secret, text));
}

std::string framed(std::string_view body) {
  std::string out;
  EXPECT_TRUE(protocol::append_frame(out, body));
  return out;
}

std::string request_frame(std::string_view content, std::uint32_t session) {
  std::string body(content);
  body.resize(content.size() + 4);
  store_be32(body.data() + content.size(), session);
  return framed(body);
}

bool Client::send_byte_by_byte(std::string_view bytes) {
  for (const char& byte : bytes)
    if (!send({&byte, 1})) return false;
  return true;
}

std::optional<std::string> Client::frame() {
  const std::string header = end_->receive(2);
  if (header.size() < 2) return std::nullopt;
  const std::size_t size = load_be16(header.data());
  std::string body = end_->receive(size);
  if (body.size() < size) return std::nullopt;
  return body;
}

Response Client::response() {
  const auto body = frame();
  if (!body) return {"connection closed", -1, 0};
  EXPECT_GE(body->size(), 5u);
  const std::size_t size = body->size() - 5;
  return {body->substr(0, size), (*body)[size], load_be32(body->data() + size + 1)};
}

std::string Client::handshake(const Player& player, int index,
                              const std::optional<Extension>& extension) {
  send(framed(handshake_text(player, std::to_string(index), extension)));
  return frame().value_or("closed");
}

bool Client::is_quiet() {
  return ask("quiet?", protocol::kPingSession) == ok("quiet?", protocol::kPingSession);
}

}  // namespace gatehouse::gate
