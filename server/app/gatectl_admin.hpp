// What gatectl asks of a running server, over its admin port.
#pragma once

#include <iosfwd>
#include <string>

#include "app/config.hpp"
#include "app/gatectl_account.hpp"
#include "base/result.hpp"

namespace gatehouse::app {

class AdminTool {
 public:
  // kInvalid when admin.listen is off, or has port 0 and so does not say where the server is.
  [[nodiscard]] static Result<AdminTool> open(const Config& config);

  // kUnavailable, as below, when no server answers. kNotFound when the player is not online.
  [[nodiscard]] Result<> kick(const std::string& uid, const std::string& reason);
  // The server ends as after SIGTERM; returns when it has begun to.
  [[nodiscard]] Result<> drain();
  [[nodiscard]] Result<> status(OutputForm form, std::ostream& out);

 private:
  explicit AdminTool(net::Endpoint server) : server_(std::move(server)) {}

  net::Endpoint server_;
};

}  // namespace gatehouse::app
