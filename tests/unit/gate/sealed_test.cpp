// docs/protocol.md 3.19 through the wire, by a client whose keys and seals are made with other
// functions than the gate's.
#include "crypto/aes_gcm.hpp"
#include "crypto/digest.hpp"
#include "gate_world.hpp"

namespace gatehouse::gate {
namespace {

constexpr std::size_t kHeader = protocol::kFrameHeaderBytes;
const Extension kAsksForSeal{0, "c", "sealed"};

// One direction of a connection.
class Direction {
 public:
  Direction(const Player& player, const std::string& text, std::string_view info)
      : key_(crypto::hkdf_sha256(player.secret.reveal(), text, info, 32)) {}

  // `body` sealed as the next one.
  std::string seal(std::string_view body) {
    return crypto::aes256_gcm_seal(key_.reveal(), nonce(), body, "").value();
  }
  std::optional<std::string> open(std::string_view sealed) {
    const auto body = crypto::aes256_gcm_open(key_.reveal(), nonce(), sealed, "");
    if (!body) return std::nullopt;
    return std::string(body->reveal());
  }

 private:
  std::string nonce() {
    std::string bytes(12, '\0');
    store_be32(bytes.data() + 8, next_++);
    return bytes;
  }

  Secret key_;
  std::uint32_t next_ = 0;
};

class SealedClient {
 public:
  explicit SealedClient(const World& world) : client(world) {}

  // The gate's answer, in clear; what follows is sealed.
  std::string handshake(const Player& player, int index, const Extension& extension = kAsksForSeal,
                        std::string_view behind = "") {
    const std::string body = handshake_text(player, std::to_string(index), extension);
    const std::string text = body.substr(0, body.rfind(':'));
    sent_.emplace(player, text, "gatehouse gate 1 c2s");
    received_.emplace(player, text, "gatehouse gate 1 s2c");
    client.send(framed(body) + std::string(behind));
    return client.frame().value_or("closed");
  }
  // A request as it goes over the wire.
  std::string frame_of(std::string_view content, std::uint32_t session) {
    return framed(sent_->seal(request_frame(content, session).substr(kHeader)));
  }
  void request(std::string_view content, std::uint32_t session) {
    EXPECT_TRUE(client.send(frame_of(content, session)));
  }
  Response response() {
    const auto sealed = client.frame();
    if (!sealed) return {"connection closed", -1, 0};
    const auto body = received_->open(*sealed);
    if (!body || body->size() < 5) return {"not sealed", -2, 0};
    const std::size_t size = body->size() - 5;
    return {body->substr(0, size), (*body)[size], load_be32(body->data() + size + 1)};
  }
  Response ask(std::string_view content, std::uint32_t session) {
    request(content, session);
    return response();
  }

  Client client;

