#include "ops/admin_server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>

#include <atomic>
#include <semaphore>
#include <thread>
#include <utility>

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

// The host of a Host header: without port and brackets.
std::string_view host_of(std::string_view header) {
  if (header.starts_with('[')) return header.substr(1, header.find(']') - 1);
  return header.substr(0, header.find(':'));
}

Routed refuse_browsers(const Request& request, Response& response) {
  if (!request.has_header("Origin") && is_loopback(host_of(request.get_header_value("Host")))) {
    return Routed::Unhandled;
  }
  answer(response, 403, "not for browsers, and only by a loopback address");
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

bool is_loopback(std::string_view host) {
  if (host == "localhost") return true;
  const std::string text(host);
  in_addr v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, text.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

class AdminServer::Http {
 public:
  Http(const MetricSet& metrics, AdminHandlers handlers)
      : metrics_(metrics), handlers_(std::move(handlers)) {
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
    server_.set_pre_routing_handler(refuse_browsers);
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
    if (thread_.joinable()) thread_.join();
  }

  Result<> start(const std::string& host, std::uint16_t port) {
    const int bound =
        port == 0 ? server_.bind_to_any_port(host) : (server_.bind_to_port(host, port) ? port : -1);
    if (bound <= 0) {
      return fail(Errc::kIo, fmt::format("admin.listen: cannot listen on {}:{}", host, port));
    }
    port_ = static_cast<std::uint16_t>(bound);
    thread_ = std::thread([this] { listen(); });
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
    server_.Get("/healthz", [](const Request&, Response& r) { answer(r, 200, "ok"); });
    server_.Get("/readyz", [this](const Request&, Response& r) {
      const std::string why = handlers_.unready();
      answer(r, why.empty() ? 200 : 503, why.empty() ? "ready" : why);
    });
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

  const MetricSet& metrics_;
  const AdminHandlers handlers_;
  HttpServer server_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

AdminServer::AdminServer(std::unique_ptr<Http> http) : http_(std::move(http)) {}
AdminServer::~AdminServer() = default;

Result<std::unique_ptr<AdminServer>> AdminServer::start(const std::string& host, std::uint16_t port,
                                                        const MetricSet& metrics,
                                                        AdminHandlers handlers) {
  if (!is_loopback(host)) {
    return fail(Errc::kInvalid, "admin.listen: must be a loopback address, it has no password");
  }
  auto http = std::make_unique<Http>(metrics, std::move(handlers));
  if (auto started = http->start(host, port); !started) {
    return tl::unexpected<Error>(started.error());
  }
  return std::unique_ptr<AdminServer>(new AdminServer(std::move(http)));
}

std::uint16_t AdminServer::port() const {
  return http_->port();
}

}  // namespace gatehouse::ops
