#include "ops/admin_server.hpp"

#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>

#include <atomic>
#include <semaphore>
#include <thread>
#include <utility>
#include <vector>

#include "base/http_guard.hpp"
#include "base/log.hpp"
#include "ops/http_server.hpp"
#include "ops/metrics_text.hpp"

namespace gatehouse::ops {
namespace {

using httplib::Request;
using httplib::Response;
using Routed = httplib::Server::HandlerResponse;

constexpr std::size_t kThreads = 2;
constexpr std::ptrdiff_t kConnectionsMax = 16;  // served or waiting; more wait in the kernel
constexpr std::size_t kBodyBytesMax = 8'192;
constexpr time_t kTimeoutS = 2;  // for one read or write
constexpr const char* kText = "text/plain; charset=utf-8";
constexpr const char* kJson = "application/json";

void answer(Response& response, int status, const std::string& text) {
  response.status = status;
  response.set_content(text + "\n", kText);
}

// The library's pool of threads with a bounded queue: accepting waits for room.
class BoundedQueue final : public httplib::TaskQueue {
 public:
  BoundedQueue() : pool_(kThreads) {}
  void enqueue(std::function<void()> task) override {
    room_.acquire();
    pool_.enqueue([this, task = std::move(task)] {
      task();
      room_.release();
    });
  }
  void shutdown() override { pool_.shutdown(); }

