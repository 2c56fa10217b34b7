#include "config/identity.hpp"

#include <functional>
#include <utility>

#include "base/file_text.hpp"
#include "base/file_trust.hpp"
#include "base/secret_file.hpp"
#include "config/identity_key.hpp"
#include "crypto/encoding.hpp"
#include "crypto/x25519.hpp"

namespace gatehouse::config {
namespace {

constexpr std::size_t kKeyFileBytesMax = 65'536;
constexpr const char* kFileKey = "identity_key_file";

// A later reading finds another key in the same file.
void note_identity(Config& config) {
  config.values[std::string("login.") + kFileKey] ^=
      std::hash<std::string>()(identity_public(config));
}

}  // namespace

Result<Secret> read_identity_file(const std::string& path) {
  if (auto trusted = check_secret_file(path); !trusted)
    return tl::unexpected<Error>(trusted.error());
  auto file = read_file(path, kKeyFileBytesMax);
  if (!file) return tl::unexpected<Error>(file.error());
  auto key = read_identity_key(file->text);
  wipe(file->text.data(), file->text.size());
  if (!key) return fail(key.error().code, path + " " + key.error().message);
  return key;
}

Result<Secret> make_identity_file(Random& random, const std::string& path) {
  Secret key(random.bytes(crypto::kEd25519KeyBytes));
  const Secret pem = identity_key_pem(key);
  if (auto made = make_secret_file(path, pem.reveal()); !made)
    return tl::unexpected<Error>(made.error());
  return key;
}

void read_identity(ConfigReader& reader, Config& config) {
  reader.read(kFileKey, config.identity_file);
  reader.read("identity_key_make", config.identity_make);
  if (config.identity_file.empty()) {
    if (config.identity_make) reader.reject("identity_key_make", "needs identity_key_file");
    return;
  }
  auto key = read_identity_file(config.identity_file);
  if (key) {
    config.login.identity_key = std::move(*key);
    note_identity(config);
  } else if (key.error().code != Errc::kNotFound) {
    reader.reject(kFileKey, key.error().message);
  } else if (!config.identity_make) {
    reader.reject(kFileKey, config.identity_file +
                                " does not exist: `gatectl identity` makes the key, which clients "
                                "then pin");
  }
}

Result<bool> make_identity(Random& random, Config& config) {
  const bool wanted = config.login_role && config.identity_make;
  if (!wanted || !config.login.identity_key.empty()) return false;
  auto key = make_identity_file(random, config.identity_file);
  if (!key) return fail(key.error().code, "login.identity_key_file: " + key.error().message);
  config.login.identity_key = std::move(*key);
  note_identity(config);
  return true;
}

std::string identity_public(const Config& config) {
  if (config.login.identity_key.empty()) return {};
  return crypto::base64_encode(crypto::ed25519_public(config.login.identity_key.reveal()).value());
}

}  // namespace gatehouse::config
