#include "store/second_factor.hpp"

#include "crypto/encoding.hpp"

namespace gatehouse::store {
namespace {

std::string bound_to(std::string_view name) {
  return "gatehouse totp 1\n" + std::string(name);
}

}  // namespace

std::string seal_totp_key(Random& random, const crypto::SealRing& keys, std::string_view name,
                          const Secret& key) {
  return crypto::base64_encode(keys.seal(random, key.reveal(), bound_to(name)));
}

Result<Secret> open_totp_key(const crypto::SealRing& keys, const store::Account& account) {
  const auto sealed = crypto::base64_decode(account.totp_secret);
  if (!sealed) return fail(Errc::kCorrupt, "account.totp_secret is no base64");
  return keys.open(*sealed, bound_to(account.name));
}

}  // namespace gatehouse::store
