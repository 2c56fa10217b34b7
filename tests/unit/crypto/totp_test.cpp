#include "crypto/totp.hpp"

#include "support.hpp"
#include "test_world.hpp"

namespace gatehouse::crypto {
namespace {

// The key of RFC 4226 appendix D and RFC 6238 appendix B.
Secret rfc_key() {
  return Secret(std::string("12345678901234567890"));
}

std::string code_at(std::uint64_t step) {
  return std::string(totp_code(rfc_key(), step).reveal());
}

TEST(Totp, MakesTheCodesOfRfc4226) {
  const char* const codes[] = {"755224", "287082", "359152", "969429", "338314",
                               "254676", "287922", "162583", "399871", "520489"};
  for (std::uint64_t step = 0; step < 10; ++step) EXPECT_EQ(code_at(step), codes[step]) << step;
}

// The RFC's codes have eight digits; the last six are the code of six.
TEST(Totp, MakesTheCodesOfRfc6238) {
  const std::pair<std::int64_t, const char*> vectors[] = {
      {59, "287082"},         {1111111109, "081804"}, {1111111111, "050471"},
      {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"}};
  for (const auto& [unix_s, code] : vectors) {
    EXPECT_EQ(code_at(totp_step(unix_s)), code) << unix_s;
    EXPECT_EQ(totp_match(rfc_key(), code, unix_s), totp_step(unix_s)) << unix_s;
  }
  EXPECT_EQ(totp_step(1111111109), 0x23523ECu);
  EXPECT_EQ(totp_step(20000000000), 0x27BC86AAu);
}

TEST(Totp, StepsAreThirtySeconds) {
  EXPECT_EQ(totp_step(0), 0u);
  EXPECT_EQ(totp_step(29), 0u);
  EXPECT_EQ(totp_step(30), 1u);
  EXPECT_EQ(totp_step(-1), 0u);
  EXPECT_EQ(totp_step(INT64_MIN), 0u);
  EXPECT_EQ(totp_step(INT64_MAX), static_cast<std::uint64_t>(INT64_MAX / 30));
}

TEST(Totp, TakesTheCodesBesideTheCurrentOne) {
  const std::int64_t now_s = 1'700'000'000;
  const std::uint64_t now = totp_step(now_s);
  for (std::uint64_t step = now - 5; step <= now + 5; ++step) {
    const bool near = step + 1 >= now && step <= now + 1;
    const auto matched = totp_match(rfc_key(), code_at(step), now_s);
    EXPECT_EQ(matched, near ? std::optional(step) : std::nullopt) << step;
  }
}

TEST(Totp, KnowsNoStepBeforeTheFirst) {
  EXPECT_EQ(totp_match(rfc_key(), "755224", 0), 0u);
  EXPECT_EQ(totp_match(rfc_key(), "287082", 0), 1u);
  EXPECT_EQ(totp_match(rfc_key(), code_at(~std::uint64_t{0}), 0), std::nullopt);
}

TEST(Totp, RefusesWhatIsNotSixDigits) {
  const std::int64_t now_s = 1234567890;  // "005924"
  for (const char* code : {"", "5924", "05924", "0005924", "89005924", " 05924", "005924 ",
                           "+05924", "-05924", "00592a", "00592\n", "００５９２４", "005925"}) {
    EXPECT_EQ(totp_match(rfc_key(), code, now_s), std::nullopt) << code;
  }
  EXPECT_EQ(totp_match(rfc_key(), std::string_view("00592\0", 6), now_s), std::nullopt);
  EXPECT_EQ(totp_match(rfc_key(), std::string_view("005924\0", 7), now_s), std::nullopt);
  EXPECT_EQ(totp_match(Secret(std::string("another key")), "005924", now_s), std::nullopt);
}

TEST(Totp, NewKeysAreTwentyRandomBytes) {
  const Secret one = new_totp_key(test_world().random);
  EXPECT_EQ(one.size(), 20u);
  EXPECT_NE(one.reveal(), new_totp_key(test_world().random).reveal());
}

TEST(Totp, UriIsWhatAppsRead) {
  EXPECT_EQ(totp_uri("gatehouse", "test1", rfc_key()).reveal(),
            "otpauth://totp/gatehouse:test1?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
            "&issuer=gatehouse");
  EXPECT_EQ(totp_uri("A & B: 1/2?#%", "严~-._", Secret(std::string("k"))).reveal(),
            "otpauth://totp/A%20%26%20B%3A%201%2F2%3F%23%25:%E4%B8%A5~-._?secret=NM"
            "&issuer=A%20%26%20B%3A%201%2F2%3F%23%25");
}

}  // namespace
}  // namespace gatehouse::crypto
