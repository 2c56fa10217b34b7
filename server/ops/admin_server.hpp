// The admin port: plain HTTP for ops, for Prometheus and for gatectl.
//
//   GET  /healthz                  200 while the process lives
//   GET  /readyz                   200 when a login would get in, else 503; JSON says by part why
//   GET  /metrics                  metrics_text.hpp
//   GET  /status                   JSON, see AdminHandlers::status
//   POST /kick?uid=U[&reason=R]    200, 404 when U is not online, 400 without a uid
//   POST /rescue?uid=U             202, 404, 400 likewise: kick, and leave even if unsaved
//   POST /drain                    202; the server ends as after SIGTERM
//
// HEAD and OPTIONS are answered as GET of /healthz and /readyz; OPTIONS of / and * as /readyz.
//
// There is no password: it listens on the loopback only, and no web page can reach it through an
// operator's browser (base/http_guard.hpp).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/executor.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"

namespace gatehouse::ops {

struct Readiness {
  bool ready = false;
  std::string json;  // an object: what a login would get, by part
};

// What the handlers ask of the server. Each is called on the admin server's threads, several at
// once, until the AdminServer is destroyed.
struct AdminHandlers {
  std::function<Readiness()> readiness;
  std::function<std::string()> status;  // a JSON object
  // Sets the gauges that nobody keeps up to date; called before each /metrics.
  std::function<void()> sample;
  // False: the player is not online.
  std::function<bool(const std::string& uid, const std::string& reason)> kick;
  // Has a player leave, whether the store takes the data or not. False: not online.
  std::function<bool(const std::string& uid)> rescue;
  std::function<void()> drain;
};

class AdminServer {
 public:
  // Listens; port 0 takes a free one. kInvalid when the host is not the loopback, kIo when the
  // port cannot be had. `metrics` outlives it.
  [[nodiscard]] static Result<std::unique_ptr<AdminServer>> start(Executor& executor,
                                                                  const std::string& host,
                                                                  std::uint16_t port,
                                                                  const MetricSet& metrics,
                                                                  AdminHandlers handlers);
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;
  // Stops listening and waits for the requests that run.
  ~AdminServer();

  // The real one.
  [[nodiscard]] std::uint16_t port() const;

 private:
  class Http;
  explicit AdminServer(std::unique_ptr<Http> http);

  std::unique_ptr<Http> http_;
};

}  // namespace gatehouse::ops
