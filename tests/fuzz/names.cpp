// The names of players and servers, and UTF-8 under them: a name that is taken is in its normal
// form, within its length, and what every other reader of UTF-8 takes for the same.
#include <unicode/ustring.h>

#include "base/limits.hpp"
#include "base/server_name.hpp"
#include "base/user_name.hpp"
#include "base/utf8.hpp"
#include "fuzz.hpp"

namespace gatehouse {

namespace {

bool icu_takes(std::string_view text) {
  std::int32_t units = 0;
  UErrorCode error = U_ZERO_ERROR;
  u_strFromUTF8(nullptr, 0, &units, text.data(), static_cast<std::int32_t>(text.size()), &error);
  return error == U_BUFFER_OVERFLOW_ERROR || U_SUCCESS(error);
}

}  // namespace

FUZZ_TARGET(names) {
  const auto characters = utf8_characters(input);
  GATEHOUSE_ASSERT(characters.has_value() == icu_takes(input));
  if (characters) GATEHOUSE_ASSERT(*characters <= input.size());
  const std::string fitted = fit_text(input, 10);
  GATEHOUSE_ASSERT(utf8_characters(fitted).value() <= 10);
  GATEHOUSE_ASSERT(fitted.find('\0') == std::string::npos);

  if (const auto user = normalise_user_name(input)) {
    GATEHOUSE_ASSERT(characters);
    const std::size_t count = utf8_characters(*user).value();
    GATEHOUSE_ASSERT(count >= 1 && count <= kUserNameCharactersMax);
    GATEHOUSE_ASSERT(normalise_user_name(*user).value() == *user);
    for (const char c : *user) GATEHOUSE_ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    if (check_new_user_name(*user, NewNames::kStrict))
      GATEHOUSE_ASSERT(user->front() != ' ' && user->back() != ' ');
    GATEHOUSE_ASSERT(check_new_user_name(*user, NewNames::kAny));
  }
  if (const auto server = normalise_server_name(input)) {
    GATEHOUSE_ASSERT(check_server_name(*server) && server->size() <= kServerNameBytesMax);
    GATEHOUSE_ASSERT(normalise_server_name(*server).value() == *server);
  }
  const std::string folded = fold_name(input);
  if (!characters) {
    GATEHOUSE_ASSERT(folded == input);
  } else {
    GATEHOUSE_ASSERT(utf8_characters(folded) && fold_name(folded) == folded);
  }
}

}  // namespace gatehouse
