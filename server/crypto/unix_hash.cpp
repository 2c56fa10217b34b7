#include "crypto/unix_hash.hpp"

#include <crypt.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <optional>
#include <string>

#include "crypto/digest.hpp"
#include "crypto/password.hpp"
#include "crypto/scrypt_hash.hpp"

namespace gatehouse::crypto {

namespace {

// The digits of crypt(5), in the order of their values.
constexpr std::string_view kCryptDigits =
    "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

// What one unit of each algorithm's cost takes.
constexpr VerifyNs kBcryptUnitNs = 55'000;
constexpr VerifyNs kShaCryptRoundNs = 300;
constexpr VerifyNs kMd5CryptNs = 130'000;
constexpr VerifyNs kYescryptUnitNs = 130;  // 128 bytes of memory

bool all_digits(std::string_view text) {
  return text.find_first_not_of(kCryptDigits) == std::string_view::npos;
}

bool is_salt_and_hash(std::string_view text, std::size_t salt_max, std::size_t hash_size) {
  const std::size_t dollar = text.find('$');
  return dollar != std::string_view::npos && dollar <= salt_max &&
         text.size() - dollar - 1 == hash_size && all_digits(text.substr(0, dollar)) &&
         all_digits(text.substr(dollar + 1));
}

// "$2b$12$" and 53 digits.
Result<VerifyNs> check_bcrypt(std::string_view stored) {
  constexpr const char* kFormat = "bcrypt";
  const std::string_view cost_text = stored.substr(4, 2);
  unsigned cost = 0;
  const auto [stop, error] =
      std::from_chars(cost_text.data(), cost_text.data() + cost_text.size(), cost);
  if (stored.size() != 60 || stored[6] != '$' || error != std::errc() ||
      stop != cost_text.data() + 2 || !all_digits(stored.substr(7))) {
    return corrupt_hash(kFormat, "malformed");
  }
  if (cost < 4 || cost > kBcryptCostMax) return corrupt_hash(kFormat, "cost out of bounds");
  return kBcryptUnitNs << cost;
}

// The salts of sha512crypt, sha256crypt and md5crypt: what libxcrypt takes in a setting.
bool is_sha_salt(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; }) &&
         text.find_first_of("!*:;\\") == std::string_view::npos;
}

// "rounds=N$" if not 5000, a salt of 1 to 16 characters, "$" and `hash_size` digits.
Result<VerifyNs> check_sha_crypt(const char* format, std::string_view text, std::size_t hash_size) {
  std::uint32_t rounds = 5000;
  if (take(text, "rounds=")) {
    rounds = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, rounds);
    if (error == std::errc::result_out_of_range) return corrupt_hash(format, "cost out of bounds");
    if (error != std::errc() || stop == end || *stop != '$' || text.front() == '0') {
      return corrupt_hash(format, "malformed");
    }
    if (rounds < 1000 || rounds > kShaCryptRoundsMax) {
      return corrupt_hash(format, "cost out of bounds");
    }
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()) + 1);
  }
  const auto salt = take_field(text);
  if (!salt || salt->empty() || salt->size() > 16 || !is_sha_salt(*salt) ||
      text.size() != hash_size || !all_digits(text)) {
    return corrupt_hash(format, "malformed");
  }
  return kShaCryptRoundNs * rounds;
}

// A salt of 0 to 8 characters, "$" and 22 digits.
Result<VerifyNs> check_md5crypt(std::string_view text) {
  const auto salt = take_field(text);
  if (!salt || salt->size() > 8 || !is_sha_salt(*salt) || text.size() != 22 || !all_digits(text)) {
    return corrupt_hash("md5crypt", "malformed");
  }
  return kMd5CryptNs;
}

// The number of one digit, none for a digit that starts a longer number.
std::optional<unsigned> short_number(char digit) {
  const std::size_t value = kCryptDigits.find(digit);
  if (value > 47) return std::nullopt;
  return static_cast<unsigned>(value);
}

