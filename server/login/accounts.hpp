// Which accounts a game server lets in now, and the account of a user whom somebody else than the
// store has authenticated. All functions that take a Driver wait for the database.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <tl/expected.hpp>

#include "base/result.hpp"
#include "base/user_name.hpp"
#include "login/refusal.hpp"
#include "store/account.hpp"
#include "store/driver.hpp"

namespace gatehouse::login {

// Whom a game server lets in, by its row in table game_server; one without a row is open.
struct ServerDoor {
  store::ServerState state = store::ServerState::kOpen;
  std::uint32_t capacity = 0;  // 0: no limit

  // Errors are those of the Driver.
  [[nodiscard]] static Result<ServerDoor> read(store::Driver& driver, std::string_view server);

  // Maintenance lets in staff, and who comes from an allowed network. Nothing: it is open.
  [[nodiscard]] std::optional<Refusal> refusal(bool privileged) const;
};

// Why the account may not enter now: a ban, its end, the server's state. Nothing: it may.
// `trusted`: it comes from an allowed network.
[[nodiscard]] std::optional<Refusal> refusal_of(const store::Account& account,
                                                const ServerDoor& door, bool trusted,
                                                std::int64_t now_s);

// A user whom somebody else than the store has authenticated, on the way into a game server.
struct Vouched {
  std::string_view name;  // normalised
  std::string_view server;
  bool trusted = false;  // comes from an allowed network
};
struct Adopted {
  store::Account account;
  ServerDoor door;
};
// The account of such a user, made without a usable password when there is none and the server is
// open: the one find-or-create there is. The value is a refusal where the account may not enter
// now. The error is the store's; kInvalid where no account may have the name.
[[nodiscard]] Result<tl::expected<Adopted, Refusal>> find_or_create(store::Driver& driver,
                                                                    const Vouched& user,
                                                                    NewNames rule,
                                                                    std::int64_t now_s);

}  // namespace gatehouse::login
