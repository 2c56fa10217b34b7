#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <ctime>

#include "base/assert.hpp"
#include "crypto/tls.hpp"
#include "crypto/tls_error.hpp"

namespace gatehouse::crypto {

namespace {

constexpr std::size_t kFileBytesMax = std::size_t{1} << 20;
constexpr std::size_t kAlpnNameBytesMax = 255;

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;

struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using X509Pointer = std::unique_ptr<X509, FreeCertificate>;

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};

struct FreeChain {
  void operator()(STACK_OF(X509) * chain) const { sk_X509_pop_free(chain, X509_free); }
};

Bio view_bio(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Instead of OpenSSL's own, which asks on the terminal.
int no_password(char*, int, int, void*) {
  return -1;
}

Result<Secret> read_file(const std::string& file) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in(std::fopen(file.c_str(), "rb"),
                                                           &std::fclose);
  if (!in) return fail(Errc::kIo, "cannot open " + file);
  std::string text(kFileBytesMax + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), in.get()));
  if (std::ferror(in.get()) != 0) return fail(Errc::kIo, "cannot read " + file);
  if (text.size() > kFileBytesMax) return fail(Errc::kInvalid, file + " is too long");
  return Secret(std::move(text));
}

std::int64_t unix_time(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<std::int64_t>(timegm(&parts)) : 0;
}

std::string text_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

// The first DNS name; a certificate that has none is for its subject's common name, and may be for
// addresses only.
std::string first_name(X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      &GENERAL_NAMES_free);
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) return text_of(name->d.dNSName);
  }
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  return at < 0 ? "" : text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

tl::unexpected<Error> in_file(const std::string& file, const Error& error) {
  return fail(error.code, file + ": " + error.message);
}

}  // namespace

struct TlsContext::Certificate {
  X509Pointer leaf;
  std::unique_ptr<EVP_PKEY, FreeKey> key;
  std::unique_ptr<STACK_OF(X509), FreeChain> chain{sk_X509_new_null()};
  std::string name;  // the first it is for

  [[nodiscard]] bool is_for(const char* server_name) const {
    return X509_check_host(leaf.get(), server_name, 0, 0, nullptr) == 1;
  }
  [[nodiscard]] bool use(SSL* ssl) const {
    return SSL_use_cert_and_key(ssl, leaf.get(), key.get(), chain.get(), 1) == 1;
  }
};

// What OpenSSL calls in a handshake; the argument is the context, which outlives the session.
struct TlsCallbacks {
  static int choose_certificate(SSL* ssl, void* argument) {
    const auto& context = *static_cast<const TlsContext*>(argument);
    if (SSL_is_server(ssl) == 0) return 1;
    if (!context.has_certificate()) return 0;
    SSL_certs_clear(ssl);
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    return context.use_certificates_for(name, ssl) ? 1 : 0;
  }

  static int choose_alpn(SSL*, const unsigned char** out, unsigned char* out_size,
                         const unsigned char* offered, unsigned int offered_size, void* argument) {
    const std::string& own = static_cast<const TlsContext*>(argument)->alpn_;
    unsigned char* chosen = nullptr;
    const int found =
        SSL_select_next_proto(&chosen, out_size, reinterpret_cast<const unsigned char*>(own.data()),
                              static_cast<unsigned int>(own.size()), offered, offered_size);
    *out = chosen;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
  }
};

TlsContext::TlsContext(ssl_ctx_st* context) : context_(context) {}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

