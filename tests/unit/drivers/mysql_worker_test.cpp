// Connections of scripts as the store sees them; their values and results are tested from Lua.
#include <gmock/gmock.h>

#include "mysql_asker.hpp"
#include "test_world.hpp"

namespace gatehouse::drivers {
namespace {

using RequestKind = mysql::Request::Kind;
using Outcome = mysql::Answer::Outcome;
using testing::HasSubstr;

store::Options to_mariadb() {
  store::Options options;
  options.kind = store::Options::Kind::kMysql;
  options.mysql.port = mariadb().port();
  options.mysql.user = test::MariaDb::kUser;
  options.mysql.password = Secret(test::MariaDb::kPassword);
  return options;
}

TEST(Worker, AsksNothingWithoutAConnection) {
  MysqlAsker asker(to_mariadb());
  EXPECT_EQ(asker.ask(RequestKind::kQuery, "SELECT 1")->outcome, Outcome::kAway);
  EXPECT_EQ(asker.ask(RequestKind::kConnect)->outcome, Outcome::kDone);
  const auto answer = asker.ask(RequestKind::kQuery, "SELECT 1 AS one, NULL");
  ASSERT_EQ(answer->sets.size(), 1u);
  EXPECT_EQ(answer->sets[0].columns.at(0), "one");
  EXPECT_EQ(answer->sets[0].cells.at(0).integer, 1);
  EXPECT_EQ(answer->sets[0].cells.at(1).type, mysql::Cell::Type::kNull);
}

TEST(Worker, ClosingEndsWhatRunsAndAnswersWhatWaits) {
  MysqlAsker asker(to_mariadb());
  EXPECT_EQ(asker.ask(RequestKind::kConnect)->outcome, Outcome::kDone);
  asker.begin(RequestKind::kQuery, "SELECT SLEEP(600)");
  const std::int32_t waiting = asker.begin(RequestKind::kQuery, "SELECT 1");
  asker.worker().close();
  const auto answer = asker.end(waiting);  // the older answer is dropped
  EXPECT_EQ(answer->outcome, Outcome::kLost);
  EXPECT_THAT(answer->error_text, HasSubstr("closed"));
  EXPECT_EQ(code_of(asker.worker().submit({})), Errc::kClosed);
}

// A listener that says nothing holds a connection until its time-out, which is not waited for.
TEST(Worker, ClosingEndsAConnectionThatIsBeingMade) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  store::Options options = to_mariadb();
  options.mysql.port = ntohs(address.sin_port);
  options.connect_timeout_ms = 3'600'000;
  MysqlAsker asker(options);
  const std::int32_t session = asker.begin(RequestKind::kConnect);
  const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  asker.worker().close();
  EXPECT_EQ(asker.end(session)->outcome, Outcome::kLost);
  ::close(accepted);
  ::close(listener);
}

TEST(Worker, AnswersAreKeptForTheirRequester) {
  std::mutex mutex;
  std::condition_variable changed;
  int notified = 0;
  mysql::Workers workers{test_world()};
  const auto worker = must(workers.open({}, [&](std::uint32_t requester, std::int32_t) {
    const std::lock_guard lock(mutex);
    ++notified;
    changed.notify_all();
    return requester != 3;  // has ended
  }));
  for (const std::uint32_t requester : {1u, 2u, 3u, 1u}) {
    mysql::Request request;
    request.requester = requester;
    request.session = 7;
    must(worker->submit(std::move(request)));
  }
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return notified == 4; });
  }
  EXPECT_NE(worker->take(2, 7), nullptr);
  EXPECT_EQ(worker->take(2, 7), nullptr);
  EXPECT_EQ(worker->take(3, 7), nullptr);
  EXPECT_NE(worker->take(1, 7), nullptr);
  worker->forget(1);
  EXPECT_EQ(worker->take(1, 7), nullptr);
}

TEST(Worker, QueueIsBoundedByBytes) {
  MysqlAsker asker(to_mariadb());
  mysql::Request request;
  request.text = std::string(mysql::Worker::kQueueBytesMax + 1, ' ');
  EXPECT_EQ(code_of(asker.worker().submit(std::move(request))), Errc::kFull);
}

TEST(Worker, NoneOpensAfterTheEnd) {
  mysql::Workers workers{test_world()};
  workers.stop();
  const auto notify = [](std::uint32_t, std::int32_t) { return true; };
  EXPECT_EQ(code_of(workers.open({}, notify)), Errc::kClosed);
}

}  // namespace
}  // namespace gatehouse::drivers
