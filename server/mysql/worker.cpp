#include "mysql/worker.hpp"

#include <utility>

#include "base/assert.hpp"
#include "mysql/client.hpp"

namespace gatehouse::mysql {
namespace {

std::size_t bytes_of(const Request& request) {
  std::size_t bytes = request.text.size();
  for (const Parameter& parameter : request.parameters) {
    const auto* text = std::get_if<std::string>(&parameter);
    bytes += sizeof parameter + (text != nullptr ? text->size() : 0);
  }
  return bytes;
}

}  // namespace

Worker::Worker(const World& world, ClientOptions options, Notify notify)
    : client_(std::make_unique<Client>(world.clock, std::move(options))),
      notify_(std::move(notify)),
      thread_(world.executor.start({.name = "mysql"}, [this] { run(); })) {}

Worker::~Worker() {
  close();
  thread_->join();
}

Result<> Worker::submit(Request request) {
  const std::size_t bytes = bytes_of(request);
  {
    const std::lock_guard lock(mutex_);
    if (closing_) return fail(Errc::kClosed, "the connection was closed");
    if (queue_.size() >= kQueueMax || queue_bytes_ + bytes > kQueueBytesMax)
      return fail(Errc::kFull, "too many requests wait for this connection");
    queue_bytes_ += bytes;
    queue_.push_back(std::move(request));
  }
  wake_.notify_one();
  return {};
}

std::size_t Worker::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

std::unique_ptr<Answer> Worker::take(std::uint32_t requester, std::int32_t session) {
  std::vector<std::unique_ptr<Answer>> dropped;  // freed without the lock
  const std::lock_guard lock(mutex_);
  auto it = answers_.begin();
  while (it != answers_.end()) {
    if ((*it)->requester != requester) {
      ++it;
      continue;
    }
    std::unique_ptr<Answer> first = std::move(*it);
    it = answers_.erase(it);
    if (first->session == session) return first;
    dropped.push_back(std::move(first));
  }
  return nullptr;
}

void Worker::forget(std::uint32_t requester) {
  std::vector<std::unique_ptr<Answer>> dropped;
  const std::lock_guard lock(mutex_);
  for (auto& answer : answers_) {
    if (answer->requester == requester) dropped.push_back(std::move(answer));
  }
  std::erase(answers_, nullptr);
}

void Worker::close() {
  {
    const std::lock_guard lock(mutex_);
    if (closing_) return;
    closing_ = true;
  }
  client_->interrupt();
  wake_.notify_one();
}

Answer Worker::answer(const Request& request, bool closing) {
  if (!closing) return client_->run(request);
  Answer lost;
  lost.requester = request.requester;
  lost.session = request.session;
  lost.outcome = Answer::Outcome::kLost;
  lost.error_text = "the connection was closed";
  return lost;
}

void Worker::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return closing_ || !queue_.empty(); });
    if (queue_.empty()) break;
    const Request request = std::move(queue_.front());
    queue_.pop_front();
    queue_bytes_ -= bytes_of(request);
    const bool closing = closing_;
    lock.unlock();
    auto done = std::make_unique<Answer>(answer(request, closing));
    lock.lock();
    if (request.session == 0) continue;
    answers_.push_back(std::move(done));
    lock.unlock();
    if (!notify_(request.requester, request.session)) forget(request.requester);
    lock.lock();
  }
  lock.unlock();
  client_->disconnect();
  ended_ = true;
}

Workers::~Workers() {
  stop();
}

Result<std::shared_ptr<Worker>> Workers::open(ClientOptions options, Worker::Notify notify) {
  start_library();
  const std::lock_guard lock(mutex_);
  if (stopped_) return fail(Errc::kClosed, "the process is stopping");
  std::erase_if(workers_, [](const auto& worker) { return worker->ended(); });
  if (workers_.size() >= kCountMax)
    return fail(Errc::kFull, "too many connections to MySQL are open");
  return workers_.emplace_back(
      std::make_shared<Worker>(world_, std::move(options), std::move(notify)));
}

void Workers::forget(std::uint32_t requester) {
  const std::lock_guard lock(mutex_);
  for (const auto& worker : workers_) worker->forget(requester);
}

void Workers::stop() {
  std::vector<std::shared_ptr<Worker>> workers;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    workers.swap(workers_);
  }
  for (const auto& worker : workers) worker->close();
}

}  // namespace gatehouse::mysql
