#include "crypto/tls_tickets.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/ssl.h>

#include <cstring>
#include <string_view>
#include <utility>

#include "base/assert.hpp"
#include "crypto/evp.hpp"

namespace gatehouse::crypto {
namespace {

constexpr std::size_t kNameBytes = 16;
constexpr std::size_t kPartBytes = 32;  // for AES-256-CBC, and for its HMAC
constexpr std::size_t kKeyBytes = kNameBytes + 2 * kPartBytes;
constexpr std::size_t kIvBytes = 16;
constexpr std::uint32_t kLifetimeMaxS = 7 * 24 * 3'600;  // RFC 8446 section 4.6.1

// Fetched once: looking it up by name takes OpenSSL's lock. Never freed, as what evp.cpp keeps.
const EVP_CIPHER* ticket_cipher() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  return cipher;
}

bool set_mac(EVP_MAC_CTX* mac, std::string_view key) {
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(
                                   OSSL_MAC_PARAM_KEY, const_cast<char*>(key.data()), key.size()),
                               OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_END};
  return EVP_MAC_CTX_set_params(mac, params) == 1;
}

}  // namespace

TlsTicketKeys::TlsTicketKeys(std::uint32_t lifetime_s, Random& random)
    : lifetime_s_(lifetime_s), random_(random), ring_(std::make_shared<const Ring>()) {
  GATEHOUSE_ASSERT(lifetime_s > 0 && lifetime_s <= kLifetimeMaxS);
  rotate();
}

void TlsTicketKeys::rotate() {
  auto before = ring();
  auto next = std::make_shared<Ring>();
  (*next)[0] = Secret(random_.bytes(kKeyBytes));
  (*next)[1] = Secret(std::string((*before)[0].reveal()));
  std::lock_guard lock(mutex_);
  ring_ = std::move(next);
}

std::shared_ptr<const TlsTicketKeys::Ring> TlsTicketKeys::ring() const {
  std::lock_guard lock(mutex_);
  return ring_;
}

// What OpenSSL calls for each ticket (SSL_CTX_set_tlsext_ticket_key_evp_cb(3)).
struct TicketCallbacks {
  static int choose_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                        EVP_MAC_CTX* mac, int sealing) {
    constexpr int kError = -1, kUnknown = 0, kGood = 1, kGoodButOld = 2;
    const auto& keys =
        *static_cast<const TlsTicketKeys*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    const auto ring = keys.ring();
    for (const Secret& each : *ring) {
      const std::string_view key = each.reveal();
      if (key.empty()) break;
      if (sealing == 0 && std::memcmp(name, key.data(), kNameBytes) != 0) continue;
      const auto* aes = octets(key.substr(kNameBytes, kPartBytes));
      if (!set_mac(mac, key.substr(kNameBytes + kPartBytes))) return kError;
      if (sealing == 0) {
        const bool ready = EVP_DecryptInit_ex(cipher, ticket_cipher(), nullptr, aes, iv) == 1;
        return !ready ? kError : &each == &ring->front() ? kGood : kGoodButOld;
      }
      std::memcpy(name, key.data(), kNameBytes);
      keys.random_.fill(reinterpret_cast<char*>(iv), kIvBytes);
      const bool ready = EVP_EncryptInit_ex(cipher, ticket_cipher(), nullptr, aes, iv) == 1;
      return ready ? kGood : kError;
    }
    return kUnknown;
  }
};

void use_tickets(SSL_CTX* context, TlsTicketKeys& keys) {
  SSL_CTX_set_app_data(context, &keys);
  SSL_CTX_clear_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_timeout(context, keys.lifetime_s());
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, TicketCallbacks::choose_key);
  // No data in the first flight: who has copied it could send it again (RFC 8446 section 8).
  SSL_CTX_set_max_early_data(context, 0);
  SSL_CTX_set_recv_max_early_data(context, 0);
  // A session is good for every context that shares the keys.
  constexpr unsigned char kPurpose[] = "gatehouse";
  GATEHOUSE_ASSERT(SSL_CTX_set_session_id_context(context, kPurpose, sizeof kPurpose - 1) == 1);
}

}  // namespace gatehouse::crypto
