#include "ops/admin_client.hpp"

#include <fmt/format.h>
#include <httplib.h>

namespace gatehouse::ops {
namespace {

constexpr time_t kClientTimeoutS = 5;

}  // namespace

Result<AdminAnswer> ask_admin(const std::string& host, std::uint16_t port, AdminMethod method,
                              const std::string& path,
                              const std::map<std::string, std::string>& parameters) {
  httplib::Client client(host, port);
  client.set_connection_timeout(kClientTimeoutS);
  client.set_read_timeout(kClientTimeoutS);
  client.set_write_timeout(kClientTimeoutS);
  const httplib::Params query(parameters.begin(), parameters.end());
  const httplib::Result result = method == AdminMethod::kGet
                                     ? client.Get(path)
                                     : client.Post(httplib::append_query_params(path, query));
  if (!result) {
    return fail(Errc::kUnavailable, fmt::format("no server answers at {}:{} ({})", host, port,
                                                httplib::to_string(result.error())));
  }
  return AdminAnswer{result->status, result->body};
}

}  // namespace gatehouse::ops
