// What every layer does alike, shown with one that makes records; over a detached transport and
// over an attached one, whose first bytes its handler has seen.
#include "layer.hpp"

#include <tuple>

#include "edge_fixture.hpp"

namespace gatehouse::edge {
namespace {

enum class Over : std::uint8_t { kDetached, kAttached };

class LayerTest : public EdgeTest, public ::testing::WithParamInterface<std::tuple<Carrier, Over>> {
 protected:
  Carrier carrier() const override { return std::get<0>(GetParam()); }
  static bool attached() { return std::get<1>(GetParam()) == Over::kAttached; }

  // Serves through `layers` layers; `open` makes the handler on the connection's worker.
  net::Address serve_layer(std::function<LayerHandler*()> open,
                           RecordLayer::Opening opening = RecordLayer::Opening::kNone,
                           int layers = 1) {
    const auto stack = [open, opening, layers](TransportSet& set, auto&& below) {
      std::unique_ptr<Transport> top =
          std::make_unique<RecordLayer>(std::forward<decltype(below)>(below), opening);
      for (int i = 1; i < layers; ++i) top = std::make_unique<RecordLayer>(std::move(top), opening);
      LayerHandler* handler = open();
      if (!set.attach(std::move(top), *handler)) delete handler;
    };
    return serve_raw(
        [stack](TransportSet& set, std::unique_ptr<Transport> accepted) {
          if (!attached()) return stack(set, std::move(accepted));
          auto* doorman =
              new StackingHandler([stack, &set](Transport& below) { stack(set, below); });
          if (!set.attach(std::move(accepted), *doorman)) delete doorman;
        },
        {.worker = 0});
  }
  Transport* with_ = nullptr;
};

std::string layer_name(const ::testing::TestParamInfo<std::tuple<Carrier, Over>>& info) {
  const bool tcp = std::get<0>(info.param) == Carrier::kTcp;
  const bool attached = std::get<1>(info.param) == Over::kAttached;
  return std::string(tcp ? "Tcp" : "Memory") + (attached ? "Attached" : "Detached");
}
INSTANTIATE_TEST_SUITE_P(Carriers, LayerTest,
                         ::testing::Combine(::testing::Values(Carrier::kTcp, Carrier::kMemory),
                                            ::testing::Values(Over::kDetached, Over::kAttached)),
                         layer_name);

TEST_P(LayerTest, NeitherHalfCutsRecordsNorLosesThemOnTheWayBetweenWorkers) {
  start(3);
  constexpr std::size_t kBytes = 1 << 20;
  std::atomic<int> moves{0};
  std::function<LayerHandler*()> open;
  // Echoes 50,000 bytes at a worker, then goes to the next one, in the middle of records.
  open = [&] {
    auto left = std::make_shared<std::size_t>(50'000);
    return handler([&, left](net::TestHandler& self, Transport& t, std::string_view bytes) {
      t.write(bytes);
      *left -= std::min(*left, bytes.size());
      if (*left != 0) return;
      TransportSet& there =
          network_->transports(static_cast<std::uint16_t>((t.set().worker().index() + 1) % 3));
      auto moved = t.detach();
      ASSERT_TRUE(moved.has_value());
      ++moves;
      there.worker().post([&open, &there, owned = std::move(*moved)]() mutable {
        LayerHandler* next = open();
        if (!there.attach(std::move(owned), *next)) delete next;
      });
      delete &self;
    });
  };
  const auto client = connect(serve_layer(open));
  const std::string plain = net::pattern(kBytes);
  std::string wire;
  for (std::size_t at = 0; at < plain.size(); at += 1'000)
    RecordLayer::seal(std::string_view(plain).substr(at, 1'000), wire);
  std::thread sender([&] {
    // Cut anywhere, records and heads.
    for (std::size_t at = 0; at < wire.size(); at += 7'919)
      ASSERT_TRUE(client->send(std::string_view(wire).substr(at, 7'919)));
    client->finish_sending();
  });
  const std::string sealed = client->receive_all();
  sender.join();
  std::string half;
  std::string got;
  EXPECT_EQ(RecordLayer::unseal(sealed, half, got), load_be16(RecordLayer::kEnd.data()));
  EXPECT_EQ(half, "");
  EXPECT_TRUE(got == plain);
  EXPECT_GE(moves, 10);
  client->close();
  ASSERT_TRUE(eventually([&] { return census_.alive == 0; }));
}

TEST_P(LayerTest, PassesThroughWhatItsHandlerAsks) {
  start(1);
  const auto client = connect(serve_layer([&] {
    return handler([this](net::TestHandler& self, Transport& t, std::string_view bytes) {
      keep()(self, t, bytes);
      t.write(bytes);
      if (bytes == "bye") t.close_after_flush(CloseReason::kKicked);
    });
  }));
  ASSERT_TRUE(client->send(RecordLayer::sealed("one")));
  EXPECT_EQ(client->receive(5), RecordLayer::sealed("one"));
  with([](Transport& t) {
    EXPECT_EQ(t.kind(), TransportKind::kTls);
    EXPECT_EQ(t.tls()->version, "records");
    EXPECT_EQ(t.peer().ip(), "127.0.0.1");
    t.pause();
  });
  ASSERT_TRUE(client->send(RecordLayer::sealed("two")));
  on_worker(0, [](TransportSet&) {});
  EXPECT_EQ(input(), "one");
  with([](Transport& t) { t.resume(); });
  EXPECT_EQ(client->receive(5), RecordLayer::sealed("two"));
  ASSERT_TRUE(client->send(RecordLayer::sealed("bye")));
  EXPECT_EQ(client->receive_all(), RecordLayer::sealed("bye").append(RecordLayer::kEnd));
  client->close();
  EXPECT_TRUE(all_closed(1, CloseReason::kKicked));
}

TEST_P(LayerTest, BringsWhatWasPutBackFirst) {
  start(1);
  std::atomic<int> calls{0};
  const auto client = connect(serve_layer([&] {
    return handler([&](net::TestHandler& self, Transport& t, std::string_view bytes) {
      keep()(self, t, bytes.substr(0, 2));
      ++calls;
      if (bytes.size() <= 2) return;
      t.pause();
      t.put_back(std::string(bytes.substr(2)));
    });
  }));
  ASSERT_TRUE(client->send(RecordLayer::sealed("aabb")));
  ASSERT_TRUE(eventually([&] { return calls == 1; }));
  ASSERT_TRUE(client->send(RecordLayer::sealed("cc")));
  on_worker(0, [](TransportSet&) {});
  EXPECT_EQ(calls, 1);
  with([](Transport& t) { t.resume(); });
  EXPECT_TRUE(arrives("aabbcc"));
}

// What came behind the opening waits for the handler of then.
TEST_P(LayerTest, TellsThatItIsReadyBeforeItBringsData) {
  start(1);
  auto* next = handler(keep());
  const auto client = connect(serve_layer(
      [&] {
        auto* first = handler([](net::TestHandler&, Transport&, std::string_view) {
          ADD_FAILURE() << "the transport was handed on";
        });
        first->ready = [next](LayerHandler& self, Transport& t) {
          t.write("welcome");
          t.hand_to(*next);
          delete &self;
        };
        return first;
      },
      RecordLayer::Opening::kHello));
  ASSERT_TRUE(client->send(RecordLayer::kHello.substr(0, 1)));
  on_worker(0, [](TransportSet&) {});
  ASSERT_TRUE(client->send(RecordLayer::kHello.substr(1)));
  ASSERT_TRUE(client->send(RecordLayer::sealed("first")));
  EXPECT_TRUE(arrives("first"));
  EXPECT_EQ(client->receive(11), std::string(RecordLayer::kHello) + RecordLayer::sealed("welcome"));
}

TEST_P(LayerTest, TakesAnOpeningAndAnEndInOneRead) {
  start(1);
  const auto client = connect(serve_layer(
      [&] {
        return handler([this](net::TestHandler& self, Transport& t, std::string_view bytes) {
          keep()(self, t, bytes);
          t.write(bytes);
        });
      },
      RecordLayer::Opening::kHello));
  std::string all(RecordLayer::kHello);
  all.append(RecordLayer::sealed("all")).append(RecordLayer::kEnd);
  ASSERT_TRUE(client->send(all));
  EXPECT_EQ(client->receive_all(), all);
  client->close();
  EXPECT_TRUE(all_closed(1, CloseReason::kPeerClosed));
}

// The peer ends its direction in the layer's words, and keeps the connection.
TEST_P(LayerTest, AnswersAfterThePeersLastWord) {
  start(1);
  std::promise<void> ended;
  const auto client = connect(serve_layer([&] {
    auto* made = handler(keep());
    made->end = [&](LayerHandler&, Transport&) {
      ended.set_value();
      return 60'000;
    };
    return made;
  }));
  ASSERT_TRUE(client->send(RecordLayer::sealed("question").append(RecordLayer::kEnd)));
  ended.get_future().get();
  EXPECT_EQ(input(), "question");
  with([](Transport& t) {
    t.write("answer");
    t.close_after_flush(CloseReason::kLocal);
  });
  EXPECT_EQ(client->receive_all(), RecordLayer::sealed("answer").append(RecordLayer::kEnd));
  client->close();
  EXPECT_TRUE(all_closed(1, CloseReason::kLocal));
}

TEST_P(LayerTest, HasNoMorePatienceThanItsHandler) {
  start(1);
  const auto client = connect(serve_layer([&] {
    auto* made = handler(keep());
    made->end = [](LayerHandler&, Transport&) { return 30; };
    return made;
  }));
  ASSERT_TRUE(client->send(RecordLayer::sealed("question").append(RecordLayer::kEnd)));
  EXPECT_TRUE(all_closed(1, CloseReason::kPeerClosed));
}

TEST_P(LayerTest, AnswersAHalfClosedPeerInFull) {
  start(1);
  const std::string bytes = net::pattern(4 << 20);
  const auto client = connect(
      serve_layer([&] {
        return handler([&](net::TestHandler&, Transport& t, std::string_view) { t.write(bytes); });
      }),
      4'096);
  ASSERT_TRUE(client->send(RecordLayer::sealed("request")));
  client->finish_sending();
  EXPECT_TRUE(client->receive_all() == RecordLayer::sealed(bytes).append(RecordLayer::kEnd));
  EXPECT_TRUE(all_closed(1, CloseReason::kPeerClosed));
}

// By detach() and by hand_to(); the end below, and the layer's own.
TEST_P(LayerTest, TellsWhoTakesItOverOfThePeersEnd) {
  start(2);
  for (const bool own : {true, false}) {
    for (const bool detached : {true, false}) {
      std::promise<void> told, told_again;
      LayerHandler* first = nullptr;
      auto* next = handler(keep());
      next->end = [&](LayerHandler&, Transport& t) {
        with_ = &t;
        told_again.set_value();
        return 60'000;
      };
      const auto client = connect(serve_layer([&] {
        first = handler(keep());
        first->end = [&](LayerHandler&, Transport&) {
          told.set_value();
          return 60'000;
        };
        return first;
      }));
      ASSERT_TRUE(client->send(RecordLayer::sealed("x")));
      if (own) {
        ASSERT_TRUE(client->send(RecordLayer::kEnd));
      } else {
        client->finish_sending();
      }
      told.get_future().get();
      std::unique_ptr<Transport> moved;
      with([&](Transport& t) {
        if (detached) {
          moved = std::move(t.detach().value());
        } else {
          t.hand_to(*next);
        }
        delete first;
      });
      if (detached) {
        on_worker(1, [&](TransportSet& set) {
          EXPECT_TRUE(set.attach(std::move(moved), *next).has_value());
        });
      }
      told_again.get_future().get();
      on_worker(detached ? 1 : 0, [&](TransportSet&) {
        with_->write("late");
        with_->close_after_flush(CloseReason::kLocal);
      });
      EXPECT_EQ(client->receive_all(), RecordLayer::sealed("late").append(RecordLayer::kEnd));
      client->close();
    }
  }
  EXPECT_TRUE(all_closed(4, CloseReason::kLocal));
}

TEST_P(LayerTest, ClosesASlowReaderAndToleratesASlowOne) {
  start(1);
  const auto open = [&] {
    return handler([](net::TestHandler&, Transport& t, std::string_view bytes) {
      t.set_unsent_limit(bytes == "slow" ? 256 * 1024 : 16 << 20);
      t.write(std::string(8 << 20, 'x'));
    });
  };
  const net::Address server = serve_layer(open);
  const auto stuck = connect(server, 4'096);
  ASSERT_TRUE(stuck->send(RecordLayer::sealed("slow")));
  EXPECT_TRUE(all_closed(1, CloseReason::kSlowReader));
  const auto patient = connect(server, 4'096);
  ASSERT_TRUE(patient->send(RecordLayer::sealed("more")));
  const std::string all = RecordLayer::sealed(std::string(8 << 20, 'x'));
  EXPECT_TRUE(patient->receive(all.size()) == all);
}

// Also one that writes before the handshake is over.
TEST_P(LayerTest, BoundsWhatWaitsForTheHandshake) {
  start(1);
  const net::Address server =
      serve_layer([&] { return handler(keep()); }, RecordLayer::Opening::kHello);
  const auto client = connect(server);
  ASSERT_TRUE(client->send("\xff"));
  ASSERT_TRUE(eventually(
      [&] { return on_worker(0, [&](TransportSet& set) { return set.count() == 2; }); }));
  on_worker(0, [](TransportSet& set) {
    for (std::uint32_t slot = 0; slot < 2; ++slot) {
      Transport* t = set.find({slot, 1});
      ASSERT_NE(t, nullptr);
      if (t->kind() != TransportKind::kTls) continue;
      t->set_unsent_limit(1'000);
      t->write(std::string(1'001, 'x'));
    }
  });
  EXPECT_TRUE(all_closed(1, CloseReason::kSlowReader));
}

TEST_P(LayerTest, EndsAPeerThatBreaksTheRules) {
  start(1);
  const auto client = connect(serve_layer([&] { return handler(keep()); }));
  ASSERT_TRUE(client->send(RecordLayer::sealed("good")));
  ASSERT_TRUE(arrives("good"));
  ASSERT_TRUE(client->send(std::string(2, '\0') + RecordLayer::sealed("after")));
  EXPECT_EQ(client->receive_all(), "?");
  client->close();
  EXPECT_TRUE(all_closed(1, CloseReason::kProtocol));
  EXPECT_EQ(input(), "good");
  EXPECT_EQ(metric("connections_closed", "reason=\"protocol\""), 1);
}

TEST_P(LayerTest, EndsWithThePeer) {
  start(1);
  const net::Address server =
      serve_layer([&] { return handler(keep()); }, RecordLayer::Opening::kHello);
  const auto early = connect(server);
  ASSERT_TRUE(early->send("\xff"));
  early->close();
  const auto rude = connect(server);
  ASSERT_TRUE(rude->send(RecordLayer::kHello));
  ASSERT_EQ(rude->receive(2), RecordLayer::kHello);
  rude->reset();
  ASSERT_TRUE(eventually([&] { return census_.closed_for(CloseReason::kPeerReset) == 1; }));
  EXPECT_TRUE(eventually([&] { return census_.closed_for(CloseReason::kPeerClosed) == 1; }));
}

TEST_P(LayerTest, StopsInEveryStateAndThroughTwoLayers) {
  start(2);
  const auto open = [&] {
    return handler([](net::TestHandler&, Transport& t, std::string_view what) {
      t.write(".");
      if (what == "much") t.write(std::string(8 << 20, 'x'));
      if (what == "pause") t.pause();
      if (what == "back") {
        t.pause();
        t.put_back("more");
      }
      if (what == "finish") {
        t.write(std::string(8 << 20, 'x'));
        t.close_after_flush(CloseReason::kKicked, 60'000);
      }
    });
  };
  const net::Address server = serve_layer(open, RecordLayer::Opening::kNone, 2);
  std::vector<std::unique_ptr<Client>> clients;
  for (const char* state : {"idle", "much", "pause", "back", "finish"}) {
    clients.push_back(connect(server));
    ASSERT_TRUE(clients.back()->send(RecordLayer::sealed(RecordLayer::sealed(state))));
    ASSERT_EQ(clients.back()->receive(1).size(), 1u);
  }
  stop();
  EXPECT_EQ(census_.closed, 5);
  EXPECT_EQ(census_.closed_for(CloseReason::kShutdown), 4);
  EXPECT_EQ(census_.closed_for(CloseReason::kKicked), 1);
}

// One that is never attached ends the connection it was put over.
TEST_P(LayerTest, EndsTheConnectionWhenItIsDropped) {
  start(1);
  std::atomic<int> dropped{0};
  const net::Address server =
      serve_raw([&](TransportSet& set, std::unique_ptr<Transport> accepted) {
        if (!attached()) {
          RecordLayer layer(std::move(accepted));
          layer.say_and_end("no");
          ++dropped;
          return;
        }
        auto* doorman = new StackingHandler([&](Transport& below) {
          RecordLayer layer(below);
          ++dropped;
        });
        if (!set.attach(std::move(accepted), *doorman)) delete doorman;
      });
  const auto client = connect(server);
  if (attached()) {
    ASSERT_TRUE(client->send("x"));
  }
  const std::string last = RecordLayer::sealed("no").append(RecordLayer::kEnd);
  EXPECT_EQ(client->receive_some(), attached() ? "" : last);
  ASSERT_TRUE(eventually([&] { return dropped == 1; }));
}

}  // namespace
}  // namespace gatehouse::edge
