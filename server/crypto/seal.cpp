#include "crypto/seal.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "crypto/aes_gcm.hpp"
#include "crypto/digest.hpp"
#include "crypto/stored_text.hpp"

namespace gatehouse::crypto {

namespace {

constexpr std::string_view kIdLabel = "gatehouse seal key";
constexpr std::size_t kIdBytes = 4;

static_assert(kSealKeyBytes == kGcmKeyBytes);

std::string id_of(const Secret& key) {
  return sha256(joined(kIdLabel, key.reveal()).reveal()).substr(0, kIdBytes);
}

}  // namespace

Result<SealRing> SealRing::make(std::vector<Secret> keys) {
  SealRing ring;
  for (Secret& key : keys) {
    if (key.size() != kSealKeyBytes) return fail(Errc::kInvalid, "seal key is not of 32 bytes");
    std::string id = id_of(key);
    if (ring.find(id) != nullptr) return fail(Errc::kInvalid, "seal key is given twice");
    ring.keys_.push_back(Key{std::move(id), std::move(key)});
  }
  return ring;
}

const SealRing::Key* SealRing::find(std::string_view id) const {
  const auto found =
      std::find_if(keys_.begin(), keys_.end(), [id](const Key& key) { return key.id == id; });
  return found == keys_.end() ? nullptr : &*found;
}

std::string SealRing::seal(Random& random, std::string_view plain, std::string_view aad) const {
  GATEHOUSE_ASSERT(!empty());
  const Key& key = keys_.front();
  const std::string nonce = random.bytes(kGcmNonceBytes);
  const auto ciphertext = aes256_gcm_seal(key.key.reveal(), nonce, plain, aad);
  GATEHOUSE_ASSERT(ciphertext.has_value());
  return key.id + nonce + *ciphertext;
}

Result<Secret> SealRing::open(std::string_view sealed, std::string_view aad) const {
  if (sealed.size() < kIdBytes + kGcmNonceBytes + kGcmTagBytes) {
    return fail(Errc::kDenied, "sealed text is too short");
  }
  const Key* const key = find(sealed.substr(0, kIdBytes));
  if (key == nullptr) return fail(Errc::kDenied, "sealed by a key that is not in the ring");
  sealed.remove_prefix(kIdBytes);
  return aes256_gcm_open(key->key.reveal(), sealed.substr(0, kGcmNonceBytes),
                         sealed.substr(kGcmNonceBytes), aad);
}

}  // namespace gatehouse::crypto
