#include <random>

#include "crypto/skynet_suite.hpp"
#include "support.hpp"

namespace gatehouse::crypto {
namespace {

constexpr std::string_view kKey = "12345678";
constexpr const char* kBadText = "error: Invalid des crypt text";

struct DesRow {
  const char* plain;
  const char* iso7816_4;
  const char* pkcs7;
};

// The table of docs/skynet-rules.md 4.1.
constexpr DesRow kTable[] = {
    {"", "8d3d438a718b4510", "feb959b7d4642fcb"},
    {"a", "443a09928d9ac952", "2f1518e5843f0f69"},
    {"1234567", "8f0d7f23efa6d019", "998a3e058213e353"},
    {"12345678", "96d0028878d58c898d3d438a718b4510", "96d0028878d58c89feb959b7d4642fcb"},
    {"123456789", "96d0028878d58c890b175a65636dad05", "96d0028878d58c8928b46a38a7a27092"},
};

// One block encrypted with nothing added, so that a test can make any padding it likes.
std::string raw_block(std::string_view block) {
  return des_encode(kKey, block).value().substr(0, 8);
}

TEST(SkynetDes, TableOfSection41) {
  for (const DesRow& row : kTable) {
    EXPECT_EQ(shown(des_encode(kKey, row.plain)), row.iso7816_4);
    EXPECT_EQ(shown(des_encode(kKey, row.plain, DesPadding::kPkcs7)), row.pkcs7);
    EXPECT_EQ(des_decode(kKey, bytes(row.iso7816_4)).value(), row.plain);
    EXPECT_EQ(des_decode(kKey, bytes(row.pkcs7), DesPadding::kPkcs7).value(), row.plain);
  }
}

TEST(SkynetDes, IgnoresParityBits) {
  EXPECT_EQ(shown(des_encode("03254769", "a")), shown(des_encode("12345678", "a")));
}

TEST(SkynetDes, EveryLengthComesBack) {
  for (std::size_t size = 0; size < 100; ++size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(i % 3 == 0 ? 0x80 : 0);
    for (const DesPadding padding : {DesPadding::kIso7816_4, DesPadding::kPkcs7}) {
      const std::string sealed = des_encode(kKey, text, padding).value();
      EXPECT_EQ(sealed.size(), (size / 8 + 1) * 8);
      EXPECT_EQ(des_decode(kKey, sealed, padding).value(), text);
    }
  }
}

TEST(SkynetDes, RefusesWrongSizesInSkynetsWords) {
  for (const std::size_t size : {0u, 7u, 9u}) {
    const std::string key(size, 'k');
    const std::string message =
        "error: Invalid key size " + std::to_string(size) + ", need 8 bytes";
    EXPECT_EQ(shown(des_encode(key, "a")), message);
    EXPECT_EQ(shown(des_decode(key, "12345678")), message);
  }
  for (const std::size_t size : {0u, 1u, 7u, 9u}) {
    EXPECT_EQ(shown(des_decode(kKey, std::string(size, 'x'))),
              "error: Invalid des crypt text length " + std::to_string(size));
  }
}

TEST(SkynetDes, PaddingModeByNumber) {
  EXPECT_EQ(des_padding(0).value(), DesPadding::kIso7816_4);
  EXPECT_EQ(des_padding(1).value(), DesPadding::kPkcs7);
  EXPECT_EQ(des_padding(2).error().message, "Invalid padding mode 2");
  EXPECT_EQ(des_padding(-1).error().message, "Invalid padding mode -1");
}

TEST(SkynetDes, RefusesBrokenIsoPadding) {
  EXPECT_EQ(shown(des_decode(kKey, raw_block(std::string(8, '\0')))), kBadText);
  EXPECT_EQ(shown(des_decode(kKey, raw_block("1234567\x01"))), kBadText);
  // A mark further back than one block is no padding.
  const std::string far = raw_block("1234567\x80") + raw_block(std::string(8, '\0'));
  EXPECT_EQ(shown(des_decode(kKey, far)), kBadText);
}

// docs/skynet-rules.md 5.1, row 14: the length is bounded before the bytes are looked at.
TEST(SkynetDes, RefusesBrokenPkcs7Padding) {
  using namespace std::string_literals;
  for (const std::string& block :
       {"1234567\x00"s, "1234567\x09"s, "1234567\xff"s, "123456\x01\x02"s, "12345\x02\x03\x03"s,
        "\x07\x08\x08\x08\x08\x08\x08\x08"s}) {
    EXPECT_EQ(shown(des_decode(kKey, raw_block(block), DesPadding::kPkcs7)), kBadText)
        << hex_encode(block);
  }
  const std::string two_blocks =
      raw_block(std::string(8, '\x10')) + raw_block(std::string(8, '\x10'));
  EXPECT_EQ(shown(des_decode(kKey, two_blocks, DesPadding::kPkcs7)), kBadText);
  EXPECT_EQ(des_decode(kKey, raw_block(std::string(8, '\x08')), DesPadding::kPkcs7).value(), "");
}

TEST(SkynetDes, AWrongKeyRarelyPasses) {
  const std::string sealed = des_encode(kKey, "aGVsbG8=@c2FtcGxl:cGFzc3dvcmQ=").value();
  std::mt19937_64 random(8);
  int passed = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t word = random();
    const std::string key(reinterpret_cast<const char*>(&word), 8);
    if (des_decode(key, sealed)) ++passed;
  }
  EXPECT_LT(passed, 40);  // about one in 255 ends in 0x80
}

}  // namespace
}  // namespace gatehouse::crypto
