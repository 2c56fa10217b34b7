// skynet's cryptography, which takes what a stranger or a script gives it: DES with both paddings,
// Diffie-Hellman, the macs.
#include "crypto/skynet_suite.hpp"

#include "fuzz.hpp"

namespace gatehouse::crypto {

FUZZ_TARGET(skynet_suite) {
  fuzz::Input choices(input);
  const DesPadding padding = choices.byte() % 2 == 0 ? DesPadding::kIso7816_4 : DesPadding::kPkcs7;
  const std::string_view key = choices.bytes(choices.byte() % 10);
  const std::string_view text = choices.rest();

  const auto plain = des_decode(key, text, padding);
  if (plain) {
    GATEHOUSE_ASSERT(key.size() == kSkynetKeyBytes && text.size() % 8 == 0 && !text.empty());
    GATEHOUSE_ASSERT(plain->size() < text.size());
  }
  const auto sealed = des_encode(key, text, padding);
  GATEHOUSE_ASSERT(sealed.has_value() == (key.size() == kSkynetKeyBytes));
  if (sealed) GATEHOUSE_ASSERT(des_decode(key, *sealed, padding).value() == text);

  const auto mine = dh_exchange(key);
  const auto theirs = dh_exchange(text.substr(0, 8));
  if (mine && theirs) {
    GATEHOUSE_ASSERT(dh_secret(*theirs, key).value() ==
                     dh_secret(*mine, text.substr(0, 8)).value());
  }
  GATEHOUSE_ASSERT(weak_public_key(text) || text.size() == kSkynetKeyBytes);
  GATEHOUSE_ASSERT(hash_key(text).size() == 8);
  GATEHOUSE_ASSERT(hmac_hash(key, text).has_value() == (key.size() == 8));
  GATEHOUSE_ASSERT(hmac64(text, key).has_value() == (text.size() == 8 && key.size() == 8));
  GATEHOUSE_ASSERT(hmac64_md5(text, key).has_value() == (text.size() == 8 && key.size() == 8));
  const auto mixed = xor_str(text, key);
  GATEHOUSE_ASSERT(mixed.has_value() == !key.empty());
  if (mixed) GATEHOUSE_ASSERT(xor_str(*mixed, key).value() == text);
}

}  // namespace gatehouse::crypto
