// The one way in which accounts come to be, but for an import: by a first login, by a policy's
// word, by `gatectl account add`.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "base/user_name.hpp"
#include "store/account.hpp"
#include "store/driver.hpp"

namespace gatehouse::store {

// What an account without a password holds: no format of crypto/password.hpp.
inline constexpr std::string_view kUnusableHash = "!";

// Errors as Driver::create_account(); kInvalid, too, when no new account may have the name, which
// is normalised. Waits for the database.
[[nodiscard]] inline Result<store::Account> make_account(store::Driver& driver,
                                                         std::string_view name,
                                                         std::string_view password_hash,
                                                         NewNames rule) {
  if (auto allowed = check_new_user_name(name, rule); !allowed)
    return tl::unexpected<Error>(allowed.error());
  return driver.create_account(name, password_hash);
}

}  // namespace gatehouse::store
