// A worker stepped by hand: order, fairness and bounds of mailboxes, without threads.
#include <thread>

#include "test_services.hpp"

namespace gatehouse::actor {
namespace {

using Seen = std::vector<std::string>;

class WorkerTest : public SteppedTest {};

TEST_F(WorkerTest, MailboxIsFifo) {
  step([this](Worker& worker) {
    Seen seen, expected;
    TestService& service = attach_recorder(seen);
    for (int i = 0; i < 500; ++i) {
      expected.push_back(std::to_string(i));
      EXPECT_EQ(system_.send(message_to(service.id(), expected.back())), SendResult::kQueued);
    }
    EXPECT_TRUE(seen.empty());
    EXPECT_EQ(service.mailbox_length(), 500u);
    turns(worker);
    EXPECT_EQ(seen, expected);
    EXPECT_EQ(service.mailbox_length(), 0u);
    EXPECT_EQ(service.mailbox_bytes(), 0u);
    EXPECT_EQ(service.message_count(), 500u);
  });
}

TEST_F(WorkerTest, SpawnedServiceGetsWhatWasSentBeforeItExisted) {
  step([this](Worker& worker) {
    Seen seen;
    const ServiceId id =
        spawn(system_, [&seen](TestService&, MessagePtr m) { seen.push_back(note(*m)); });
    EXPECT_TRUE(system_.registry().live(id));
    EXPECT_EQ(worker.find(id), nullptr);
    for (const char* text : {"a", "b", "c"}) {
      EXPECT_EQ(system_.send(message_to(id, text)), SendResult::kQueued);
    }
    turns(worker);
    EXPECT_NE(worker.find(id), nullptr);
    EXPECT_EQ(seen, (Seen{"a", "b", "c"}));
    EXPECT_EQ(system_.registry().find(id)->remote_bytes.load(), 0);
  });
}

TEST_F(WorkerTest, FloodingServiceDoesNotStarveAQuietOne) {
  step([this](Worker& worker) {
    int floods = 0, before_quiet = -1;
    TestService& flood = attach([&](TestService& self, MessagePtr) {
      ++floods;
      // Two for one, up to a backlog: it never runs dry.
      for (int i = 0; i < 2 && self.mailbox_length() < 2000; ++i) {
        system_.send(message_to(self.id(), "more"));
      }
    });
    TestService& quiet = attach([&](TestService&, MessagePtr) { before_quiet = floods; });
    for (int i = 0; i < 1000; ++i) system_.send(message_to(flood.id(), "flood"));
    system_.send(message_to(quiet.id(), "hello"));
    EXPECT_TRUE(worker.turn());
    EXPECT_LE(floods, 1024 + 64);  // the turn ended, so that sockets have theirs
    while (before_quiet < 0) EXPECT_TRUE(worker.turn());  // a turn is short on a slow machine
    EXPECT_LE(before_quiet, 64);
  });
}

TEST_F(WorkerTest, RetireInsideItsOwnHandler) {
  step([this](Worker& worker) {
    Seen seen;
    bool destroyed = false;
    TestService& service = attach([&](TestService& self, MessagePtr m) {
      seen.push_back(note(*m));
      worker.retire(self);
      worker.retire(self);  // twice is once
      EXPECT_TRUE(self.exiting());
      EXPECT_FALSE(destroyed);
      EXPECT_EQ(system_.send(message_to(self.id(), "late")), SendResult::kUnknown);
    });
    int ended = 0;
    service.when_ended = [&ended](TestService&) { ++ended; };
    service.on_destroy = [&destroyed] { destroyed = true; };
    const ServiceId id = service.id();
    system_.send(message_to(id, "first"));
    system_.send(message_to(id, "second"));
    turns(worker);
    EXPECT_EQ(seen, Seen{"first"});
    EXPECT_EQ(ended, 1);
    EXPECT_TRUE(destroyed);
    EXPECT_FALSE(system_.registry().live(id));
    EXPECT_EQ(worker.find(id), nullptr);
    EXPECT_EQ(worker.service_count(), 0u);
  });
}

TEST_F(WorkerTest, RetireInOnStart) {
  step([this](Worker& worker) {
    bool destroyed = false, started = false;
    const auto id = system_.spawn([&]() -> std::unique_ptr<Service> {
      auto service = std::make_unique<TestService>([](TestService&, MessagePtr) { FAIL(); });
      service->on_destroy = [&destroyed] { destroyed = true; };
      service->when_started = [&](TestService& self) {
        started = true;
        worker.retire(self);
        EXPECT_FALSE(destroyed);
      };
      return service;
    });
    ASSERT_TRUE(id);
    system_.send(message_to(*id, "never seen"));
    turns(worker);
    EXPECT_TRUE(started);
    EXPECT_TRUE(destroyed);
    EXPECT_EQ(system_.registry().find(*id)->remote_bytes.load(), 0);
  });
}

TEST_F(WorkerTest, RetireOfAnotherReadyService) {
  step([this](Worker& worker) {
    bool destroyed = false, after = false;
    TestService* victim = nullptr;
    TestService& killer = attach([&](TestService&, MessagePtr) {
      worker.retire(*victim);
      EXPECT_FALSE(destroyed);  // it stands in the run queue
    });
    victim = &attach([](TestService&, MessagePtr) { FAIL(); });
    victim->on_destroy = [&destroyed] { destroyed = true; };
    TestService& last = attach([&after](TestService&, MessagePtr) { after = true; });
    for (const ServiceId id : {killer.id(), victim->id(), last.id()}) {
      system_.send(message_to(id, "go"));
    }
    turns(worker);
    EXPECT_TRUE(destroyed);
    EXPECT_TRUE(after);
    EXPECT_EQ(worker.service_count(), 2u);
  });
}

TEST_F(WorkerTest, RetireOfAnIdleServiceFreesItAtOnce) {
  step([this](Worker& worker) {
    bool destroyed = false;
    TestService& service = attach([](TestService&, MessagePtr) {});
    service.on_destroy = [&destroyed] { destroyed = true; };
    system_.kill(service.id());  // on its own worker: at once
    EXPECT_TRUE(destroyed);
    EXPECT_EQ(worker.service_count(), 0u);
  });
}

TEST_F(WorkerTest, PinsKeepTheObjectAndNest) {
  step([this](Worker& worker) {
    bool destroyed = false;
    TestService& service = attach([](TestService&, MessagePtr) {});
    service.on_destroy = [&destroyed] { destroyed = true; };
    const ServiceId id = service.id();
    worker.pin(service);
    worker.pin(service);
    worker.retire(service);
    EXPECT_FALSE(system_.registry().live(id));
    EXPECT_TRUE(service.exiting());
    worker.unpin(service);
    EXPECT_FALSE(destroyed);
    worker.unpin(service);
    EXPECT_TRUE(destroyed);
  });
}

TEST_F(WorkerTest, PinAndHandlerBothHoldAService) {
  step([this](Worker& worker) {
    bool destroyed = false;
    TestService& service = attach([&](TestService& self, MessagePtr) {
      worker.pin(self);
      worker.retire(self);
      worker.unpin(self);
      EXPECT_FALSE(destroyed);  // its handler runs
    });
    service.on_destroy = [&destroyed] { destroyed = true; };
    system_.send(message_to(service.id(), "go"));
    turns(worker);
    EXPECT_TRUE(destroyed);

    destroyed = false;
    TestService& pinned = attach([&](TestService& self, MessagePtr) {
      worker.pin(self);
      worker.retire(self);
    });
    pinned.on_destroy = [&destroyed] { destroyed = true; };
    system_.send(message_to(pinned.id(), "go"));
    turns(worker);
    EXPECT_FALSE(destroyed);
    worker.unpin(pinned);
    EXPECT_TRUE(destroyed);
  });
}

TEST_F(WorkerTest, RequestsQueuedAtRetireGetErrors) {
  step([this](Worker& worker) {
    Seen seen;
    TestService& client = attach_recorder(seen);
    TestService& server = attach([&](TestService& self, MessagePtr) { worker.retire(self); });
    const ServiceId to = server.id();
    for (const std::int32_t session : {0, 1, 2, 3}) {
      system_.send(message_to(to, "request", client.id(), session));
    }
    system_.send(message_to(to, "", client.id(), 4, MessageType::kResponse));
    system_.send(message_to(to, "", client.id(), 5, MessageType::kError));
    system_.send(message_to(to, "request", ServiceId{4000}, 6));  // from nobody
    turns(worker);
    EXPECT_EQ(seen, (Seen{"error 1", "error 2", "error 3"}));
  });
}

TEST_F(WorkerTest, RequestOnItsWayToTheDeadGetsAnError) {
  step([this](Worker& worker) {
    Seen seen;
    TestService& client = attach_recorder(seen);
    TestService& server = attach([](TestService&, MessagePtr) { FAIL(); });
    const ServiceId to = server.id(), from = client.id();
    std::thread([this, to, from] {
      EXPECT_EQ(system_.send(message_to(to, "request", from, 7)), SendResult::kQueued);
    }).join();
    EXPECT_GT(system_.registry().find(to)->remote_bytes.load(), 0);
    worker.retire(server);
    turns(worker);
    EXPECT_EQ(seen, Seen{"error 7"});
    EXPECT_EQ(system_.registry().find(to)->remote_bytes.load(), 0);
  });
}

TEST_F(WorkerTest, MessagesToTheDeadAreUnknown) {
  step([this](Worker& worker) {
    TestService& service = attach([](TestService&, MessagePtr) {});
    const ServiceId id = service.id();
    worker.retire(service);
    const ServiceId strangers[] = {id, ServiceId{}, ServiceId{9999}, ServiceId{0xff000001}};
    for (const ServiceId stranger : strangers) {
      EXPECT_EQ(system_.send(message_to(stranger, "hello")), SendResult::kUnknown);
    }
    const auto refused = metrics_.counter("messages_refused", "reason=\"unknown\"", "").value();
    EXPECT_EQ(refused, 4);
    system_.kill(id);
    system_.kill(ServiceId{9999});
  });
}

TEST_F(WorkerTest, FullMailboxRefusesUntilItIsDrained) {
  step([this](Worker& worker) {
    int handled = 0;
    TestService& service = attach([&handled](TestService&, MessagePtr) { ++handled; });
    const std::string block(10'000, 'x');
    const std::size_t cost = make_message(std::string_view(block))->cost();
    const int fits = static_cast<int>(kMailboxBytes / cost);
    for (int round = 1; round <= 3; ++round) {
      for (int i = 0; i < fits; ++i) {
        ASSERT_EQ(system_.send(message_to(service.id(), block)), SendResult::kQueued) << i;
      }
      EXPECT_EQ(service.mailbox_bytes(), fits * cost);
      EXPECT_EQ(system_.send(message_to(service.id(), block)), SendResult::kFull);
      EXPECT_EQ(metrics_.counter("messages_refused", "reason=\"full\"", "").value(), round);
      turns(worker);
      EXPECT_EQ(handled, round * fits);
      EXPECT_EQ(service.mailbox_bytes(), 0u);
    }
  });
}

TEST_F(WorkerTest, FullMailboxRefusesOtherThreadsUntilItIsDrained) {
  step([this](Worker& worker) {
    int handled = 0;
    TestService& service = attach([&handled](TestService&, MessagePtr) { ++handled; });
    const ServiceId id = service.id();
    const std::string block(10'000, 'x');
    const int fits =
        static_cast<int>(kMailboxBytes / make_message(std::string_view(block))->cost());
    for (int round = 1; round <= 3; ++round) {
      std::thread([&, this] {
        for (int i = 0; i < fits; ++i) {
          ASSERT_EQ(system_.send(message_to(id, block)), SendResult::kQueued) << i;
        }
        EXPECT_EQ(system_.send(message_to(id, block)), SendResult::kFull);
      }).join();
      turns(worker);
      EXPECT_EQ(handled, round * fits);
      EXPECT_EQ(system_.registry().find(id)->remote_bytes.load(), 0);
    }
  });
}

TEST_F(WorkerTest, RepliesAreNeverRefused) {
  step([this](Worker& worker) {
    int handled = 0;
    TestService& service = attach([&handled](TestService&, MessagePtr) { ++handled; });
    const ServiceId id = service.id();
    const std::string block(kMailboxBytes, 'x');
    const auto send_replies = [&, this] {
      for (const auto type : {MessageType::kResponse, MessageType::kError}) {
        EXPECT_EQ(system_.send(message_to(id, block, {}, 1, type)), SendResult::kQueued);
      }
      EXPECT_EQ(system_.send(message_to(id, block, {}, 1)), SendResult::kFull);
    };
    send_replies();
    std::thread(send_replies).join();
    turns(worker);
    EXPECT_EQ(handled, 4);
    EXPECT_EQ(service.mailbox_bytes(), 0u);
    EXPECT_EQ(system_.registry().find(id)->remote_bytes.load(), 0);
  });
}

TEST_F(WorkerTest, RetireWithALongMailbox) {
  step([this](Worker& worker) {
    TestService& service = attach([&worker](TestService& self, MessagePtr) {
      if (self.message_count() == 10) worker.retire(self);
    });
    bool destroyed = false;
    service.on_destroy = [&destroyed] { destroyed = true; };
    for (int i = 0; i < 5000; ++i) system_.send(message_to(service.id(), "x"));
    turns(worker);
    EXPECT_TRUE(destroyed);  // with what was left in its mailbox
  });
}

TEST_F(WorkerTest, EntitiesAndNamesLeaveWithTheService) {
  step([this](Worker& worker) {
    TestService& service = attach([](TestService&, MessagePtr) {});
    ASSERT_TRUE(system_.registry().set_name("me", service.id()));
    ASSERT_TRUE(system_.entities().add("player", "me", service.id()));
    worker.retire(service);
    EXPECT_FALSE(system_.registry().find_name("me"));
    EXPECT_FALSE(system_.entities().find("player", "me"));
  });
}

TEST_F(WorkerTest, JobsRunInOrderAndMaySendAndPost) {
  step([this](Worker& worker) {
    Seen seen;
    TestService& service = attach_recorder(seen);
    const ServiceId id = service.id();
    worker.post([this, id] { system_.send(message_to(id, "one")); });
    worker.post([this, id, &worker] {
      worker.post([this, id] { system_.send(message_to(id, "three")); });
      system_.send(message_to(id, "two"));
    });
    turns(worker);
    EXPECT_EQ(seen, (Seen{"one", "two", "three"}));
  });
}

TEST_F(WorkerTest, TurnEndHooksMaySendAndLeave) {
  struct Hook final : TurnEndHook {
    void on_turn_end() override { ++calls; }
    int calls = 0;
  };
  step([this](Worker& worker) {
    Hook one, two;
    worker.add_turn_end_hook(&one);
    worker.add_turn_end_hook(&two);
    worker.turn();
    worker.remove_turn_end_hook(&one);
    worker.turn();
    worker.remove_turn_end_hook(&two);
    worker.turn();
    EXPECT_EQ(one.calls, 1);
    EXPECT_EQ(two.calls, 2);
  });
}

TEST_F(WorkerTest, DoesNotSleepOverWork) {
  step([this](Worker& worker) {
    turns(worker);
    EXPECT_TRUE(worker.prepare_sleep());
    worker.awake();
    worker.post([] {});
    EXPECT_FALSE(worker.prepare_sleep());
    turns(worker);
    TestService& service = attach([](TestService&, MessagePtr) {});
    system_.send(message_to(service.id(), "x"));
    EXPECT_FALSE(worker.prepare_sleep());
    turns(worker);
    worker.request_stop();
    turns(worker);
    EXPECT_FALSE(worker.prepare_sleep());
  });
}

TEST_F(WorkerTest, EndsItsServicesWithTheThread) {
  int ended = 0, destroyed = 0;
  step([&, this](Worker&) {
    for (int i = 0; i < 10; ++i) {
      TestService& service = attach([](TestService&, MessagePtr) {});
      service.when_ended = [&ended, this](TestService& self) {
        ++ended;
        // The last words of a service reach those that are left, or nobody.
        for (std::uint32_t to = 1; to <= 10; ++to) {
          system_.send(message_to(ServiceId{to}, "bye", self.id(), 1));
        }
      };
      service.on_destroy = [&destroyed] { ++destroyed; };
      system_.send(message_to(service.id(), "not handled", service.id(), 1));
    }
  });
  EXPECT_EQ(ended, 10);
  EXPECT_EQ(destroyed, 10);
}

}  // namespace
}  // namespace gatehouse::actor
