// Vector files and byte helpers of the protocol tests.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/encoding.hpp"
#include "protocol/login_suite.hpp"

namespace gatehouse::protocol {

inline nlohmann::json load_cases(const std::string& file) {
  std::ifstream in(std::string(GATEHOUSE_VECTORS_DIR) + "/" + file);
  auto cases = nlohmann::json::parse(in).at("cases");
  if (cases.empty()) throw std::runtime_error("no cases in " + file);
  return cases;
}

inline std::string unhex(std::string_view text) {
  return crypto::hex_decode(text).value();
}

inline std::string text_of(const nlohmann::json& value) {
  return value.get<std::string>();
}

inline LoginRandomness make_randomness(std::string_view challenge, std::string_view key) {
  LoginRandomness randomness;
  EXPECT_EQ(challenge.size(), randomness.challenge.size());
  EXPECT_LE(key.size(), randomness.private_key.size());
  challenge.copy(randomness.challenge.data(), challenge.size());
  key.copy(randomness.private_key.data(), key.size());
  return randomness;
}

// The stream cut in every two pieces, then byte by byte.
inline std::vector<std::vector<std::string>> all_cuts(const std::string& stream) {
  std::vector<std::vector<std::string>> cuts;
  for (std::size_t i = 0; i <= stream.size(); ++i)
    cuts.push_back({stream.substr(0, i), stream.substr(i)});
  cuts.emplace_back();
  for (const char c : stream) cuts.back().emplace_back(1, c);
  return cuts;
}

}  // namespace gatehouse::protocol
