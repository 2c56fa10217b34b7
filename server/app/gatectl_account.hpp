// What gatectl does in the store, on a connection of its own; the server may run meanwhile.
//
// Names are normalised already (protocol/user_name.hpp). What is asked for goes to `out`, as text
// or as one JSON value; neither ever holds a password or its hash. kNotFound without such an
// account; kUnavailable when the store is away or was never migrated.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>

#include "app/config.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "store/driver.hpp"

namespace gatehouse::app {

enum class OutputForm { kText, kJson };

// "90s", "30m", "2h", "7d", "1w" in seconds; kInvalid for anything else, 0 among it.
[[nodiscard]] Result<std::int64_t> parse_duration_s(const std::string& text);

class AccountTool {
 public:
  // kInvalid for options that cannot work.
  [[nodiscard]] static Result<AccountTool> open(const Config& config);

  // Brings the schema up to date and says which version it then has.
  [[nodiscard]] Result<> migrate(std::ostream& out);
  // kExists when the name is taken. Migrates a store that is empty.
  [[nodiscard]] Result<> add(const std::string& name, const Secret& password);
  [[nodiscard]] Result<> set_password(const std::string& name, const Secret& password);
  // until_s: Unix time, 0: for ever. An open session goes on until it is kicked.
  [[nodiscard]] Result<> ban(const std::string& name, std::int64_t until_s,
                             const std::string& reason);
  [[nodiscard]] Result<> unban(const std::string& name);
  [[nodiscard]] Result<> show(const std::string& name, OutputForm form, std::ostream& out);
  // At most `limit` accounts whose names come after `after` in byte order.
  [[nodiscard]] Result<> list(const std::string& after, std::uint32_t limit, OutputForm form,
                              std::ostream& out);

 private:
  AccountTool(const Config& config, std::unique_ptr<store::Driver> driver)
      : config_(&config), driver_(std::move(driver)) {}
  [[nodiscard]] Result<> check_schema();
  [[nodiscard]] Result<store::Account> find(const std::string& name);

  const Config* config_;
  std::unique_ptr<store::Driver> driver_;
};

}  // namespace gatehouse::app