 private:
  std::optional<Direction> sent_;
  std::optional<Direction> received_;
};

class Sealed : public testing::TestWithParam<Carrier> {
 protected:
  Player player(World& world, std::uint16_t worker = 1) {
    return world.login("p", worker, protocol::Suite::kX25519);
  }
  // The gate says why, sealed, and closes; the session stays.
  void expect_refused(World& world, SealedClient& client, std::int64_t count = 1) {
    const Response kick = client.response();
    EXPECT_EQ(kick.kind, 3) << kick;
    EXPECT_NE(kick.content.find(R"("code":401,"reason":"bad_seal")"), std::string::npos) << kick;
    EXPECT_TRUE(client.client.is_closed());
    EXPECT_EQ(world.closed("bad_seal"), count);
    EXPECT_TRUE(eventually([&] { return world.metric("gate_connections_sealed") == 0; }));
  }
};

INSTANTIATE_TEST_SUITE_P(Carriers, Sealed, testing::Values(Carrier::kTcp, Carrier::kMemory),
                         [](const auto& carrier) {
                           return carrier.param == Carrier::kTcp ? "Tcp" : "Memory";
                         });

// By every worker: the handshake moves before it is accepted, with sealed requests behind it.
TEST_P(Sealed, ServesOnEveryWorkerWhatCameBehindTheHandshake) {
  World world({}, 3, GetParam());
  for (std::uint16_t worker = 0; worker < 3; ++worker) {
    const Player player =
        world.login("p" + std::to_string(worker), worker, protocol::Suite::kX25519);
    for (int index = 1; index <= 6; ++index) {
      // A client that has been granted it before knows that it will be.
      const std::string body = handshake_text(player, std::to_string(index), kAsksForSeal);
      const std::string text = body.substr(0, body.rfind(':'));
      Direction sent(player, text, "gatehouse gate 1 c2s");
      const auto first = static_cast<std::uint32_t>(100 * index);
      std::string behind;
      for (std::uint32_t n = 0; n < 50; ++n)
        behind += framed(sent.seal(request_frame("x", first + n).substr(kHeader)));
      SealedClient client(world);
      ASSERT_EQ(client.handshake(player, index, kAsksForSeal, behind), "200 OK sealed");
      for (std::uint32_t n = 0; n < 50; ++n) ASSERT_EQ(client.response(), ok("x", first + n));
    }
  }
}

TEST_P(Sealed, AnswersPushesPingsControlsAndKicksAreSealed) {
  World world({}, 2, GetParam());
  const Player player = this->player(world);
  SealedClient client(world);
  ASSERT_EQ(client.handshake(player, 1), "200 OK sealed");
  EXPECT_EQ(world.metric("gate_connections_sealed"), 1);
  EXPECT_EQ(client.ask("hello", 1), ok("hello", 1));
  EXPECT_EQ(client.ask("error", 2), failed(2));
  EXPECT_EQ(client.ask("", protocol::kPingSession), ok("", protocol::kPingSession));
  EXPECT_EQ(client.ask("push news", 3), pushed("news", 1));
  EXPECT_EQ(client.response(), ok("pushed", 3));
  world.with(player, [](FakeAgent& agent) { agent.session->drain(); });
  EXPECT_EQ(client.response().content, R"({"type":"drain"})");
  client.request("kick", 4);
  EXPECT_NE(client.response().content.find("removed"), std::string::npos);
  EXPECT_TRUE(client.client.is_closed());
}

TEST_P(Sealed, ByteByByte) {
  World world({}, 2, GetParam());
  const Player player = this->player(world);
  SealedClient client(world);
  ASSERT_EQ(client.handshake(player, 1), "200 OK sealed");
  const std::string first = client.frame_of("one", 1);
  ASSERT_TRUE(client.client.send_byte_by_byte(first + client.frame_of("", 2)));
  EXPECT_EQ(client.response(), ok("one", 1));
  EXPECT_EQ(client.response(), ok("", 2));
}

TEST_P(Sealed, ReplayedFrameEndsTheConnectionAndNotTheSession) {
  World world({}, 2, GetParam());
  const Player player = this->player(world);
  SealedClient client(world);
  ASSERT_EQ(client.handshake(player, 1), "200 OK sealed");
  const std::string frame = client.frame_of("count", 1);
  client.client.send(frame + frame + client.frame_of("count", 2));
  EXPECT_EQ(client.response(), ok("1", 1));
  expect_refused(world, client);
  EXPECT_EQ(world.counted(player), 1u) << "what came behind it does not run";
  SealedClient again(world);
  ASSERT_EQ(again.handshake(player, 2), "200 OK sealed");
  EXPECT_EQ(again.ask("count", 2), ok("2", 2));
}

TEST_P(Sealed, ReorderedFrames) {
  World world({}, 2, GetParam());
  SealedClient client(world);
  ASSERT_EQ(client.handshake(player(world), 1), "200 OK sealed");
  const std::string first = client.frame_of("count", 1);
  client.client.send(client.frame_of("count", 2) + first);
  expect_refused(world, client);
}

TEST_P(Sealed, ChangedCutAndPlainFrames) {
  World world({}, 2, GetParam());
  const Player player = this->player(world);
  int index = 0;
  const auto refused = [&](auto&& change) {
    SealedClient client(world);
    ASSERT_EQ(client.handshake(player, ++index), "200 OK sealed");
    client.client.send(change(client.frame_of("count", 1)));
    expect_refused(world, client, index);
  };
  refused([](std::string frame) { return frame[kHeader] ^= 1, frame; });
  refused([](std::string frame) { return frame.back() ^= 1, frame; });
  refused([](const std::string& frame) { return framed(frame.substr(kHeader, frame.size() - 3)); });
  refused([](const std::string&) { return framed(""); });
  refused([](const std::string&) { return framed("fifteen bytes.."); });
  refused([](const std::string&) { return request_frame("in clear", 1); });
  EXPECT_EQ(world.counted(player), 0u);
}

// What an older connection sent is worth nothing on a newer one.
TEST_P(Sealed, FramesOfAnotherHandshake) {
  World world({}, 2, GetParam());
  const Player player = this->player(world);
  SealedClient older(world);
  ASSERT_EQ(older.handshake(player, 1), "200 OK sealed");
  const std::string frame = older.frame_of("count", 1);
  SealedClient newer(world);
  ASSERT_EQ(newer.handshake(player, 2), "200 OK sealed");
  EXPECT_NE(older.response().content.find("replaced"), std::string::npos);
  newer.client.send(frame);
  expect_refused(world, newer);
}

TEST_P(Sealed, BodyWithoutASessionIsTooShort) {
  World world({}, 2, GetParam());
  const Player player = this->player(world);
  const std::string body = handshake_text(player, "1", kAsksForSeal);
  Direction sent(player, body.substr(0, body.rfind(':')), "gatehouse gate 1 c2s");
  SealedClient client(world);
  ASSERT_EQ(client.handshake(player, 1, kAsksForSeal, framed(sent.seal("abc"))), "200 OK sealed");
  EXPECT_NE(client.response().content.find("frame_too_short"), std::string::npos);
}

// A frame that waits is opened again when it comes back.
TEST_P(Sealed, HoldsAConversationBackAndReadsOn) {
  World world(with_limits([](Limits& limits) {
                limits.gate_pending_bytes_max = 60'000;
                limits.gate_frames_per_s_max = 0;
              }),
              2, GetParam());
  const Player player = this->player(world);
  SealedClient client(world);
  ASSERT_EQ(client.handshake(player, 1), "200 OK sealed");
  for (std::uint32_t round = 0; round < 3; ++round) {
    const std::uint32_t first = round * 1'000;
    client.request("hold", first);
    ASSERT_TRUE(eventually([&] { return world.holds(player, first); }));
    std::string bytes = client.frame_of(std::string(60'000, 'x'), first + 1);
    for (std::uint32_t n = 2; n < 100; ++n) bytes += client.frame_of("x", first + n);
    ASSERT_TRUE(client.client.send(bytes));
    ASSERT_TRUE(
        eventually([&] { return world.metric("gate_connections_held_back") == round + 1; }));
    world.answer(player, first, "held");
    ASSERT_EQ(client.response(), ok("held", first));
    ASSERT_EQ(client.response().session, first + 1);
    for (std::uint32_t n = 2; n < 100; ++n) ASSERT_EQ(client.response(), ok("x", first + n));
  }
}

TEST_P(Sealed, RepliesAndPushesComeAgainUnderTheNextKeys) {
  World world({}, 2, GetParam());
  const Player player = this->player(world);
  {
    SealedClient client(world);
    ASSERT_EQ(client.handshake(player, 1), "200 OK sealed");
    EXPECT_EQ(client.ask("count", 1), ok("1", 1));
    client.request("hold", 2);
    ASSERT_TRUE(eventually([&] { return world.holds(player, 2); }));
    client.client.reset();
  }
  ASSERT_TRUE(eventually([&] { return world.events(player) == "cd"; }));
  world.with(player, [](FakeAgent& agent) { ASSERT_TRUE(agent.session->push("missed")); });
  world.answer(player, 2, "late");
  SealedClient client(world);
  ASSERT_EQ(client.handshake(player, 2), "200 OK sealed");
  EXPECT_EQ(client.response(), pushed("missed", 1));
  EXPECT_EQ(client.ask("count", 1), ok("1", 1));
  EXPECT_EQ(client.ask("hold", 2), ok("late", 2));
  EXPECT_EQ(world.counted(player), 1u);
}

// What a session of x25519 may say fits a frame whether the frame is sealed or not.
TEST_P(Sealed, LargestContents) {
  World world(with_limits([](Limits& limits) { limits.gate_unsent_bytes_max = 0; }), 2, GetParam());
  const Player player = this->player(world);
  const std::string largest(kResponseContentBytesMax - kSealBytes, 'x');
  {
    SealedClient client(world);
    ASSERT_EQ(client.handshake(player, 1), "200 OK sealed");
    EXPECT_EQ(client.ask(largest, 1), ok(largest, 1));
    EXPECT_EQ(client.ask(largest + "y", 2), failed(2)) << "its echo is a byte too long";
    EXPECT_EQ(client.ask(largest, protocol::kPingSession), ok(largest, protocol::kPingSession));
    client.request(largest + "y", protocol::kPingSession);
    EXPECT_NE(client.response().content.find("frame_too_big"), std::string::npos);
  }
  Client plain(world);
  ASSERT_EQ(plain.handshake(player, 2, Extension{0, "c", ""}), "200 OK");
  EXPECT_EQ(plain.ask(largest + "y", 3), failed(3)) << "it would not come again sealed";
  EXPECT_EQ(plain.ask(largest, 1), ok(largest, 1));
  world.with(player, [&](FakeAgent& agent) {
    EXPECT_EQ(agent.session->push(largest + "y").error().code, Errc::kInvalid);
    EXPECT_TRUE(agent.session->push(largest));
  });
  EXPECT_EQ(plain.response(), pushed(largest, 1));
}

// A reply of a commit may be from a session of another suite, which could say more.
TEST_P(Sealed, RestoredReplyThatDoesNotFit) {
  World world({}, 2, GetParam());
  const Player player = this->player(world);
  SealedClient client(world);
  ASSERT_EQ(client.handshake(player, 1), "200 OK sealed");
  const std::string largest(kResponseContentBytesMax - kSealBytes, 'x');
  world.with(player, [&](FakeAgent& agent) {
    agent.session->restore_reply(1, largest);
    agent.session->restore_reply(2, largest + "y");
  });
  EXPECT_EQ(client.ask("count", 1), ok(largest, 1));
  EXPECT_EQ(client.ask("count", 2), (Response{"410 Gone done", 0, 2}));
  EXPECT_EQ(client.ask("count", 3), ok("1", 3));
}

TEST_P(Sealed, GrantedBesidesTheWindowAndInTheExtendedFormOnly) {
  World world({}, 2, GetParam());
  const Player player = this->player(world);
  {
    SealedClient client(world);
    ASSERT_EQ(client.handshake(player, 1, {0, "c", "window,unknown,sealed"}),
              "200 OK sealed,window=128");
    EXPECT_EQ(client.ask("x", 1), ok("x", 1));
  }
  {
    SealedClient client(world);
    ASSERT_EQ(client.handshake(player, 2, {0, "", "sealed,window"}), "200 OK sealed");
    EXPECT_EQ(client.ask("x", 1), ok("x", 1));
  }
  Client skynets_form(world);
  ASSERT_EQ(skynets_form.handshake(player, 3), "200 OK");
  EXPECT_EQ(skynets_form.ask("x", 2), ok("x", 2));
}

TEST_P(Sealed, NotGrantedToOtherSuites) {
  World world({}, 2, GetParam());
  for (const auto suite : {protocol::Suite::kSkynet, protocol::Suite::kPlain}) {
    const Player player = world.login(std::string(name(suite)), 1, suite);
    Client client(world);
    ASSERT_EQ(client.handshake(player, 1, Extension{0, "c", "sealed,window"}), "200 OK window=128");
    EXPECT_EQ(client.ask("x", 1), ok("x", 1)) << "frames stay as they were";
  }
  EXPECT_EQ(world.metric("gate_connections_sealed"), 0);
}

TEST_P(Sealed, RefusalsOfTheHandshakeAreNot) {
  World world({}, 2, GetParam());
  const Player player = this->player(world);
  Player forger = player;
  forger.secret = Secret(std::string(32, 'f'));
  EXPECT_EQ(SealedClient(world).handshake(forger, 1), "401 Unauthorized");
  EXPECT_EQ(SealedClient(world).handshake(player, 0), "403 Index Expired");
}

}  // namespace
}  // namespace gatehouse::gate
