// The MySQL connections of scripts: each has a thread of its own, because libmariadb blocks, and
// a bounded queue, so that what is asked of a connection is done in order.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/unique_function.hpp"
#include "base/world.hpp"
#include "mysql/answer.hpp"
#include "mysql/options.hpp"

namespace gatehouse::mysql {

class Client;

struct ClientOptions {
  // Of mysql: host, port, user, password, database and tls. io_timeout_ms 0: a statement may
  // take as long as it likes.
  Options options;
  std::string charset;                       // empty: the server's default
  std::size_t result_bytes_max = 64u << 20;  // of one answer
};

// Any thread may call it.
class Worker {
 public:
  // Called on the worker's thread when an answer can be taken; false: the requester has ended.
  using Notify = UniqueFunction<bool(std::uint32_t requester, std::int32_t session)>;

  static constexpr std::size_t kQueueMax = 1'024;           // requests that wait
  static constexpr std::size_t kQueueBytesMax = 64u << 20;  // of their texts and parameters

  Worker(const World& world, ClientOptions options, Notify notify);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // kFull: too much waits; kClosed after close(). Every request that is taken and has a session
  // gets an answer.
  [[nodiscard]] Result<> submit(Request request);
  [[nodiscard]] std::size_t waiting() const;
  // The answer of a session, nullptr when there is none. A requester takes its answers in the
  // order of the notifications: older ones, which it did not take, are dropped.
  [[nodiscard]] std::unique_ptr<Answer> take(std::uint32_t requester, std::int32_t session);
  // The requester has ended: its answers are dropped.
  void forget(std::uint32_t requester);

  // Ends the connection and what it does; requests that wait are answered as lost. Does not
  // wait.
  void close();
  // The thread has done its last; destroying the worker does not block.
  [[nodiscard]] bool ended() const { return ended_.load(); }

 private:
  void run();
  [[nodiscard]] Answer answer(const Request& request, bool closing);

  std::unique_ptr<Client> client_;
  Notify notify_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Request> queue_;
  std::size_t queue_bytes_ = 0;
  std::deque<std::unique_ptr<Answer>> answers_;
  bool closing_ = false;
  std::atomic<bool> ended_{false};
  const std::unique_ptr<Thread> thread_;  // last: it uses the members above
};

// All of the process. Any thread may call it.
class Workers {
 public:
  static constexpr std::size_t kCountMax = 512;

  explicit Workers(const World& world) : world_(world) {}
  // stop().
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // kFull: kCountMax are open; kClosed after stop().
  // Whoever opened it closes it.
  [[nodiscard]] Result<std::shared_ptr<Worker>> open(ClientOptions options, Worker::Notify notify);
  // Worker::forget() of each.
  void forget(std::uint32_t requester);
  // Ends all of them and waits for their threads; only looking up a host's name is waited for.
  void stop();

 private:
  const World& world_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Worker>> workers_;
  bool stopped_ = false;
};

}  // namespace gatehouse::mysql
