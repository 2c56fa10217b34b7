// How logins end, in metrics and in the log. One a worker, on its thread only. At most
// kLinesPerSecond refusals a second are logged one by one, the rest as a number, so that a
// flood of bad logins does not fill the disk.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "actor/log_window.hpp"
#include "actor/worker.hpp"
#include "base/metrics.hpp"
#include "login/refusal.hpp"
#include "net/transport.hpp"

namespace gatehouse::login {

class Login;

class OutcomeLog final {
 public:
  static constexpr std::uint32_t kLinesPerSecond = 50;

  // The worker may run later than this is made.
  OutcomeLog(actor::Worker& worker, MetricSet& metrics);

  // Counts `gatehouse_login_total{result="..."}`; the word has static storage.
  void count(std::string_view result);
  // Counts and logs, e.g. `login 127.0.0.1:5000 over tcp, suite plain, refused 401:
  // wrong_password, user "test1"`. Without a login suite, name and server are not known yet; of an
  // address alone it is not told how the connection came.
  void refused(const net::Transport& transport, const Refusal& refusal, const Login* login);
  void refused(const net::Address& peer, const Refusal& refusal);

 private:
  MetricSet& metrics_;
  std::unordered_map<std::string_view, Metric*> counters_;
  actor::LogWindow window_;
};

}  // namespace gatehouse::login