Result<std::shared_ptr<TlsContext>> TlsContext::make() {
  ERR_clear_error();
  SSL_CTX* context = SSL_CTX_new(TLS_method());
  if (context == nullptr) return fail(Errc::kIo, "TLS does not start: " + take_tls_reason());
  std::shared_ptr<TlsContext> made(new TlsContext(context));
  GATEHOUSE_ASSERT(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_dh_auto(context, 1);
  SSL_CTX_set_cert_cb(context, TlsCallbacks::choose_certificate, made.get());
  return made;
}

Result<> TlsContext::add_certificate(std::string_view chain_pem, const Secret& key_pem) {
  ERR_clear_error();
  auto added = std::make_unique<Certificate>();
  const Bio certificates = view_bio(chain_pem);
  added->leaf.reset(PEM_read_bio_X509(certificates.get(), nullptr, no_password, nullptr));
  if (!added->leaf) return fail(Errc::kInvalid, "no certificate in PEM: " + take_tls_reason());
  while (X509* next = PEM_read_bio_X509(certificates.get(), nullptr, no_password, nullptr)) {
    sk_X509_push(added->chain.get(), next);
  }
  ERR_clear_error();
  const Bio key = view_bio(key_pem.reveal());
  added->key.reset(PEM_read_bio_PrivateKey(key.get(), nullptr, no_password, nullptr));
  if (!added->key) return fail(Errc::kInvalid, "no key in PEM: " + take_tls_reason());
  // A session tries them: the key may belong to another certificate, or be too weak.
  const std::unique_ptr<SSL, void (*)(SSL*)> probe(SSL_new(context_), &SSL_free);
  GATEHOUSE_ASSERT(probe != nullptr);
  if (!added->use(probe.get())) {
    return fail(Errc::kInvalid, "the certificate is refused: " + take_tls_reason());
  }
  added->name = first_name(added->leaf.get());
  certificates_.push_back(std::move(added));
  return {};
}

Result<> TlsContext::load_certificate(const std::string& chain_file, const std::string& key_file) {
  const auto chain = read_file(chain_file);
  if (!chain) return tl::unexpected(chain.error());
  const auto key = read_file(key_file);
  if (!key) return tl::unexpected(key.error());
  const auto added = add_certificate(chain->reveal(), *key);
  if (!added) return in_file(chain_file, added.error());
  return {};
}

void TlsContext::forget_older_certificates() {
  GATEHOUSE_ASSERT(has_certificate());
  certificates_.erase(certificates_.begin(), certificates_.end() - 1);
}

// OpenSSL keeps one of each kind of key for a session, and shows one that the client can verify.
bool TlsContext::use_certificates_for(const char* server_name, SSL* ssl) const {
  const Certificate* first = nullptr;
  if (server_name != nullptr) {
    for (const auto& each : certificates_) {
      if (!each->is_for(server_name)) continue;
      first = each.get();
      break;
    }
  }
  const std::string name = first != nullptr ? server_name : certificates_.front()->name;
  if (first == nullptr) first = certificates_.front().get();
  std::vector<int> kinds;
  for (const auto& each : certificates_) {
    if (each.get() != first && !each->is_for(name.c_str())) continue;
    const int kind = EVP_PKEY_get_base_id(each->key.get());
    if (std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) continue;
    kinds.push_back(kind);
    if (!each->use(ssl)) return false;
  }
  return true;
}

std::vector<TlsCertificate> TlsContext::certificates() const {
  std::vector<TlsCertificate> all;
  for (const auto& each : certificates_) {
    all.push_back({each->name, unix_time(X509_get0_notBefore(each->leaf.get())),
                   unix_time(X509_get0_notAfter(each->leaf.get()))});
  }
  return all;
}

void TlsContext::set_ticket_keys(std::shared_ptr<TlsTicketKeys> keys) {
  ticket_keys_ = std::move(keys);
  use_tickets(context_, *ticket_keys_);
}

void TlsContext::require_tls13() {
  GATEHOUSE_ASSERT(SSL_CTX_set_min_proto_version(context_, TLS1_3_VERSION) == 1);
}

Result<> TlsContext::trust_pem(std::string_view pem) {
  ERR_clear_error();
  const Bio bio = view_bio(pem);
  X509_STORE* store = SSL_CTX_get_cert_store(context_);
  std::size_t count = 0;
  while (const X509Pointer next{PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr)}) {
    if (X509_STORE_add_cert(store, next.get()) != 1) {
      return fail(Errc::kInvalid, "the certificate is refused: " + take_tls_reason());
    }
    ++count;
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string reason = take_tls_reason();
  if (count == 0 || !at_end) return fail(Errc::kInvalid, "no certificate in PEM: " + reason);
  return {};
}

Result<> TlsContext::trust_file(const std::string& file) {
  const auto pem = read_file(file);
  if (!pem) return tl::unexpected(pem.error());
  const auto trusted = trust_pem(pem->reveal());
  if (!trusted) return in_file(file, trusted.error());
  return {};
}

Result<> TlsContext::trust_system() {
  ERR_clear_error();
  if (SSL_CTX_set_default_verify_paths(context_) == 1) return {};
  return fail(Errc::kIo, "the system's certificates cannot be read: " + take_tls_reason());
}

Result<> TlsContext::set_ciphers(const std::string& list) {
  std::string older, newer;
  for (std::size_t from = 0; from <= list.size();) {
    const std::size_t colon = std::min(list.find(':', from), list.size());
    const std::string word = list.substr(from, colon - from);
    from = colon + 1;
    std::string& words = word.starts_with("TLS_") ? newer : older;
    if (!word.empty()) words += (words.empty() ? "" : ":") + word;
  }
  ERR_clear_error();
  const bool named = !older.empty() || !newer.empty();
  const bool good = named &&
                    (older.empty() || SSL_CTX_set_cipher_list(context_, older.c_str()) == 1) &&
                    (newer.empty() || SSL_CTX_set_ciphersuites(context_, newer.c_str()) == 1);
  if (good) return {};
  return fail(Errc::kInvalid, "no ciphers: " + (named ? take_tls_reason() : "an empty list"));
}

Result<> TlsContext::set_alpn(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const std::string& name : protocols) {
    if (name.empty() || name.size() > kAlpnNameBytesMax) {
      return fail(Errc::kInvalid, "a protocol's name has 1 to 255 bytes");
    }
    wire += static_cast<char>(name.size());
    wire += name;
  }
  if (wire.size() > UINT16_MAX) return fail(Errc::kInvalid, "too many protocols");
  // Zero is success here, unlike elsewhere in OpenSSL.
  GATEHOUSE_ASSERT(SSL_CTX_set_alpn_protos(context_,
                                           reinterpret_cast<const unsigned char*>(wire.data()),
                                           static_cast<unsigned int>(wire.size())) == 0);
  alpn_ = std::move(wire);
  SSL_CTX_set_alpn_select_cb(context_, alpn_.empty() ? nullptr : TlsCallbacks::choose_alpn, this);
  return {};
}

}  // namespace gatehouse::crypto
