#include <fcntl.h>

#include <array>

#include "net/descriptor_transport.hpp"
#include "net_fixture.hpp"

namespace gatehouse::net {
namespace {

class DescriptorTest : public NetTest {
 protected:
  // A transport of worker 0 over one end of a socket pair; the other end is ours, and blocks.
  ConnectionId open_pair(TestHandler::OnData on_data) {
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    const ConnectionId id = open(ends[1], std::move(on_data));
    ::close(ends[1]);
    ours_ = ends[0];
    return id;
  }
  ConnectionId open(int descriptor, TestHandler::OnData on_data) {
    return on_worker(0, [&](TransportSet&) {
      auto handler = std::make_unique<TestHandler>(census_, std::move(on_data));
      auto opened = network_->open_descriptor(descriptor, *handler);
      EXPECT_TRUE(opened.has_value()) << opened.error().message;
      static_cast<void>(handler.release());
      return (*opened)->id();
    });
  }
  std::string receive(std::size_t size) {
    std::string bytes(size, '\0');
    const ssize_t got = ::recv(ours_, bytes.data(), size, MSG_WAITALL);
    bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return bytes;
  }
  bool close_ours() { return ours_ >= 0 && ::close(std::exchange(ours_, -1)) == 0; }
  void TearDown() override {
    close_ours();
    NetTest::TearDown();
  }

  int ours_ = -1;
};

TEST_F(DescriptorTest, ReadsAndWrites) {
  start(1);
  open_pair(echo);
  for (const std::size_t size : {1, 1'000, 50'000}) {
    const std::string bytes = pattern(size);
    ASSERT_EQ(::send(ours_, bytes.data(), size, 0), static_cast<ssize_t>(size));
    EXPECT_EQ(receive(size), bytes);
  }
  ASSERT_TRUE(close_ours());
  EXPECT_TRUE(eventually([&] { return census_.closed_for(CloseReason::kPeerClosed) == 1; }));
}

TEST_F(DescriptorTest, WaitsForASlowReaderAndSendsTheRestAtTheEnd) {
  start(1);
  const ConnectionId id = open_pair(echo);
  const std::string bytes = pattern(4 << 20);
  on_worker(0, [&](TransportSet& set) {
    EXPECT_TRUE(set.find(id)->write(bytes));
    set.find(id)->close_after_flush(CloseReason::kLocal, kPatienceMs);
    EXPECT_TRUE(set.find(id)->ending());
    EXPECT_FALSE(set.find(id)->write("too late"));
  });
  EXPECT_GT(on_worker(0, [&](TransportSet& set) { return set.find(id)->unsent_bytes(); }), 0u);
  EXPECT_TRUE(receive(bytes.size() + 1) == bytes);
  EXPECT_TRUE(eventually([&] { return census_.closed_for(CloseReason::kLocal) == 1; }));
}

TEST_F(DescriptorTest, PausedItReadsNothing) {
  start(1);
  std::atomic<int> reads{0};
  const ConnectionId id = open_pair([&](TestHandler&, Transport&, std::string_view) { ++reads; });
  on_worker(0, [&](TransportSet& set) { set.find(id)->pause(); });
  ASSERT_EQ(::send(ours_, "x", 1, 0), 1);
  on_worker(0, [](TransportSet&) {});
  on_worker(0, [](TransportSet&) {});
  EXPECT_EQ(reads, 0);
  on_worker(0, [&](TransportSet& set) { set.find(id)->resume(); });
  EXPECT_TRUE(eventually([&] { return reads == 1; }));
}

TEST_F(DescriptorTest, ClosesASlowReaderAndOneThatIsGone) {
  start(1);
  ConnectionId id = open_pair(echo);
  on_worker(0, [&](TransportSet& set) {
    set.find(id)->set_unsent_limit(1'000);
    set.find(id)->write(pattern(4 << 20));
  });
  EXPECT_TRUE(eventually([&] { return census_.closed_for(CloseReason::kSlowReader) == 1; }));
  close_ours();
  id = open_pair(echo);
  on_worker(0, [&](TransportSet& set) {
    set.find(id)->pause();
    close_ours();
    set.find(id)->write("nobody reads this");
  });
  EXPECT_TRUE(eventually([&] { return census_.closed_for(CloseReason::kPeerReset) == 1; }));
}

TEST_F(DescriptorTest, LeavesTheDescriptorToItsOwner) {
  start(1);
  std::array<int, 2> pipe_ends{};
  ASSERT_EQ(pipe2(pipe_ends.data(), O_CLOEXEC), 0);
  std::string got;
  const ConnectionId id =
      open(pipe_ends[0], [&](TestHandler&, Transport& transport, std::string_view bytes) {
        got += bytes;
        transport.close(CloseReason::kLocal);
      });
  EXPECT_FALSE(on_worker(0, [&](TransportSet& set) { return set.find(id)->detach().has_value(); }));
  ASSERT_EQ(::write(pipe_ends[1], "first", 5), 5);
  ASSERT_TRUE(eventually([&] { return census_.closed == 1; }));
  EXPECT_EQ(got, "first");
  ASSERT_EQ(::write(pipe_ends[1], "second", 6), 6);
  char rest[6];
  EXPECT_EQ(::read(pipe_ends[0], rest, sizeof rest), 6);
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
}

TEST_F(DescriptorTest, RefusesWhatCannotBePolled) {
  start(1);
  const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  on_worker(0, [&](TransportSet& set) {
    TestHandler handler(census_, echo);
    EXPECT_EQ(network_->open_descriptor(file, handler).error().code, Errc::kInvalid);
    EXPECT_EQ(network_->open_descriptor(1 << 20, handler).error().code, Errc::kInvalid);
    EXPECT_EQ(set.count(), 0u);
  });
  ::close(file);
}

TEST_F(DescriptorTest, EndsWithItsLoop) {
  start(1);
  open_pair(echo);
  stop();
  EXPECT_EQ(census_.closed_for(CloseReason::kShutdown), 1);
}

}  // namespace
}  // namespace gatehouse::net