// "j" (the default flags), one digit for the logarithm of N, less 1, one for r, less 1, then
// "$salt$hash". Numbers of several digits and further parameters are more than crypt_gensalt()
// ever writes, and refused.
Result<VerifyNs> check_yescrypt(const char* format, std::string_view text) {
  if (text.size() < 4 || text[0] != 'j' || text[3] != '$') {
    return corrupt_hash(format, "unusual parameters");
  }
  const auto n_log2 = short_number(text[1]);
  const auto r = short_number(text[2]);
  if (!n_log2 || !r) return corrupt_hash(format, "unusual parameters");
  if (!is_salt_and_hash(text.substr(4), 86, 43)) return corrupt_hash(format, "malformed");
  // yescrypt counts its memory as scrypt does, and takes the small N and r that scrypt refuses.
  const std::uint64_t units = std::uint64_t{*r + 1} << (*n_log2 + 1);
  if (*n_log2 > 30 || units > kScryptBytesMax / 128) {
    return corrupt_hash(format, "cost out of bounds");
  }
  return kYescryptUnitNs * units;
}

// Five digits, the lowest first.
std::uint64_t five_digits(std::string_view text) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 5; ++i) {
    number |= std::uint64_t{kCryptDigits.find(text[i])} << (6 * i);
  }
  return number;
}

// One digit for the logarithm of N, five for r, five for p, "salt$hash".
Result<VerifyNs> check_scrypt(std::string_view text) {
  constexpr const char* kFormat = "scrypt";
  if (text.size() < 11 || !all_digits(text.substr(0, 11)) ||
      !is_salt_and_hash(text.substr(11), 86, 43)) {
    return corrupt_hash(kFormat, "malformed");
  }
  const auto n_log2 = static_cast<unsigned>(kCryptDigits.find(text[0]));
  const std::uint64_t r = five_digits(text.substr(1));
  const std::uint64_t p = five_digits(text.substr(6));
  if (!valid_scrypt_cost(n_log2, r, p)) return corrupt_hash(kFormat, "cost out of bounds");
  return scrypt_verify_ns(n_log2, r, p);
}

// libxcrypt's work area, wiped: it holds the password for the length of the computation.
struct WipeWorkArea {
  void operator()(crypt_data* data) const {
    wipe(data, sizeof *data);
    delete data;
  }
};

}  // namespace

Result<VerifyNs> check_unix_hash(std::string_view stored) {
  std::string_view text = stored;
  if (take(text, "$2a$") || take(text, "$2b$") || take(text, "$2y$")) return check_bcrypt(stored);
  if (take(text, "$6$")) return check_sha_crypt("sha512crypt", text, 86);
  if (take(text, "$5$")) return check_sha_crypt("sha256crypt", text, 43);
  if (take(text, "$1$")) return check_md5crypt(text);
  if (take(text, "$y$")) return check_yescrypt("yescrypt", text);
  if (take(text, "$gy$")) return check_yescrypt("gost-yescrypt", text);
  if (take(text, "$7$")) return check_scrypt(text);
  return fail(Errc::kCorrupt, "stored password of an unknown format");
}

Result<bool> verify_unix_hash(const Secret& password, std::string_view stored) {
  if (auto checked = check_unix_hash(stored); !checked) return tl::unexpected(checked.error());
  // A C string ends at a NUL and libxcrypt refuses long ones. The shortened password is hashed
  // all the same, for the time it takes; it never counts as right.
  const std::string_view whole = password.reveal();
  std::string_view usable = whole.substr(0, whole.find('\0'));
  usable = usable.substr(0, CRYPT_MAX_PASSPHRASE_SIZE - 1);
  const Secret phrase{std::string(usable)};
  const std::string setting(stored);
  const std::unique_ptr<crypt_data, WipeWorkArea> data(new crypt_data{});
  errno = 0;
  const char* const made =
      crypt_rn(phrase.reveal().data(), setting.c_str(), data.get(), sizeof *data);
  if (made == nullptr) {
    if (errno == ENOMEM) return fail(Errc::kUnavailable, "no memory to verify a password");
    return fail(Errc::kCorrupt, "stored password refused by libcrypt");
  }
  return constant_time_equal(made, stored) && usable.size() == whole.size();
}

}  // namespace gatehouse::crypto
