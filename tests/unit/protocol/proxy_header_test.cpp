// The PROXY header by its specification: what HAProxy and nginx send, and what nobody may.
#include "protocol/proxy_header.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "protocol/first_bytes.hpp"

namespace gatehouse::protocol {
namespace {

using ProxyStatus = ProxyReader::Status;
using ProxyOrigin = ProxyHeader::Origin;

std::string proxy_extension(unsigned char type, std::string_view value) {
  std::string text(1, static_cast<char>(type));
  text.resize(3);
  store_be16(text.data() + 1, static_cast<std::uint16_t>(value.size()));
  return text.append(value);
}

std::string proxy_binary(unsigned char command, unsigned char family, std::string_view block) {
  std::string text(kProxyV2Signature);
  text += static_cast<char>(command);
  text += static_cast<char>(family);
  text.resize(16);
  store_be16(text.data() + 14, static_cast<std::uint16_t>(block.size()));
  return text.append(block);
}

// 192.0.2.7:50000 to 203.0.113.9:443.
const std::string kV4Block{"\xc0\x00\x02\x07\xcb\x00\x71\x09\xc3\x50\x01\xbb", 12};
const std::string kV6Block = std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + "\x01" +
                             std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + "\x02" +
                             std::string("\xc3\x50\x01\xbb", 4);

// kRightSum was computed bit by bit, by a program that also finds RFC 9260's e3069283 for
// "123456789".
std::string with_checksum(std::uint32_t sum) {
  std::string value(4, '\0');
  store_be32(value.data(), sum);
  return proxy_binary(0x21, 0x11, kV4Block + proxy_extension(0x03, value));
}
constexpr std::uint32_t kRightSum = 0x6613511e;

struct ProxyOutcome {
  ProxyStatus status = ProxyStatus::kMore;
  ProxyHeader header;
  std::string why;
  std::string rest;
  bool missing = false;
};

ProxyOutcome read_proxy(std::string_view bytes) {
  ProxyReader reader;
  ProxyOutcome outcome;
  outcome.status = reader.feed(bytes);
  outcome.header = reader.header();
  outcome.why = reader.why();
  outcome.missing = reader.missing();
  outcome.rest = bytes;
  return outcome;
}

std::string why_bad(std::string_view bytes) {
  const ProxyOutcome outcome = read_proxy(bytes);
  EXPECT_EQ(outcome.status, ProxyStatus::kBad) << bytes;
  return outcome.why;
}

std::string ip_of(const ProxyHeader::End& end, std::size_t bytes = 4) {
  return {reinterpret_cast<const char*>(end.ip.data()), bytes};
}

TEST(ProxyHeader, ReadsTheLineOfVersion1AndNothingBehindIt) {
  const ProxyOutcome v4 = read_proxy("PROXY TCP4 192.0.2.7 203.0.113.9 50000 443\r\nGET /");
  ASSERT_EQ(v4.status, ProxyStatus::kDone) << v4.why;
  EXPECT_EQ(v4.header.origin, ProxyOrigin::kV4);
  EXPECT_EQ(ip_of(v4.header.source), std::string("\xc0\x00\x02\x07", 4));
  EXPECT_EQ(v4.header.source.port, 50'000);
  EXPECT_EQ(ip_of(v4.header.destination), std::string("\xcb\x00\x71\x09", 4));
  EXPECT_EQ(v4.header.destination.port, 443);
  EXPECT_FALSE(v4.header.tls);
  EXPECT_EQ(v4.rest, "GET /");
  const ProxyOutcome v6 = read_proxy("PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n");
  ASSERT_EQ(v6.status, ProxyStatus::kDone) << v6.why;
  EXPECT_EQ(v6.header.origin, ProxyOrigin::kV6);
  EXPECT_EQ(ip_of(v6.header.source, 16), kV6Block.substr(0, 16));
  EXPECT_EQ(v6.header.destination.port, 65'535);
}

TEST(ProxyHeader, UnknownIsTheProxysOwnWhateverFollowsIt) {
  for (const char* line : {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff:f...f:ffff x\r\n"}) {
    const ProxyOutcome outcome = read_proxy(line);
    EXPECT_EQ(outcome.status, ProxyStatus::kDone) << line;
    EXPECT_EQ(outcome.header.origin, ProxyOrigin::kProxy);
  }
}

TEST(ProxyHeader, TheLongestLineFits) {
  const std::string address = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
  const std::string line = "PROXY TCP6 " + address + " " + address + " 65535 65535\r\n";
  ASSERT_LE(line.size(), ProxyReader::kV1BytesMax);
  EXPECT_EQ(read_proxy(line).status, ProxyStatus::kDone);
  const std::string longest = "PROXY UNKNOWN " + std::string(91, 'x') + "\r\n";
  ASSERT_EQ(longest.size(), ProxyReader::kV1BytesMax);
  EXPECT_EQ(read_proxy(longest).status, ProxyStatus::kDone);
  EXPECT_EQ(why_bad("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n"), "the line is too long");
  EXPECT_EQ(why_bad("PROXY UNKNOWN " + std::string(500, 'x')), "the line is too long");
}

TEST(ProxyHeader, RefusesLinesThatNoProxySends) {
  const char* lines[] = {
      "PROXY TCP4 192.0.2.7 203.0.113.9 50000\r\n",
      "PROXY TCP4 192.0.2.7 203.0.113.9 50000 443 1\r\n",
      "PROXY TCP4 192.0.2.7  203.0.113.9 50000 443\r\n",
      "PROXY TCP4 192.0.2.7 203.0.113.9 50000 443 \r\n",
      "PROXY  TCP4 192.0.2.7 203.0.113.9 50000 443\r\n",
      "PROXY TCP4 192.0.2.7 203.0.113.9 65536 443\r\n",
      "PROXY TCP4 192.0.2.7 203.0.113.9 -1 443\r\n",
      "PROXY TCP4 192.0.2.7 203.0.113.9 +1 443\r\n",
      "PROXY TCP4 192.0.2.7 203.0.113.9 01 443\r\n",
      "PROXY TCP4 192.0.2.7 203.0.113.9 0x1 443\r\n",
      "PROXY TCP4 192.0.2.07.1 203.0.113.9 1 443\r\n",
      "PROXY TCP4 192.0.2 203.0.113.9 1 443\r\n",
      "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n",
      "PROXY TCP6 192.0.2.7 203.0.113.9 1 2\r\n",
      "PROXY TCP6 2001:db8::1%lo 2001:db8::2 1 2\r\n",
      "PROXY UDP4 192.0.2.7 203.0.113.9 1 2\r\n",
      "PROXY tcp4 192.0.2.7 203.0.113.9 1 2\r\n",
      "PROXY \r\n",
  };
  for (const char* line : lines) {
    const ProxyOutcome outcome = read_proxy(line);
    EXPECT_EQ(outcome.status, ProxyStatus::kBad) << line;
    EXPECT_FALSE(outcome.missing) << line;
  }
  EXPECT_EQ(why_bad("PROXY TCP4 192.0.2.7 203.0.113.9 1 2\n"),
            "a line feed without a carriage return");
}

TEST(ProxyHeader, TellsWhatIsNoHeaderAtTheFirstByteThatDiffers) {
  const std::string frame("\0\x10gate", 6);
  for (const std::string_view bytes :
       {std::string_view("PROXX"), std::string_view("proxy TCP4"), std::string_view("GET / HTTP"),
        std::string_view("\r\n\r\n\0\r\nQUIT\r", 12), std::string_view("\x16\x03\x01"),
        std::string_view(frame), std::string_view("\r\n\r\n\r\n\r\n")}) {
    const ProxyOutcome outcome = read_proxy(bytes);
    EXPECT_EQ(outcome.status, ProxyStatus::kBad) << bytes;
    EXPECT_TRUE(outcome.missing) << bytes;
  }
}

TEST(ProxyHeader, ReadsVersion2AndNothingBehindIt) {
  const ProxyOutcome v4 = read_proxy(proxy_binary(0x21, 0x11, kV4Block) + "\x16\x03");
  ASSERT_EQ(v4.status, ProxyStatus::kDone) << v4.why;
  EXPECT_EQ(v4.header.origin, ProxyOrigin::kV4);
  EXPECT_EQ(ip_of(v4.header.source), std::string("\xc0\x00\x02\x07", 4));
  EXPECT_EQ(v4.header.source.port, 50'000);
  EXPECT_EQ(v4.header.destination.port, 443);
  EXPECT_EQ(v4.rest, "\x16\x03");
  const ProxyOutcome v6 = read_proxy(proxy_binary(0x21, 0x21, kV6Block));
  ASSERT_EQ(v6.status, ProxyStatus::kDone) << v6.why;
  EXPECT_EQ(v6.header.origin, ProxyOrigin::kV6);
  EXPECT_EQ(ip_of(v6.header.destination, 16), kV6Block.substr(16, 16));
}

TEST(ProxyHeader, WhatHasNoAddressIsTheProxysOwn) {
  const std::string unix_ends(216, 'x');
  for (const std::string& header :
       {proxy_binary(0x20, 0x00, ""), proxy_binary(0x20, 0x11, kV4Block),
        proxy_binary(0x20, 0x11, ""), proxy_binary(0x20, 0x00, "whatever it is"),
        proxy_binary(0x21, 0x00, ""), proxy_binary(0x21, 0x00, "xyz"),
        proxy_binary(0x21, 0x31, unix_ends)}) {
    const ProxyOutcome outcome = read_proxy(header);
    EXPECT_EQ(outcome.status, ProxyStatus::kDone) << outcome.why;
    EXPECT_EQ(outcome.header.origin, ProxyOrigin::kProxy);
  }
}

TEST(ProxyHeader, ReadsWhatTheClientAgreedOnWithTheProxy) {
  const std::string tls = std::string("\x01\0\0\0\0", 5) + proxy_extension(0x21, "TLSv1.3") +
                          proxy_extension(0x23, "TLS_AES_256_GCM_SHA384") +
                          proxy_extension(0x22, "a client");
  const ProxyOutcome outcome = read_proxy(proxy_binary(
      0x21, 0x11,
      kV4Block + proxy_extension(0x01, "h2") + proxy_extension(0x02, "game.example") +
          proxy_extension(0x04, "no operation") + proxy_extension(0x05, std::string(128, 'i')) +
          proxy_extension(0x20, tls) + proxy_extension(0x30, "ns") + proxy_extension(0xee, "")));
  ASSERT_EQ(outcome.status, ProxyStatus::kDone) << outcome.why;
  EXPECT_TRUE(outcome.header.tls);
  EXPECT_EQ(outcome.header.tls_version, "TLSv1.3");
  EXPECT_EQ(outcome.header.tls_cipher, "TLS_AES_256_GCM_SHA384");
  EXPECT_EQ(outcome.header.alpn, "h2");
  EXPECT_EQ(outcome.header.authority, "game.example");
  const ProxyOutcome clear = read_proxy(
      proxy_binary(0x21, 0x11, kV4Block + proxy_extension(0x20, std::string("\0\0\0\0\0", 5))));
  EXPECT_EQ(clear.status, ProxyStatus::kDone);
  EXPECT_FALSE(clear.header.tls);
}

// Texts go to logs and labels.
TEST(ProxyHeader, WordsThatAreNoneCountAsNotTold) {
  for (const std::string& text : {std::string("a\"b"), std::string("a\nb"), std::string("a b"),
                                  std::string("\xff"), std::string(256, 'a'), std::string()}) {
    const ProxyOutcome outcome =
        read_proxy(proxy_binary(0x21, 0x11, kV4Block + proxy_extension(0x02, text)));
    EXPECT_EQ(outcome.status, ProxyStatus::kDone);
    EXPECT_EQ(outcome.header.authority, "");
  }
}

TEST(ProxyHeader, ChecksTheChecksum) {
  EXPECT_EQ(read_proxy(with_checksum(kRightSum)).status, ProxyStatus::kDone);
  for (int bit = 0; bit < 32; ++bit)
    EXPECT_EQ(why_bad(with_checksum(kRightSum ^ 1u << bit)), "the checksum is wrong");
  std::string other = with_checksum(kRightSum);
  other[16] ^= 1;
  EXPECT_EQ(why_bad(other), "the checksum is wrong");
  EXPECT_EQ(why_bad(proxy_binary(0x21, 0x11, kV4Block + proxy_extension(0x03, "123"))),
            "a checksum of another length");
}

TEST(ProxyHeader, RefusesWhatTheSpecificationDoes) {
  EXPECT_EQ(why_bad(proxy_binary(0x11, 0x11, kV4Block)), "a version that is not 2");
  EXPECT_EQ(why_bad(proxy_binary(0x22, 0x11, kV4Block)), "a command that does not exist");
  EXPECT_EQ(why_bad(proxy_binary(0x21, 0x41, kV4Block)), "a family that does not exist");
  EXPECT_EQ(why_bad(proxy_binary(0x21, 0x13, kV4Block)), "a family that does not exist");
  EXPECT_EQ(why_bad(proxy_binary(0x21, 0x12, kV4Block)), "datagrams on a stream");
  EXPECT_EQ(why_bad(proxy_binary(0x21, 0x22, kV6Block)), "datagrams on a stream");
  EXPECT_EQ(why_bad(proxy_binary(0x21, 0x11, kV4Block.substr(0, 11))), "no room for the addresses");
  EXPECT_EQ(why_bad(proxy_binary(0x21, 0x21, kV4Block)), "no room for the addresses");
  EXPECT_EQ(why_bad(proxy_binary(0x21, 0x31, kV6Block)), "no room for the addresses");
  EXPECT_EQ(why_bad(proxy_binary(0x21, 0x11, kV4Block + "\x01")), "an extension is cut off");
  EXPECT_EQ(why_bad(proxy_binary(0x21, 0x11, kV4Block + std::string("\x01\0\x02x", 4))),
            "an extension is cut off");
  EXPECT_EQ(why_bad(proxy_binary(0x21, 0x11, kV4Block + proxy_extension(0x20, "\x01"))),
            "an extension is cut off");
  EXPECT_EQ(
      why_bad(proxy_binary(
          0x21, 0x11, kV4Block + proxy_extension(0x20, std::string("\1\0\0\0\0\x21\0\x09T", 9)))),
      "an extension is cut off");
  EXPECT_EQ(
      why_bad(proxy_binary(0x21, 0x11, kV4Block + proxy_extension(0x05, std::string(129, 'i')))),
      "an extension is too long");
  const std::size_t room = ProxyReader::kV2BytesMax - ProxyReader::kV2HeadBytes;
  const std::string most = kV4Block + proxy_extension(0xee, std::string(room - 15, 'x'));
  EXPECT_EQ(read_proxy(proxy_binary(0x21, 0x11, most)).status, ProxyStatus::kDone);
  EXPECT_EQ(why_bad(proxy_binary(0x21, 0x11, most + "x").substr(0, 16)), "the header is too long");
}

// Cut anywhere, it is the same header, and the bytes behind it stay.
TEST(ProxyHeader, MayBeCutAtEveryByte) {
  const std::string tls = std::string("\x01\0\0\0\0", 5) + proxy_extension(0x21, "TLSv1.3");
  for (const std::string& header : {std::string("PROXY TCP4 192.0.2.7 203.0.113.9 50000 443\r\n"),
                                    std::string("PROXY UNKNOWN\r\n"), proxy_binary(0x20, 0x00, ""),
                                    proxy_binary(0x21, 0x11, kV4Block + proxy_extension(0x20, tls)),
                                    with_checksum(kRightSum)}) {
    const ProxyOutcome whole = read_proxy(header + "rest");
    ASSERT_EQ(whole.status, ProxyStatus::kDone) << whole.why;
    for (std::size_t cut = 0; cut <= header.size(); ++cut) {
      ProxyReader reader;
      std::string_view first = std::string_view(header).substr(0, cut);
      const ProxyStatus begun = reader.feed(first);
      EXPECT_EQ(begun, cut < header.size() ? ProxyStatus::kMore : ProxyStatus::kDone) << cut;
      EXPECT_EQ(first, "");
      if (begun == ProxyStatus::kDone) continue;
      const std::string text = header.substr(cut) + "rest";
      std::string_view second = text;
      EXPECT_EQ(reader.feed(second), ProxyStatus::kDone) << cut;
      EXPECT_EQ(second, "rest");
      EXPECT_EQ(reader.header().tls_version, whole.header.tls_version);
    }
    ProxyReader reader;
    for (std::size_t i = 0; i < header.size(); ++i) {
      std::string_view byte = std::string_view(header).substr(i, 1);
      EXPECT_EQ(reader.feed(byte), i + 1 < header.size() ? ProxyStatus::kMore : ProxyStatus::kDone);
      EXPECT_EQ(byte, "");
    }
    EXPECT_EQ(reader.header().source.port, whole.header.source.port);
  }
}

// --- What a connection begins with

TEST(FirstBytes, TellWhatAClientSpeaks) {
  EXPECT_EQ(judge_first_bytes(""), FirstBytes::kMore);
  EXPECT_EQ(judge_first_bytes("\x16"), FirstBytes::kTls);
  EXPECT_EQ(judge_first_bytes("\x16\x03\x01\x02"), FirstBytes::kTls);
  EXPECT_EQ(judge_first_bytes("GET / HTTP/1.1"), FirstBytes::kHttp);
  EXPECT_EQ(judge_first_bytes("PROXY TCP4"), FirstBytes::kProxy);
  EXPECT_EQ(judge_first_bytes(std::string(kProxyV2Signature) + "\x21"), FirstBytes::kProxy);
  for (const std::string_view signature : {kHttpGet, kProxyV1Signature, kProxyV2Signature})
    for (std::size_t size = 0; size < signature.size(); ++size)
      EXPECT_EQ(judge_first_bytes(signature.substr(0, size)), FirstBytes::kMore) << signature;
  for (const std::string_view other : {"GEX", "GET@", "Get ", "PROXX", "\r\nx", "dGVzdDE=@", "x"})
    EXPECT_EQ(judge_first_bytes(other), FirstBytes::kOther) << other;
}

// No frame of a handshake within the limit is taken for something else, nor waited for.
TEST(FirstBytes, LeaveEveryFrameThatAHandshakeMayHave) {
  for (std::size_t size = 0; size <= kToldFrameBytesMax; ++size) {
    std::string frame(2, '\0');
    store_be16(frame.data(), static_cast<std::uint16_t>(size));
    EXPECT_EQ(judge_first_bytes(frame), FirstBytes::kOther) << size;
  }
}

}  // namespace
}  // namespace gatehouse::protocol