 private:
  std::counting_semaphore<kConnectionsMax> room_{kConnectionsMax};
  httplib::ThreadPool pool_;  // last: its threads use room_
};

HttpHead head_of(const Request& request) {
  const auto values = [&request](const char* name) {
    std::vector<std::string> all;
    const std::size_t count = request.get_header_value_count(name);
    for (std::size_t i = 0; i < count; ++i) all.push_back(request.get_header_value(name, i));
    return all;
  };
  return {request.version == "HTTP/1.0", values("Host"), values("Origin"), values("Referer"),
          values("Sec-Fetch-Site")};
}

Routed refuse_strangers(const Request& request, Response& response) {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  const HttpRefusal refusal =
      judge_http(head_of(request), reads ? HttpEffect::kReads : HttpEffect::kActs);
  if (refusal.status == 0) return Routed::Unhandled;
  answer(response, refusal.status, std::string(refusal.why));
  return Routed::Handled;
}

// Takes a body that nobody needs off the connection. The library would wait for one that a
// request without a length does not have. False: it is too big or broken, and answered.
bool skip_body(const Request& request, Response& response, const httplib::ContentReader& read) {
  if (!request.has_header("Content-Length") && !request.has_header("Transfer-Encoding")) {
    return true;
  }
  if (read([](const char*, std::size_t) { return true; })) return true;
  if (response.status < 400) response.status = 400;
  return false;
}

}  // namespace

class AdminServer::Http {
 public:
  Http(Executor& executor, const MetricSet& metrics, AdminHandlers handlers)
      : executor_(executor), metrics_(metrics), handlers_(std::move(handlers)) {
    server_.new_task_queue = [] { return new BoundedQueue; };
    // The library would share the port with another process (SO_REUSEPORT).
    server_.set_socket_options([](int socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    server_.set_keep_alive_max_count(1);  // an idle connection must not keep a thread
    server_.set_keep_alive_timeout(kTimeoutS);
    server_.set_read_timeout(kTimeoutS);
    server_.set_write_timeout(kTimeoutS);
    server_.set_payload_max_length(kBodyBytesMax);
    server_.set_pre_routing_handler(refuse_strangers);
    server_.set_error_handler([](const Request&, Response& response) {
      if (response.body.empty()) {
        answer(response, response.status, response.status == 404 ? "no such page" : "refused");
      }
    });
    add_routes();
  }

  ~Http() {
    stopping_.store(true);
    server_.stop();
    if (thread_) thread_->join();
  }

  Result<> start(const std::string& host, std::uint16_t port) {
    const int bound =
        port == 0 ? server_.bind_to_any_port(host) : (server_.bind_to_port(host, port) ? port : -1);
    if (bound <= 0) {
      return fail(Errc::kIo, fmt::format("admin.listen: cannot listen on {}:{}", host, port));
    }
    port_ = static_cast<std::uint16_t>(bound);
    thread_ = executor_.start({.name = "admin"}, [this] { listen(); });
    // stop() works from then on only.
    while (!server_.is_running() && !ended_.load()) std::this_thread::yield();
    return {};
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  void listen() {
    server_.listen_after_bind();
    if (!stopping_.load()) log::error({}, "the admin port is closed: accepting failed");
    ended_.store(true);
  }

  void add_routes() {
    const auto health = [](const Request&, Response& r) { answer(r, 200, "ok"); };
    const auto readiness = [this](const Request&, Response& r) {
      const Readiness told = handlers_.readiness();
      r.status = told.ready ? 200 : 503;
      r.set_content(told.json + "\n", kJson);
    };
    server_.Get("/healthz", health);
    server_.Get("/readyz", readiness);
    // What a load balancer asks that was not told a page: HAProxy's `option httpchk`.
    server_.Options("/healthz", health);
    server_.Options(R"(/|\*|/readyz)", readiness);
    server_.Get("/metrics", [this](const Request&, Response& r) {
      handlers_.sample();
      r.set_content(metrics_text(metrics_), kMetricsContentType);
    });
    server_.Get("/status", [this](const Request&, Response& r) {
      r.set_content(handlers_.status() + "\n", kJson);
    });
    server_.Post("/kick", [this](const Request& q, Response& r, const httplib::ContentReader& c) {
      if (!skip_body(q, r, c)) return;
      kick(q.get_param_value("uid"), q.get_param_value("reason"), r);
    });
    server_.Post("/rescue", [this](const Request& q, Response& r, const httplib::ContentReader& c) {
      if (!skip_body(q, r, c)) return;
      rescue(q.get_param_value("uid"), r);
    });
    server_.Post("/drain", [this](const Request& q, Response& r, const httplib::ContentReader& c) {
      if (!skip_body(q, r, c)) return;
      handlers_.drain();
      answer(r, 202, "draining");
    });
  }

  void kick(const std::string& uid, const std::string& reason, Response& response) {
    if (uid.empty()) return answer(response, 400, "uid is missing");
    const bool online = handlers_.kick(uid, reason.empty() ? "kicked by an operator" : reason);
    answer(response, online ? 200 : 404, online ? "kicked" : "not online");
  }

  void rescue(const std::string& uid, Response& response) {
    if (uid.empty()) return answer(response, 400, "uid is missing");
    const bool online = handlers_.rescue(uid);
    answer(response, online ? 202 : 404, online ? "leaving" : "not online");
  }

  Executor& executor_;
  const MetricSet& metrics_;
  const AdminHandlers handlers_;
  HttpServer server_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> ended_{false};
  std::unique_ptr<Thread> thread_;
};

AdminServer::AdminServer(std::unique_ptr<Http> http) : http_(std::move(http)) {}
AdminServer::~AdminServer() = default;

Result<std::unique_ptr<AdminServer>> AdminServer::start(Executor& executor, const std::string& host,
                                                        std::uint16_t port,
                                                        const MetricSet& metrics,
                                                        AdminHandlers handlers) {
  if (!is_loopback(host)) {
    return fail(Errc::kInvalid, "admin.listen: must be a loopback address, it has no password");
  }
  auto http = std::make_unique<Http>(executor, metrics, std::move(handlers));
  if (auto started = http->start(host, port); !started) {
    return tl::unexpected<Error>(started.error());
  }
  return std::unique_ptr<AdminServer>(new AdminServer(std::move(http)));
}

std::uint16_t AdminServer::port() const {
  return http_->port();
}

}  // namespace gatehouse::ops
