// What the tests of stored passwords share.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "crypto/password.hpp"

namespace gatehouse::crypto {

// The password of most stored texts of these tests.
inline constexpr std::string_view kPassword = "correct horse 严";

inline Secret secret(std::string_view text) {
  return Secret(std::string(text));
}

// "true", "false" or the name of the error. check_stored_password() must refuse exactly what
// verify_password() calls corrupt, with a reason.
inline std::string verdict(std::string_view password, std::string_view stored) {
  const auto checked = check_stored_password(stored);
  const auto result = verify_password(secret(password), stored);
  const bool corrupt = !result && result.error().code == Errc::kCorrupt;
  EXPECT_EQ(checked.has_value(), !corrupt) << stored;
  if (!checked) {
    EXPECT_EQ(checked.error().code, Errc::kCorrupt) << stored;
    EXPECT_FALSE(checked.error().message.empty()) << stored;
  }
  if (!result) return std::string(name(result.error().code));
  return *result ? "true" : "false";
}

}  // namespace gatehouse::crypto
