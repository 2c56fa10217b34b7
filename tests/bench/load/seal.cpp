#include "seal.hpp"

#include <openssl/evp.h>

#include <stdexcept>

#include "base/bytes.hpp"
#include "crypto/digest.hpp"

namespace gatehouse::bench {
namespace {

constexpr std::size_t kKeyBytes = 32, kNonceBytes = 12;

const unsigned char* unsigned_bytes(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

void Seal::Free::operator()(evp_cipher_ctx_st* context) const {
  EVP_CIPHER_CTX_free(context);
}

Seal::Seal(std::string_view secret, std::string_view text, Side side)
    : context_(EVP_CIPHER_CTX_new()) {
  const bool is_sealing = side == Side::kToServer;
  const Secret key = crypto::hkdf_sha256(
      secret, text, is_sealing ? "gatehouse gate 1 c2s" : "gatehouse gate 1 s2c", kKeyBytes);
  if (EVP_CipherInit_ex(context_.get(), EVP_aes_256_gcm(), nullptr, unsigned_bytes(key.reveal()),
                        nullptr, is_sealing ? 1 : 0) != 1) {
    throw std::runtime_error("OpenSSL has no AES-256-GCM");
  }
}

void Seal::next_nonce(unsigned char* nonce) {
  char* const bytes = reinterpret_cast<char*>(nonce);
  store_be32(bytes, 0);
  store_be32(bytes + 4, static_cast<std::uint32_t>(counter_ >> 32));
  store_be32(bytes + 8, static_cast<std::uint32_t>(counter_));
  ++counter_;
}

void Seal::seal(std::string_view body, std::string& out) {
  unsigned char nonce[kNonceBytes];
  next_nonce(nonce);
  const std::size_t start = out.size();
  out.resize(start + body.size() + kTagBytes);
  auto* const to = reinterpret_cast<unsigned char*>(out.data() + start);
  int size = 0, rest = 0;
  if (EVP_EncryptInit_ex(context_.get(), nullptr, nullptr, nullptr, nonce) != 1 ||
      EVP_EncryptUpdate(context_.get(), to, &size, unsigned_bytes(body),
                        static_cast<int>(body.size())) != 1 ||
      EVP_EncryptFinal_ex(context_.get(), to + size, &rest) != 1 ||
      EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, to + body.size()) != 1) {
    throw std::runtime_error("OpenSSL does not seal");
  }
}

bool Seal::open(std::string_view sealed, std::string_view& body) {
  if (sealed.size() < kTagBytes) return false;
  unsigned char nonce[kNonceBytes];
  next_nonce(nonce);
  const std::string_view text = sealed.substr(0, sealed.size() - kTagBytes);
  if (opened_.size() < text.size()) opened_.resize(text.size());
  auto* const to = reinterpret_cast<unsigned char*>(opened_.data());
  auto* const tag = const_cast<unsigned char*>(unsigned_bytes(sealed.substr(text.size())));
  int size = 0, rest = 0;
  if (EVP_DecryptInit_ex(context_.get(), nullptr, nullptr, nullptr, nonce) != 1 ||
      EVP_DecryptUpdate(context_.get(), to, &size, unsigned_bytes(text),
                        static_cast<int>(text.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag) != 1 ||
      EVP_DecryptFinal_ex(context_.get(), to + size, &rest) != 1) {
    return false;
  }
  body = std::string_view(opened_).substr(0, text.size());
  return true;
}

}  // namespace gatehouse::bench
