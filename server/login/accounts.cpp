#include "login/accounts.hpp"

#include <utility>

#include "store/new_account.hpp"

namespace gatehouse::login {

Result<ServerDoor> ServerDoor::read(store::Driver& driver, std::string_view server) {
  const auto row = driver.game_server(server);
  if (!row) return tl::unexpected<Error>(row.error());
  if (!*row) return ServerDoor{};
  return ServerDoor{(*row)->state, (*row)->capacity};
}

std::optional<Refusal> ServerDoor::refusal(bool privileged) const {
  if (state == store::ServerState::kOpen) return std::nullopt;
  if (state != store::ServerState::kMaintenance) return kServerClosed;
  if (privileged) return std::nullopt;
  return kMaintenance;
}

std::optional<Refusal> refusal_of(const store::Account& account, const ServerDoor& door,
                                  bool trusted, std::int64_t now_s) {
  if (store::banned_at(account, now_s))
    return account.status == store::AccountStatus::kClosed ? kAccountClosed : kBanned;
  return door.refusal(account.staff || trusted);
}

Result<tl::expected<Adopted, Refusal>> find_or_create(store::Driver& driver, const Vouched& user,
                                                      NewNames rule, std::int64_t now_s) {
  using Answer = tl::expected<Adopted, Refusal>;
  auto found = driver.find_account(user.name);
  if (!found) return tl::unexpected<Error>(found.error());
  const auto door = ServerDoor::read(driver, user.server);
  if (!door) return tl::unexpected<Error>(door.error());
  if (!*found) {
    if (const auto refusal = door->refusal(user.trusted)) return Answer(tl::unexpected(*refusal));
    auto made = store::make_account(driver, user.name, store::kUnusableHash, rule);
    if (made) return Answer(Adopted{std::move(*made), *door});
    if (made.error().code != Errc::kExists) return tl::unexpected<Error>(made.error());
    // Another login has made it since the look-up.
    found = driver.find_account(user.name);
    if (!found) return tl::unexpected<Error>(found.error());
    if (!*found) return Answer(tl::unexpected(kStoreUnavailable));  // made and removed since
  }
  if (const auto refusal = refusal_of(**found, *door, user.trusted, now_s))
    return Answer(tl::unexpected(*refusal));
  return Answer(Adopted{std::move(**found), *door});
}

}  // namespace gatehouse::login
