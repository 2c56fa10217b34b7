// What the crypto tests share: bytes from hex, and the vector files.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "crypto/encoding.hpp"

namespace gatehouse::crypto {

// The bytes of `hex`; a failed test and nothing when it is no hex.
inline std::string bytes(std::string_view hex) {
  auto decoded = hex_decode(hex);
  EXPECT_TRUE(decoded.has_value()) << hex;
  return decoded.value_or("");
}

inline nlohmann::json vector_cases(const std::string& file) {
  std::ifstream in(std::string(GATEHOUSE_VECTORS_DIR) + "/" + file);
  EXPECT_TRUE(in.is_open()) << file;
  return nlohmann::json::parse(in).at("cases");
}

// A result's value in hex, or "error: " and its message.
inline std::string shown(const Result<std::string>& result) {
  return result ? hex_encode(*result) : "error: " + result.error().message;
}

}  // namespace gatehouse::crypto
