#include "crypto/frame_cipher.hpp"

#include <memory>
#include <vector>

#include "support.hpp"

namespace gatehouse::crypto {
namespace {

using Key = FrameCipher::Key;

std::string nonce_of(unsigned number) {
  std::string nonce(kGcmNonceBytes, '\0');
  nonce[10] = static_cast<char>(number >> 8);
  nonce[11] = static_cast<char>(number);
  return nonce;
}

Secret key_bytes(unsigned number) {
  return Secret(std::string(kGcmKeyBytes - 2, 'k') + static_cast<char>(number >> 8) +
                static_cast<char>(number));
}

std::string sealed_by(FrameCipher& cipher, const Key& key, unsigned number,
                      const std::string& text) {
  std::string room = text + std::string(kGcmTagBytes, '?');
  cipher.seal(key, nonce_of(number), room.data(), text.size());
  return room;
}

// The text, or nothing.
std::optional<std::string> opened_by(FrameCipher& cipher, const Key& key, unsigned number,
                                     const std::string& sealed) {
  std::string room(sealed.size(), '?');
  if (!cipher.open(key, nonce_of(number), sealed, room.data())) return std::nullopt;
  room.resize(sealed.size() - kGcmTagBytes);
  return room;
}

// The other implementation, which makes a context for each text.
TEST(FrameCipher, SealsAndOpensAsOthersDo) {
  FrameCipher cipher;
  const Key key(cipher, key_bytes(1));
  for (unsigned size : {0u, 1u, 15u, 16u, 17u, 64u, 1'000u, 65'519u}) {
    const std::string text(size, 't');
    const std::string sealed = sealed_by(cipher, key, size, text);
    EXPECT_EQ(sealed, aes256_gcm_seal(key_bytes(1).reveal(), nonce_of(size), text, "").value());
    EXPECT_EQ(opened_by(cipher, key, size, sealed), text);
  }
}

TEST(FrameCipher, OpensNothingThatWasChanged) {
  FrameCipher cipher;
  const Key key(cipher, key_bytes(1));
  const Key other(cipher, key_bytes(2));
  const std::string sealed = sealed_by(cipher, key, 7, "a text");
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = sealed;
      changed[at] = static_cast<char>(changed[at] ^ 1 << bit);
      EXPECT_FALSE(opened_by(cipher, key, 7, changed)) << at << " " << bit;
    }
    EXPECT_FALSE(opened_by(cipher, key, 7, sealed.substr(0, at))) << at;
  }
  EXPECT_FALSE(opened_by(cipher, key, 7, sealed + "x"));
  EXPECT_FALSE(opened_by(cipher, key, 8, sealed)) << "another nonce";
  EXPECT_FALSE(opened_by(cipher, other, 7, sealed)) << "another key";
  EXPECT_EQ(opened_by(cipher, key, 7, sealed), "a text") << "a failure leaves nothing behind";
}

// More keys than contexts, in an order that has each of them lose its schedule again and again.
TEST(FrameCipher, ManyKeysShareFewContexts) {
  constexpr unsigned kKeys = 3 * FrameCipher::kContexts;
  FrameCipher cipher;
  std::vector<std::unique_ptr<Key>> keys;
  for (unsigned i = 0; i < kKeys; ++i) keys.push_back(std::make_unique<Key>(cipher, key_bytes(i)));
  EXPECT_EQ(cipher.contexts(), 0u) << "a key that does nothing costs none";
  for (unsigned round = 0; round < 3; ++round) {
    for (unsigned i = 0; i < kKeys; ++i) {
      const std::string text = "text " + std::to_string(i);
      const std::string sealed = sealed_by(cipher, *keys[i], round, text);
      ASSERT_EQ(sealed, aes256_gcm_seal(key_bytes(i).reveal(), nonce_of(round), text, "").value());
      ASSERT_EQ(opened_by(cipher, *keys[i], round, sealed), text);
    }
    EXPECT_LE(cipher.contexts(), FrameCipher::kContexts);
  }
}

// A context goes with its key; another key at the same place is not taken for it.
TEST(FrameCipher, KeysTakeTheirSchedulesAlong) {
  FrameCipher cipher;
  alignas(Key) char place[sizeof(Key)];
  for (unsigned i = 0; i < 3; ++i) {
    auto* key = new (place) Key(cipher, key_bytes(i));
    EXPECT_EQ(sealed_by(cipher, *key, 1, "text"),
              aes256_gcm_seal(key_bytes(i).reveal(), nonce_of(1), "text", "").value());
    EXPECT_EQ(cipher.contexts(), 1u);
    key->~Key();
    EXPECT_EQ(cipher.contexts(), 0u);
    EXPECT_EQ(std::string_view(place, sizeof place).find("kkkkkkkk"), std::string_view::npos)
        << "the key was wiped";
  }
}

}  // namespace
}  // namespace gatehouse::crypto
