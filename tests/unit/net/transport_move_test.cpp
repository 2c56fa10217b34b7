// A transport leaves its worker with all that it knows: input that was put back, unsent output, a
// peer that has ended its side. Or it stays, and another handler takes it over.
#include "net_fixture.hpp"

namespace gatehouse::net {
namespace {

class TransportMoveTest : public TransportTest {
 protected:
  // Serves with `on_data` and returns the first connection's id, which comes in at worker 0.
  ConnectionId accept_one(TestHandler::OnData on_data) {
    std::promise<ConnectionId> opened;
    server_ =
        serve(std::move(on_data), [&](Transport& t) { opened.set_value(t.id()); }, {.worker = 0});
    client_ = connect(server_, 4'096);
    return opened.get_future().get();
  }
  // Takes it out of worker 0; its handler goes.
  std::unique_ptr<Transport> take(ConnectionId id) {
    return on_worker(0, [&](TransportSet& set) {
      Transport* transport = set.find(id);
      auto taken = transport->detach();
      EXPECT_TRUE(taken.has_value());
      EXPECT_EQ(set.find(id), nullptr);
      return std::move(*taken);
    });
  }
  // Gives it to a worker; what it reads goes to `on_data`.
  ConnectionId give(std::uint16_t worker, std::unique_ptr<Transport> transport,
                    TestHandler::OnData on_data) {
    return on_worker(worker, [&](TransportSet& set) {
      auto handler = std::make_unique<TestHandler>(census_, std::move(on_data));
      auto attached = set.attach(std::move(transport), *handler);
      EXPECT_TRUE(attached.has_value());
      static_cast<void>(handler.release());
      return (*attached)->id();
    });
  }
  static TestHandler::OnData keep(std::string& input, std::mutex& mutex) {
    return [&input, &mutex](TestHandler&, Transport&, std::string_view bytes) {
      std::lock_guard lock(mutex);
      input += bytes;
    };
  }
  void TearDown() override {
    client_.reset();
    NetTest::TearDown();
  }
  bool arrives(const std::string& wanted) {
    return eventually([&] {
      std::lock_guard lock(mutex_);
      return input_ == wanted;
    });
  }

  Address server_;
  std::unique_ptr<Client> client_;
  std::mutex mutex_;
  std::string input_;
};

INSTANTIATE_TEST_SUITE_P(Carriers, TransportMoveTest,
                         ::testing::Values(Carrier::kTcp, Carrier::kMemory), carrier_name);

TEST_P(TransportMoveTest, BringsInputThatWasPutBackFirst) {
  start(2);
  std::atomic<TestHandler*> first{nullptr};
  const ConnectionId id = accept_one([&](TestHandler& self, Transport& t, std::string_view bytes) {
    if (first.exchange(&self) != nullptr) return;
    t.pause();
    t.put_back(std::string(bytes.substr(3)));
    t.put_back("again ");
  });
  ASSERT_TRUE(client_->send("go behind "));
  ASSERT_TRUE(eventually([&] { return first.load() != nullptr; }));
  ASSERT_TRUE(client_->send("and later"));
  auto transport = take(id);
  delete first.load();
  EXPECT_EQ(transport->kind(),
            GetParam() == Carrier::kTcp ? TransportKind::kTcp : TransportKind::kMemory);
  EXPECT_EQ(transport->peer().ip(), "127.0.0.1");
  give(1, std::move(transport), keep(input_, mutex_));
  EXPECT_TRUE(arrives("again behind and later"));
}

TEST_P(TransportMoveTest, ServesWhatWasPutBackWhenItIsResumed) {
  start(1);
  std::atomic<int> calls{0};
  const ConnectionId id = accept_one([&](TestHandler&, Transport& t, std::string_view bytes) {
    std::lock_guard lock(mutex_);
    input_ += bytes.substr(0, 2);
    ++calls;
    if (bytes.size() <= 2) return;
    t.pause();
    t.put_back(std::string(bytes.substr(2)));
  });
  ASSERT_TRUE(client_->send("aabbcc"));
  ASSERT_TRUE(eventually([&] { return calls == 1; }));
  ASSERT_TRUE(client_->send("dd"));
  on_worker(0, [](TransportSet&) {});
  EXPECT_EQ(calls, 1) << "it is paused";
  // Each time a bit more; what is newer stays behind what was put back.
  while (!eventually(
      [&] {
        std::lock_guard lock(mutex_);
        return input_ == "aabbccdd";
      },
      std::chrono::milliseconds(5))) {
    on_worker(0, [id](TransportSet& set) { set.find(id)->resume(); });
    ASSERT_LT(calls, 10);
  }
}

TEST_P(TransportMoveTest, DeliversWhatWasPutBackWithoutAPause) {
  start(1);
  std::atomic<int> calls{0};
  accept_one([&](TestHandler&, Transport& t, std::string_view bytes) {
    if (++calls == 1) return t.put_back(std::string(bytes));
    std::lock_guard lock(mutex_);
    input_ += bytes;
  });
  ASSERT_TRUE(client_->send("once more"));
  EXPECT_TRUE(arrives("once more"));
}

TEST_P(TransportMoveTest, SendsTheOutputThatWaits) {
  start(2);
  std::atomic<TestHandler*> first{nullptr};
  const std::string bytes = pattern(4 << 20);
  const ConnectionId id = accept_one([&](TestHandler& self, Transport& t, std::string_view) {
    t.write(bytes);
    first = &self;
  });
  ASSERT_TRUE(client_->send("go"));
  ASSERT_TRUE(eventually([&] { return first.load() != nullptr; }));
  // Some is with the kernel, some waits there, and some is written in the turn that detaches.
  auto transport = on_worker(0, [&](TransportSet& set) {
    Transport& t = *set.find(id);
    t.write("tail");
    return std::move(t.detach().value());
  });
  delete first.load();
  EXPECT_GT(transport->unsent_bytes(), 4u);
  const ConnectionId there = give(1, std::move(transport), keep(input_, mutex_));
  EXPECT_TRUE(client_->receive(bytes.size()) == bytes);
  EXPECT_EQ(client_->receive(4), "tail");
  EXPECT_EQ(on_worker(1, [&](TransportSet& set) { return set.find(there)->unsent_bytes(); }), 0u);
}

// Whoever takes it over learns of the end, and can answer.
TEST_P(TransportMoveTest, TellsTheNextHandlerOfThePeersEnd) {
  struct Answering final : TransportHandler {
    void on_data(Transport&, std::string_view bytes) override { input += bytes; }
    std::uint32_t on_end(Transport&) override {
      ends.set_value();
      return 20'000;
    }
    void on_closed(Transport&, CloseReason reason) override { closed.set_value(reason); }
    std::string input;
    std::promise<void> ends;
    std::promise<CloseReason> closed;
  };
  start(2);
  Answering before, after;
  std::promise<ConnectionId> opened;
  server_ = serve_raw(
      [&](TransportSet& set, std::unique_ptr<Transport> accepted) {
        opened.set_value(set.attach(std::move(accepted), before).value()->id());
      },
      {.worker = 0});
  client_ = connect(server_);
  ASSERT_TRUE(client_->send("question"));
  client_->finish_sending();
  const ConnectionId id = opened.get_future().get();
  before.ends.get_future().get();
  auto transport = take(id);
  EXPECT_EQ(before.input, "question");
  const ConnectionId there = on_worker(
      1, [&](TransportSet& set) { return set.attach(std::move(transport), after).value()->id(); });
  after.ends.get_future().get();
  on_worker(1, [&](TransportSet& set) {
    Transport& t = *set.find(there);
    t.write("answer");
    t.close_after_flush(CloseReason::kLocal);
  });
  EXPECT_EQ(client_->receive_all(), "answer");
  client_->close();
  EXPECT_EQ(after.closed.get_future().get(), CloseReason::kLocal);
  EXPECT_EQ(after.input, "");
}

TEST_P(TransportMoveTest, EndsTheConnectionWhenItIsDropped) {
  start(1);
  std::unique_ptr<Transport> kept;
  std::promise<void> accepted;
  server_ = serve_raw([&](TransportSet&, std::unique_ptr<Transport> transport) {
    kept = std::move(transport);
    accepted.set_value();
  });
  client_ = connect(server_);
  accepted.get_future().get();
  kept->say_and_end("no");
  kept.reset();
  EXPECT_EQ(client_->receive_all(), "no");
}

// Stays with its worker; only the handler is another one.
TEST_P(TransportMoveTest, GivesTheNextHandlerWhatWasPutBack) {
  start(1);
  auto* next = new TestHandler(census_, keep(input_, mutex_));
  accept_one([&](TestHandler& self, Transport& t, std::string_view bytes) {
    t.pause();
    t.put_back(std::string(bytes.substr(3)));
    t.hand_to(*next);
    delete &self;
  });
  ASSERT_TRUE(client_->send("go behind "));
  ASSERT_TRUE(arrives("behind "));
  ASSERT_TRUE(client_->send("and later"));
  EXPECT_TRUE(arrives("behind and later"));
  client_->close();
  ASSERT_TRUE(eventually([&] { return census_.closed == 1; }));
}

TEST_P(TransportMoveTest, GivesTheNextHandlerTheBytesAtHand) {
  start(1);
  auto* next = new TestHandler(census_, keep(input_, mutex_));
  accept_one([&](TestHandler& self, Transport& t, std::string_view bytes) {
    t.hand_to(*next);
    next->on_data(t, bytes.substr(3));
    delete &self;
  });
  ASSERT_TRUE(client_->send("go at once "));
  ASSERT_TRUE(arrives("at once "));
  ASSERT_TRUE(client_->send("and later"));
  EXPECT_TRUE(arrives("at once and later"));
}

// Also from the call that told the first one.
TEST_P(TransportMoveTest, TellsAHandlerInPlaceOfThePeersEnd) {
  struct Next final : TransportHandler {
    void on_data(Transport&, std::string_view bytes) override { input += bytes; }
    std::uint32_t on_end(Transport&) override {
      ends.set_value();
      return 20'000;
    }
    void on_closed(Transport&, CloseReason reason) override { closed.set_value(reason); }
    std::string input;
    std::promise<void> ends;
    std::promise<CloseReason> closed;
  };
  struct First final : TransportHandler {
    explicit First(Next& n) : next(n) {}
    void on_data(Transport& t, std::string_view bytes) override { t.put_back(std::string(bytes)); }
    std::uint32_t on_end(Transport& t) override {
      t.hand_to(next);
      return 0;
    }
    void on_closed(Transport&, CloseReason) override { ADD_FAILURE() << "it has given it away"; }
    Next& next;
  };
  start(1);
  Next next;
  First first(next);
  std::promise<ConnectionId> opened;
  server_ = serve_raw([&](TransportSet& set, std::unique_ptr<Transport> accepted) {
    opened.set_value(set.attach(std::move(accepted), first).value()->id());
  });
  client_ = connect(server_);
  client_->finish_sending();
  const ConnectionId id = opened.get_future().get();
  next.ends.get_future().get();
  on_worker(0, [&](TransportSet& set) {
    set.find(id)->write("answer");
    set.find(id)->close_after_flush(CloseReason::kLocal);
  });
  EXPECT_EQ(client_->receive_all(), "answer");
  client_->close();
  EXPECT_EQ(next.closed.get_future().get(), CloseReason::kLocal);
}

}  // namespace
}  // namespace gatehouse::net
