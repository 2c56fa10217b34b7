// Asks a Worker one thing after the other, as a service would.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

#include "drivers/mysql_driver.hpp"
#include "mysql/worker.hpp"
#include "store_fixture.hpp"
#include "test_world.hpp"

namespace gatehouse::drivers {

class MysqlAsker {
 public:
  explicit MysqlAsker(store::Options options) {
    mysql::ClientOptions client;
    client.options = connection_options(options);
    client.options.io_timeout_ms = 0;
    worker_ = must(workers_.open(std::move(client), [this](std::uint32_t, std::int32_t session) {
      const std::lock_guard lock(mutex_);
      answered_ = session;
      changed_.notify_all();
      return true;
    }));
  }

  // Hands a request in and returns its session.
  std::int32_t begin(mysql::Request::Kind kind, const std::string& text = "") {
    mysql::Request request;
    request.kind = kind;
    request.session = ++session_;
    request.text = text;
    must(worker_->submit(std::move(request)));
    return session_;
  }
  std::unique_ptr<mysql::Answer> end(std::int32_t session) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return answered_ == session; });
    return worker_->take(0, session);
  }
  std::unique_ptr<mysql::Answer> ask(mysql::Request::Kind kind, const std::string& text = "") {
    return end(begin(kind, text));
  }

  mysql::Worker& worker() { return *worker_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::int32_t answered_ = 0;
  std::int32_t session_ = 0;
  std::shared_ptr<mysql::Worker> worker_;
  mysql::Workers workers_{test_world()};  // first to go: its threads use the members above
};

}  // namespace gatehouse::drivers
