// Sealing of what is kept in the store and must not be readable there.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

namespace gatehouse::crypto {

inline constexpr std::size_t kSealKeyBytes = 32;

// A ring of AES-256-GCM keys (NIST SP 800-38D): the first seals, every one opens. Immutable: any
// thread.
//
// A sealed text is key id 4 || nonce 12 || ciphertext || tag 16, 32 bytes more than the plain
// one. The key id is the head of SHA-256("gatehouse seal key" || key). Nonces are random, so one
// key may seal at most 2^32 texts (section 8.3); a new key put in front starts from none, and
// the old ones behind it only open.
class SealRing {
 public:
  // An empty ring opens nothing and must not be asked to seal.
  SealRing() = default;

  // Keys of 32 bytes each, none of them twice (told by the key id); kInvalid otherwise. No keys
  // make an empty ring.
  [[nodiscard]] static Result<SealRing> make(std::vector<Secret> keys);

  [[nodiscard]] bool empty() const { return keys_.empty(); }

  // The ring is not empty, `plain` and `aad` are shorter than 2 GiB each. `aad` is what the text
  // belongs to, such as the row that it is stored in; it is not part of the sealed text.
  [[nodiscard]] std::string seal(Random& random, std::string_view plain,
                                 std::string_view aad) const;

  // kDenied for a text of an unknown key, a changed or missing byte, and another `aad`.
  [[nodiscard]] Result<Secret> open(std::string_view sealed, std::string_view aad) const;

 private:
  struct Key {
    std::string id;
    Secret key;
  };

  [[nodiscard]] const Key* find(std::string_view id) const;

  std::vector<Key> keys_;
};

}  // namespace gatehouse::crypto
