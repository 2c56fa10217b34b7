// Stored passwords and the hashes of an import: what is taken can be verified, at a bounded cost.
// An input is a format's number, a name, a salt and a hash, a line each; the hash is a stored text,
// too.
#include "crypto/password.hpp"

#include "crypto/password_import.hpp"
#include "fuzz.hpp"

namespace gatehouse::crypto {

namespace {

// No verification takes longer than the most expensive form within the bounds of password.hpp.
constexpr std::uint64_t kVerifyNsMax = 120'000'000'000;
// Up to here a target verifies for real.
constexpr std::uint64_t kCheapNs = 20'000;

void check_stored(std::string_view stored) {
  const auto checked = check_stored_password(stored);
  const auto takes_ns = estimate_verify_ns(stored);
  GATEHOUSE_ASSERT(checked.has_value() == takes_ns.has_value());
  static_cast<void>(needs_rehash(stored, {}));
  const Secret password(std::string("secret"));
  if (!checked) {
    GATEHOUSE_ASSERT(checked.error().code == Errc::kCorrupt && !checked.error().message.empty());
    GATEHOUSE_ASSERT(cheap_to_verify(stored) && needs_rehash(stored, {}));
    GATEHOUSE_ASSERT(!verify_password(password, stored));
    return;
  }
  GATEHOUSE_ASSERT(*takes_ns <= kVerifyNsMax);
  if (*takes_ns <= kCheapNs) GATEHOUSE_ASSERT(verify_password(password, stored));
}

}  // namespace

FUZZ_TARGET(password) {
  fuzz::Input choices(input);
  const std::string_view format = kImportFormats[choices.byte() % kImportFormats.size()];
  const std::string_view name = choices.line();
  const std::string_view salt = choices.line();
  const std::string_view hash = choices.rest();
  check_stored(hash);
  if (const auto stored = stored_from_import(format, name, hash, salt)) {
    GATEHOUSE_ASSERT(stored->size() <= kStoredPasswordCharactersMax);
    check_stored(*stored);
    GATEHOUSE_ASSERT(check_stored_password(*stored));
    GATEHOUSE_ASSERT(stored_from_import("stored", name, *stored, "").value() == *stored);
  }
}

}  // namespace gatehouse::crypto
