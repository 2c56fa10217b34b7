#include "store/account.hpp"

#include "base/limits.hpp"
#include "base/server_name.hpp"
#include "store/records.hpp"
#include "store/text.hpp"

namespace gatehouse::store {

std::string_view name(AccountStatus status) {
  switch (status) {
    case AccountStatus::kActive: return "active";
    case AccountStatus::kBanned: return "banned";
    case AccountStatus::kClosed: return "closed";
  }
  return "closed";
}

std::string_view name(ServerState state) {
  switch (state) {
    case ServerState::kOpen: return "open";
    case ServerState::kClosed: return "closed";
    case ServerState::kMaintenance: return "maintenance";
  }
  return "closed";
}

bool banned_at(const Account& account, std::int64_t now_s) {
  switch (account.status) {
    case AccountStatus::kActive: return false;
    case AccountStatus::kBanned:
      return account.banned_until_s == 0 || now_s < account.banned_until_s;
    case AccountStatus::kClosed: return true;
  }
  return true;
}

bool valid_account_name(std::string_view name) {
  const auto characters = utf8_characters(name);
  return characters && *characters >= 1 && *characters <= kUserNameCharactersMax &&
         name.find('\0') == std::string_view::npos;
}

bool valid_server_name(std::string_view name) { return check_server_name(name).has_value(); }

}  // namespace gatehouse::store
