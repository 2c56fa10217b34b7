#include "crypto/unix_hash.hpp"

#include <crypt.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <optional>
#include <string>

#include "crypto/digest.hpp"
#include "crypto/password.hpp"

namespace gatehouse::crypto {

namespace {

// The digits of crypt(5), in the order of their values.
constexpr std::string_view kDigits =
    "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

tl::unexpected<Error> corrupt(const char* format, const char* why) {
  return fail(Errc::kCorrupt, fmt::format("stored {} hash: {}", format, why));
}

bool all_digits(std::string_view text) {
  return text.find_first_not_of(kDigits) == std::string_view::npos;
}

bool is_salt_and_hash(std::string_view text, std::size_t salt_max, std::size_t hash_size) {
  const std::size_t dollar = text.find('$');
  return dollar != std::string_view::npos && dollar <= salt_max &&
         text.size() - dollar - 1 == hash_size && all_digits(text.substr(0, dollar)) &&
         all_digits(text.substr(dollar + 1));
}

// "$2b$12$" and 53 digits.
Result<> check_bcrypt(std::string_view stored) {
  constexpr const char* kFormat = "bcrypt";
  const std::string_view cost_text = stored.substr(4, 2);
  unsigned cost = 0;
  const auto [stop, error] =
      std::from_chars(cost_text.data(), cost_text.data() + cost_text.size(), cost);
  if (stored.size() != 60 || stored[6] != '$' || error != std::errc() ||
      stop != cost_text.data() + 2 || !all_digits(stored.substr(7))) {
    return corrupt(kFormat, "malformed");
  }
  if (cost < 4 || cost > kBcryptCostMax) return corrupt(kFormat, "cost out of bounds");
  return {};
}

// "$6$", "rounds=N$" if not 5000, a salt of 1 to 16 characters, "$" and 86 digits.
Result<> check_sha512crypt(std::string_view stored) {
  constexpr const char* kFormat = "sha512crypt";
  constexpr std::string_view kRounds = "rounds=";
  std::string_view text = stored.substr(3);
  if (text.starts_with(kRounds)) {
    text.remove_prefix(kRounds.size());
    std::uint32_t rounds = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, rounds);
    if (error == std::errc::result_out_of_range) return corrupt(kFormat, "cost out of bounds");
    if (error != std::errc() || stop == end || *stop != '$' || text.front() == '0') {
      return corrupt(kFormat, "malformed");
    }
    if (rounds < 1000 || rounds > kShaCryptRoundsMax) {
      return corrupt(kFormat, "cost out of bounds");
    }
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()) + 1);
  }
  const std::size_t dollar = text.find('$');
  if (dollar == std::string_view::npos || dollar < 1 || dollar > 16 ||
      text.substr(0, dollar).find_first_of(std::string_view(":\n\0", 3)) !=
          std::string_view::npos ||
      text.size() - dollar - 1 != 86 || !all_digits(text.substr(dollar + 1))) {
    return corrupt(kFormat, "malformed");
  }
  return {};
}

// The number of one digit, none for a digit that starts a longer number.
std::optional<unsigned> short_number(char digit) {
  const std::size_t value = kDigits.find(digit);
  if (value > 47) return std::nullopt;
  return static_cast<unsigned>(value);
}

// True when 128 * 2^n_log2 * r * p bytes are within kScryptBytesMax.
bool affordable(unsigned n_log2, std::uint64_t r, std::uint64_t p) {
  constexpr std::uint64_t kUnits = kScryptBytesMax / 128;
  return n_log2 >= 1 && n_log2 < 32 && r >= 1 && p >= 1 && r <= kUnits && p <= kUnits / r &&
         (r * p) <= kUnits >> n_log2;
}

// "$y$j" (the default flags), one digit for the logarithm of N, less 1, one for r, less 1, then
// "$salt$hash". Numbers of several digits and further parameters are more than crypt_gensalt()
// ever writes, and refused.
Result<> check_yescrypt(std::string_view stored) {
  constexpr const char* kFormat = "yescrypt";
  const std::string_view text = stored.substr(3);
  if (text.size() < 4 || text[0] != 'j' || text[3] != '$') {
    return corrupt(kFormat, "unusual parameters");
  }
  const auto n_log2 = short_number(text[1]);
  const auto r = short_number(text[2]);
  if (!n_log2 || !r) return corrupt(kFormat, "unusual parameters");
  if (!is_salt_and_hash(text.substr(4), 86, 43)) return corrupt(kFormat, "malformed");
  if (!affordable(*n_log2 + 1, *r + 1u, 1)) return corrupt(kFormat, "cost out of bounds");
  return {};
}

// Five digits, the lowest first.
std::uint64_t five_digits(std::string_view text) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 5; ++i) number |= std::uint64_t{kDigits.find(text[i])} << (6 * i);
  return number;
}

// "$7$", one digit for the logarithm of N, five for r, five for p, "salt$hash".
Result<> check_scrypt(std::string_view stored) {
  constexpr const char* kFormat = "scrypt";
  const std::string_view text = stored.substr(3);
  if (text.size() < 11 || !all_digits(text.substr(0, 11)) ||
      !is_salt_and_hash(text.substr(11), 86, 43)) {
    return corrupt(kFormat, "malformed");
  }
  const auto n_log2 = static_cast<unsigned>(kDigits.find(text[0]));
  if (!affordable(n_log2, five_digits(text.substr(1)), five_digits(text.substr(6)))) {
    return corrupt(kFormat, "cost out of bounds");
  }
  return {};
}

// libxcrypt's work area, wiped: it holds the password for the length of the computation.
struct WipeWorkArea {
  void operator()(crypt_data* data) const {
    wipe(data, sizeof *data);
    delete data;
  }
};

}  // namespace

Result<> check_unix_hash(std::string_view stored) {
  if (stored.starts_with("$2a$") || stored.starts_with("$2b$") || stored.starts_with("$2y$")) {
    return check_bcrypt(stored);
  }
  if (stored.starts_with("$6$")) return check_sha512crypt(stored);
  if (stored.starts_with("$y$")) return check_yescrypt(stored);
  if (stored.starts_with("$7$")) return check_scrypt(stored);
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
