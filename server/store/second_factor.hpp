// The second factor of an account (`account.totp_secret`): a TOTP key, sealed so that who reads
// the database, or moves the text to another row, cannot use it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "crypto/seal.hpp"
#include "store/account.hpp"

namespace gatehouse::store {

// The column's text for the account of this name. The ring is not empty.
[[nodiscard]] std::string seal_totp_key(Random& random, const crypto::SealRing& keys,
                                        std::string_view name, const Secret& key);
// kCorrupt for a text that is none, kDenied when no key of the ring opens it for this account.
[[nodiscard]] Result<Secret> open_totp_key(const crypto::SealRing& keys,
                                           const store::Account& account);

}  // namespace gatehouse::store
