#include "store/account.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "base/server_name.hpp"
#include "base/utf8.hpp"
#include "store/records.hpp"

namespace gatehouse::store {
namespace {

std::string_view end_of(std::string_view text) {
  return text.substr(text.size() - std::min(text.size(), kCredentialCharacters));
}

}  // namespace

Credentials credentials_of(const Account& account) {
  const std::string_view origin = account.password_origin;
  std::string_view password = end_of(account.password_hash);
  if (origin.substr(0, kCredentialCharacters) == password)
    password = origin.substr(std::min(origin.size(), kCredentialCharacters));
  return {account.ticket_generation, std::string(password),
          std::string(end_of(account.totp_secret))};
}

std::string origin_of(const Account& account, std::string_view new_hash) {
  return std::string(end_of(new_hash)) + credentials_of(account).password;
}

std::string_view name(AccountStatus status) {
  switch (status) {
    case AccountStatus::kActive:
      return "active";
    case AccountStatus::kBanned:
      return "banned";
    case AccountStatus::kClosed:
      return "closed";
  }
  return "closed";
}

std::string_view name(ServerState state) {
  switch (state) {
    case ServerState::kOpen:
      return "open";
    case ServerState::kClosed:
      return "closed";
    case ServerState::kMaintenance:
      return "maintenance";
  }
  return "closed";
}

bool banned_at(const Account& account, std::int64_t now_s) {
  switch (account.status) {
    case AccountStatus::kActive:
      return false;
    case AccountStatus::kBanned:
      return account.banned_until_s == 0 || now_s < account.banned_until_s;
    case AccountStatus::kClosed:
      return true;
  }
  return true;
}

bool valid_account_name(std::string_view name) {
  const auto characters = utf8_characters(name);
  return characters && *characters >= 1 && *characters <= kUserNameCharactersMax &&
         name.find('\0') == std::string_view::npos;
}

bool valid_server_name(std::string_view name) {
  return check_server_name(name).has_value();
}

}  // namespace gatehouse::store
