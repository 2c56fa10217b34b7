// WebSocket over both carriers, by clients that write their frames byte by byte.
#include "edge/ws_transport.hpp"

#include "edge/tls_handshakes.hpp"
#include "edge/tls_transport.hpp"
#include "edge_fixture.hpp"
#include "protocol/frame.hpp"
#include "protocol/line_reader.hpp"
#include "tls_client.hpp"
#include "ws_cases.hpp"

namespace gatehouse::edge {
namespace {

using protocol::WsFraming;
using test::ws_binary;
using test::ws_close;
using test::ws_code;
using test::ws_frame;
using test::ws_more;
using test::ws_ping;
using test::ws_received;
using test::ws_text;
using test::WsCase;
using test::WsReceived;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

constexpr std::string_view kRequest =
    "GET /play HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";

// Sends whole frames back, as a gate's connection does.
net::TestHandler::OnData echo_frames() {
  auto reader = std::make_shared<protocol::FrameReader>(kFrameBytesMax);
  return [reader](net::TestHandler&, Transport& t, std::string_view bytes) {
    reader->feed(bytes,
                 [&](std::string_view body) { return protocol::append_frame(t.output(), body); });
  };
}

class WsTransportTest : public EdgeTest, public ::testing::WithParamInterface<Carrier> {
 protected:
  Carrier carrier() const override { return GetParam(); }
  void TearDown() override {
    client_.reset();
    EdgeTest::TearDown();
    service_.reset();
    handshakes_.reset();
  }
  // Serves with handlers that `open` makes on the connections' workers, and connects.
  void serve_ws(std::function<LayerHandler*()> open, WsOptions options = {},
                WsFraming framing = WsFraming::kFrames) {
    service_ = std::make_unique<WsService>(framing, std::move(options), first_bytes_max_, metrics_);
    const auto serve = [this, open](TransportSet& set, std::unique_ptr<Transport> accepted) {
      LayerHandler* handler = open();
      auto top = std::make_unique<WsTransport>(std::move(accepted), *service_);
      if (!set.attach(std::move(top), *handler)) delete handler;
    };
    server_ = serve_raw(serve, {.worker = 0});
    client_ = connect(server_);
  }
  void serve_echo(WsOptions options = {}) {
    serve_ws([this] { return handler(echo_frames()); }, std::move(options));
  }
  void upgrade() {
    ASSERT_TRUE(client_->send(kRequest));
    std::string head;
    while (!head.ends_with(kHeadEnd) && head.size() < 1'000) head += client_->receive(1);
    ASSERT_THAT(head, StartsWith("HTTP/1.1 101 "));
  }
  // The next frames of the server, of so many bytes with their heads.
  std::vector<WsReceived> receive(std::size_t bytes) {
    return ws_received(client_->receive(bytes));
  }
  std::int64_t upgrades() { return metric("websocket_upgrades", "where=\"gate\""); }
  std::int64_t refused(const std::string& result) {
    return metric("refused_total", "where=\"gate\",reason=\"upgrade_" + result + "\"");
  }
  std::int64_t closes(const std::string& code) {
    return metric("websocket_closes", "where=\"gate\",code=\"" + code + "\"");
  }

  static constexpr std::uint16_t kWorkers = 3;
  std::uint32_t first_bytes_max_ = 1'024;
  std::unique_ptr<WsService> service_;
  std::unique_ptr<TlsHandshakes> handshakes_;
  net::Address server_;
  std::unique_ptr<Client> client_;
};

INSTANTIATE_TEST_SUITE_P(Carriers, WsTransportTest,
                         ::testing::Values(Carrier::kTcp, Carrier::kMemory), net::carrier_name);

TEST_P(WsTransportTest, DoesWhatAutobahnAsks) {
  start(1);
  // The limit of the first message is tried by itself.
  first_bytes_max_ = kFrameBytesMax;
  serve_echo();
  for (const WsCase& wanted : test::all_ws_cases()) {
    SCOPED_TRACE(wanted.number);
    client_ = connect(server_);
    upgrade();
    ASSERT_TRUE(client_->send(wanted.sent));
    // Where it stays open, a close frame says that all has come back.
    const bool open = wanted.code == WsCase::kOpen;
    ASSERT_TRUE(!open || client_->send(ws_close(4999, "done")));
    std::vector<std::string> messages, pongs;
    int code = WsCase::kOpen;
    for (const WsReceived& frame : ws_received(client_->receive_all())) {
      EXPECT_EQ(code, WsCase::kOpen) << "a frame behind the close frame";
      if (frame.opcode == 2) messages.push_back(frame.payload);
      if (frame.opcode == 10) pongs.push_back(frame.payload);
      if (frame.opcode != 8) continue;
      code = frame.payload.empty() ? WsCase::kNone : load_be16(frame.payload.data());
    }
    EXPECT_EQ(messages, wanted.messages);
    EXPECT_EQ(pongs, wanted.pongs);
    EXPECT_EQ(code, open ? 4999 : wanted.code);
  }
  EXPECT_GT(closes("1007"), 0);
  EXPECT_GT(closes("1009"), 0);
  EXPECT_EQ(upgrades(), static_cast<std::int64_t>(test::all_ws_cases().size()));
}

TEST_P(WsTransportTest, TakesEverythingAByteAtATime) {
  start(1);
  serve_echo();
  const std::string sent = std::string(kRequest) + ws_binary("one") + ws_text("tw", false) +
                           ws_ping("p") + ws_more("o", true) + ws_binary(std::string(200, 'x')) +
                           ws_close(1000, "bye");
  for (const char c : sent) ASSERT_TRUE(client_->send({&c, 1}));
  const std::string said = client_->receive_all();
  const std::size_t head = said.find(kHeadEnd) + kHeadEnd.size();
  EXPECT_THAT(
      ws_received(std::string_view(said).substr(head)),
      UnorderedElementsAre(WsReceived{10, "p"}, WsReceived{2, "one"}, WsReceived{2, "two"},
                           WsReceived{2, std::string(200, 'x')}, WsReceived{8, ws_code(1000)}))
      << "a pong may overtake answers";
}

TEST_P(WsTransportTest, TakesTheRequestAndTheFirstMessagesAtOnce) {
  start(1);
  serve_echo();
  ASSERT_TRUE(client_->send(std::string(kRequest) + ws_binary("early") + ws_close(1000)));
  const std::string said = client_->receive_all();
  EXPECT_THAT(said, HasSubstr("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
  const std::size_t head = said.find(kHeadEnd) + kHeadEnd.size();
  EXPECT_THAT(ws_received(std::string_view(said).substr(head)),
              ElementsAre(WsReceived{2, "early"}, WsReceived{8, ws_code(1000)}));
  client_.reset();
  EXPECT_TRUE(all_closed(1, CloseReason::kPeerClosed));
}

TEST_P(WsTransportTest, SpeaksLinesWhereTheServerSpeaksFirst) {
  start(1);
  serve_ws(
      [this] {
        auto* lines = handler([](net::TestHandler&, Transport& t, std::string_view bytes) {
          protocol::LineReader reader;
          reader.feed(bytes, [&](std::string_view line) {
            t.write("you said " + std::string(line) + "\n");
            return true;
          });
        });
        lines->ready = [](LayerHandler&, Transport& t) { t.write("challenge\nsecond\n"); };
        return lines;
      },
      {}, WsFraming::kLines);
  upgrade();
  EXPECT_THAT(receive(2 + 9 + 2 + 6),
              ElementsAre(WsReceived{1, "challenge"}, WsReceived{1, "second"}));
  ASSERT_TRUE(client_->send(ws_text("hello")));
  EXPECT_THAT(receive(2 + 14), ElementsAre(WsReceived{1, "you said hello"}));
}

TEST_P(WsTransportTest, WritesOnceATurn) {
  if (GetParam() != Carrier::kTcp) GTEST_SKIP() << "counts the writes of a socket";
  start(1);
  serve_echo();
  upgrade();
  const std::uint64_t before = stats(0).writes;
  std::string sent;
  for (int i = 0; i < 50; ++i) sent += ws_binary("12345678");
  ASSERT_TRUE(client_->send(sent));
  EXPECT_EQ(receive(50 * 10).size(), 50u);
  EXPECT_EQ(stats(0).writes, before + 1);
}

TEST_P(WsTransportTest, AnswersWhoSpeaksSomethingElse) {
  start(1);
  WsOptions options;
  options.origins = *protocol::Origins::parse({"https://play.example.com"});
  serve_echo(std::move(options));
  std::string foreign(kRequest);
  foreign.insert(foreign.size() - 2, "Origin: https://evil.example\r\n");
  const std::vector<std::array<std::string, 3>> cases = {
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "426 ", "no_upgrade"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "405 ", "method"},
      {foreign, "403 ", "origin"},
      {std::string("\x16\x03\x01\x02", 4), "400 ", "not_http"},
      {"get / HTTP/1.1\r\nHost: a\r\n\r\n", "405 ", "method"},
      {"GET / HTTP/1.1\r\nHost: a\r\nbroken\r\n\r\n", "400 ", "not_http"},
      {"GET / HTTP/1.1\r\nX: " + std::string(8'200, 'x'), "431 ", "too_large"},
  };
  int closed = 0;
  for (const auto& [sent, status, result] : cases) {
    SCOPED_TRACE(result);
    const std::int64_t before = refused(result);
    client_ = connect(server_);
    ASSERT_TRUE(client_->send(sent));
    EXPECT_THAT(client_->receive_all(), StartsWith("HTTP/1.1 " + status));
    EXPECT_EQ(refused(result), before + 1);
    client_.reset();
    ++closed;
    EXPECT_TRUE(eventually([&] { return census_.closed_for(CloseReason::kProtocol) == closed; }));
  }
  EXPECT_EQ(upgrades(), 0);
}

TEST_P(WsTransportTest, AnswersWhoIsEndedBeforeTheUpgrade) {
  start(1);
  std::atomic<Transport*> opened{nullptr};
  serve_ws([this] { return handler(echo_frames()); });
  ASSERT_TRUE(client_->send("GET / HTTP/1.1\r\n"));
  ASSERT_TRUE(eventually([&] {
    return on_worker(0, [](TransportSet& set) {
      Transport* top = nullptr;
      for (std::uint32_t slot = 0; slot < 4; ++slot)
        for (std::uint32_t generation = 1; generation < 3; ++generation)
          if (Transport* t = set.find({slot, generation}); t && t->kind() == TransportKind::kWs)
            top = t;
      if (top != nullptr) top->close_after_flush(CloseReason::kShutdown);
      return top != nullptr;
    });
  }));
  EXPECT_THAT(client_->receive_all(), StartsWith("HTTP/1.1 503 "));
}

TEST_P(WsTransportTest, HasATighterLimitForTheFirstMessage) {
  start(1);
  first_bytes_max_ = 100;
  serve_echo();
  upgrade();
  ASSERT_TRUE(client_->send(ws_binary(std::string(101, 'x'))));
  const auto frames = ws_received(client_->receive_all());
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].payload, ws_code(1009) + "the message is too big");
  client_.reset();
  EXPECT_TRUE(all_closed(1, CloseReason::kProtocol));
}

TEST_P(WsTransportTest, SaysWhyTheServerEndsIt) {
  start(1);
  struct Ending {
    std::string body, payload;
    CloseReason reason;
  };
  const std::vector<Ending> endings = {
      {"kick", ws_code(4409) + "replaced", CloseReason::kReplaced},
      {"stop", ws_code(1001) + "the server stops", CloseReason::kShutdown},
      {"done", ws_code(1000), CloseReason::kLocal}};
  serve_ws([this] {
    return handler([](net::TestHandler&, Transport& t, std::string_view bytes) {
      EXPECT_TRUE(protocol::append_frame(t.output(), "last"));
      const std::string_view body = bytes.substr(2);
      if (body == "kick") t.explain_end(409, "replaced");
      if (body == "stop") t.explain_end(503, "the server stops");
      t.close_after_flush(body == "kick"
                              ? CloseReason::kReplaced
                              : (body == "stop" ? CloseReason::kShutdown : CloseReason::kLocal));
    });
  });
  for (const Ending& ending : endings) {
    client_ = connect(server_);
    upgrade();
    ASSERT_TRUE(client_->send(ws_binary(ending.body)));
    EXPECT_THAT(ws_received(client_->receive_all()),
                ElementsAre(WsReceived{2, "last"}, WsReceived{8, ending.payload}));
    ASSERT_TRUE(client_->send(ws_frame(8, ending.payload)));
    client_.reset();
    EXPECT_TRUE(eventually([&] { return census_.closed_for(ending.reason) == 1; }));
  }
  EXPECT_EQ(closes("kick"), 1);
  EXPECT_EQ(closes("1001"), 1);
}

// A close frame ends the client's direction only.
TEST_P(WsTransportTest, AnswersWhatWasAskedBeforeTheClosingHandshake) {
  start(1);
  serve_ws([this] {
    auto* slow = handler(keep());
    slow->end = [](LayerHandler&, Transport&) { return 20'000u; };
    return slow;
  });
  upgrade();
  ASSERT_TRUE(client_->send(ws_binary("question") + ws_close(3001, "enough")));
  ASSERT_TRUE(arrives(std::string("\0\x08question", 10)));
  with([](Transport& t) {
    EXPECT_TRUE(protocol::append_frame(t.output(), "answer"));
    t.close_after_flush(CloseReason::kPeerClosed);
  });
  EXPECT_THAT(ws_received(client_->receive_all()),
              ElementsAre(WsReceived{2, "answer"}, WsReceived{8, ws_code(3001)}));
}

TEST_P(WsTransportTest, BoundsPingsAndFragments) {
  start(1);
  WsOptions options;
  options.other_frames_per_s_max = 10;
  serve_echo(std::move(options));
  upgrade();
  std::string pings;
  for (int i = 0; i < 11; ++i) pings += ws_ping("");
  ASSERT_TRUE(client_->send(pings));
  const auto frames = ws_received(client_->receive_all());
  ASSERT_FALSE(frames.empty());
  EXPECT_EQ(frames.back().payload, ws_code(1008) + "too many pings or fragments");
  client_.reset();
  EXPECT_TRUE(all_closed(1, CloseReason::kLimit));
}

TEST_P(WsTransportTest, PingsAndClosesWhoDoesNotAnswer) {
  start(1);
  WsOptions options;
  options.ping_s = 1;
  options.other_frames_per_s_max = 0;
  serve_echo(std::move(options));
  upgrade();
  const std::string ping("\x89\0", 2);
  std::atomic<bool> pinged_twice{false};
  std::thread reader([&] {
    EXPECT_EQ(client_->receive(4), ping + ping);
    pinged_twice = true;
  });
  // Whatever comes from it says that it is there.
  while (!eventually([&] { return pinged_twice.load(); }, std::chrono::milliseconds(20)))
    if (!client_->send(ws_frame(10, ""))) break;
  reader.join();
  EXPECT_TRUE(pinged_twice);
  EXPECT_TRUE(eventually([&] { return census_.closed == 1; }));
  EXPECT_EQ(census_.closed_for(CloseReason::kTimeout), 1);
}

TEST_P(WsTransportTest, ClosesWhoDoesNotRead) {
  start(1);
  serve_ws([this] {
    return handler([](net::TestHandler&, Transport& t, std::string_view) {
      t.set_unsent_limit(1 << 20);
      const std::string body(60'000, 'x');
      for (int i = 0; i < 200; ++i) EXPECT_TRUE(protocol::append_frame(t.output(), body));
    });
  });
  client_ = connect(server_, 4'096);
  upgrade();
  ASSERT_TRUE(client_->send(ws_binary("all")));
  EXPECT_TRUE(eventually([&] { return census_.closed_for(CloseReason::kSlowReader) == 1; }));
}

// From worker to worker, after every so many bytes: in the middle of frames, of fragmented messages
// and of characters, with pings on.
TEST_P(WsTransportTest, GoesFromWorkerToWorkerWithAllItKnows) {
  start(kWorkers);
  std::atomic<int> moves{0};
  const auto reader = std::make_shared<protocol::FrameReader>(kFrameBytesMax);
  std::function<LayerHandler*()> open;
  open = [&, reader] {
    return handler([&, reader](net::TestHandler& self, Transport& t, std::string_view bytes) {
      reader->feed(bytes,
                   [&](std::string_view body) { return protocol::append_frame(t.output(), body); });
      auto& there = network_->transports(
          static_cast<std::uint16_t>((t.set().worker().index() + 1) % kWorkers));
      auto moved = t.detach();
      ASSERT_TRUE(moved.has_value());
      ASSERT_EQ((*moved)->kind(), TransportKind::kWs);
      ++moves;
      there.worker().post([&open, &there, owned = std::move(*moved)]() mutable {
        LayerHandler* next = open();
        if (!there.attach(std::move(owned), *next)) delete next;
      });
      delete &self;
    });
  };
  WsOptions options;
  options.ping_s = 3'600;
  serve_ws(open, std::move(options));
  upgrade();
  const std::string first = net::pattern(600);
  std::string sent = ws_binary(first);
  for (int i = 0; !sent.empty(); ++i) {
    ASSERT_TRUE(client_->send(std::string_view(sent).substr(0, 61)));
    sent.erase(0, 61);
    ASSERT_TRUE(eventually([&] { return moves > i; }));
  }
  std::vector<WsReceived> wanted = {{2, first}};
  for (int i = 0; i < 30; ++i) {
    const std::string half = net::pattern(static_cast<std::size_t>(i) * 37),
                      text = "\xe4\xb8\xa5\xe4\xb8\xa5";
    sent += ws_binary(half, false) + ws_more(half, true) + ws_text(text.substr(0, 4), false) +
            ws_more(text.substr(4), true) + ws_binary("end");
    wanted.push_back({2, half + half});
    wanted.push_back({2, text});
    wanted.push_back({2, "end"});
  }
  std::size_t size = 0;
  for (const auto& frame : wanted)
    size += frame.payload.size() + (frame.payload.size() < 126 ? 2 : 4);
  std::thread sender([&] {
    for (std::size_t at = 0; at < sent.size(); at += 61)
      EXPECT_TRUE(client_->send(std::string_view(sent).substr(at, 61)));
  });
  EXPECT_EQ(receive(size), wanted);
  sender.join();
  EXPECT_GT(moves, 10);
}

// The same within TLS, where a layer has what is left of a record and the other of a frame.
TEST_P(WsTransportTest, GoesFromWorkerToWorkerWithinTls) {
  start(kWorkers);
  std::atomic<int> moves{0};
  const auto reader = std::make_shared<protocol::FrameReader>(kFrameBytesMax);
  std::function<LayerHandler*()> open;
  open = [&, reader] {
    return handler([&, reader](net::TestHandler& self, Transport& t, std::string_view bytes) {
      reader->feed(bytes,
                   [&](std::string_view body) { return protocol::append_frame(t.output(), body); });
      EXPECT_TRUE(t.tls().has_value());
      auto& there = network_->transports(
          static_cast<std::uint16_t>((t.set().worker().index() + 1) % kWorkers));
      auto moved = t.detach();
      ASSERT_TRUE(moved.has_value());
      ASSERT_EQ((*moved)->kind(), TransportKind::kWss);
      ++moves;
      there.worker().post([&open, &there, owned = std::move(*moved)]() mutable {
        LayerHandler* next = open();
        if (!there.attach(std::move(owned), *next)) delete next;
      });
      delete &self;
    });
  };
  service_ =
      std::make_unique<WsService>(WsFraming::kFrames, WsOptions{}, first_bytes_max_, metrics_);
  const auto context = crypto::showing("here");
  handshakes_ =
      std::make_unique<TlsHandshakes>(test_world(), TlsHandshakeLimits{0, 0, 0}, metrics_);
  server_ = serve_raw(
      [&open, context, this](TransportSet& set, std::unique_ptr<Transport> accepted) {
        auto session = crypto::TlsSession::server(context);
        ASSERT_TRUE(session.has_value());
        auto tls =
            std::make_unique<TlsTransport>(std::move(accepted), std::move(*session), *handshakes_);
        LayerHandler* first = open();
        auto top = std::make_unique<WsTransport>(std::move(tls), *service_);
        if (!set.attach(std::move(top), *first)) delete first;
      },
      {.worker = 0});
  TlsClient client(connect(server_), crypto::trusting("ca"));
  ASSERT_TRUE(client.shake_hands());
  ASSERT_TRUE(client.send(kRequest, 7));
  std::string head;
  while (!head.ends_with(kHeadEnd) && head.size() < 1'000) head += client.receive(1);
  ASSERT_THAT(head, StartsWith("HTTP/1.1 101 "));
  const std::string body = net::pattern(900);
  std::string sent = ws_binary(body);
  for (int i = 0; !sent.empty(); ++i) {
    ASSERT_TRUE(client.send(std::string_view(sent).substr(0, 61), 13));
    sent.erase(0, 61);
    ASSERT_TRUE(eventually([&] { return moves > i; }));
  }
  EXPECT_THAT(ws_received(client.receive(904)), ElementsAre(WsReceived{2, body}));
  ASSERT_TRUE(client.send(ws_close(1000)));
  EXPECT_THAT(ws_received(client.receive_all()), ElementsAre(WsReceived{8, ws_code(1000)}));
}

}  // namespace
}  // namespace gatehouse::edge
