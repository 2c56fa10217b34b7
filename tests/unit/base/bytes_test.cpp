#include "base/bytes.hpp"

#include <gtest/gtest.h>

#include <set>

#include "base/ids.hpp"
#include "base/result.hpp"

namespace gatehouse {
namespace {

TEST(Bytes, BigEndianIsMostSignificantFirst) {
  const std::string bytes("\x00\x80\xff\x01\xfe", 5);
  EXPECT_EQ(load_be16(bytes.data() + 1), 0x80ff);
  EXPECT_EQ(load_be32(bytes.data() + 1), 0x80ff01feu);  // unaligned, with the top bit set
  std::string out(6, 'x');
  store_be16(out.data() + 1, 0xfedc);
  EXPECT_EQ(out, "x\xfe\xdcxxx");
  store_be32(out.data() + 1, 0x80ff01feu);
  EXPECT_EQ(out, "x\x80\xff\x01\xfex");
}

TEST(Bytes, LittleEndianIsLeastSignificantFirst) {
  const std::string bytes("x\xfe\x01\xff\x80\x04\x03\x02\x81", 9);
  EXPECT_EQ(load_le32(bytes.data() + 1), 0x80ff01feu);
  EXPECT_EQ(load_le64(bytes.data() + 1), 0x8102030480ff01feu);
  std::string out(10, 'x');
  store_le64(out.data() + 1, 0x8102030480ff01feu);
  EXPECT_EQ(out, bytes + "x");
  store_le32(out.data() + 5, 1);
  EXPECT_EQ(out, std::string("x\xfe\x01\xff\x80\x01\0\0\0x", 10));
}

TEST(Bytes, StoreAndLoadAreInverse) {
  char buffer[8];
  for (int bit = 0; bit < 64; ++bit) {
    const std::uint64_t v = (std::uint64_t{1} << bit) ^ 0x5a;
    store_le64(buffer, v);
    EXPECT_EQ(load_le64(buffer), v);
    const auto v32 = static_cast<std::uint32_t>(v);
    store_le32(buffer, v32);
    EXPECT_EQ(load_le32(buffer), v32);
    store_be32(buffer, v32);
    EXPECT_EQ(load_be32(buffer), v32);
    const auto v16 = static_cast<std::uint16_t>(v);
    store_be16(buffer, v16);
    EXPECT_EQ(load_be16(buffer), v16);
  }
}

TEST(Ids, ZeroIsNobody) {
  EXPECT_FALSE(ServiceId{});
  EXPECT_TRUE(ServiceId{1});
  EXPECT_FALSE((ConnectionId{5, 0}));
  EXPECT_NE((ConnectionId{5, 1}), (ConnectionId{5, 2}));
  EXPECT_FALSE(AccountId{});
}

TEST(Result, EveryCodeHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(Errc::kIo); ++code) {
    names.insert(name(static_cast<Errc>(code)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Errc::kIo) + 1);
  EXPECT_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace gatehouse
