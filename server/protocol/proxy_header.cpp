#include "protocol/proxy_header.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "base/assert.hpp"
#include "base/bytes.hpp"

namespace gatehouse::protocol {
namespace {

constexpr std::size_t kExtensionHeadBytes = 3;
constexpr std::size_t kTextBytesMax = 255;

enum Extension : unsigned char {
  kAlpn = 0x01,
  kAuthority = 0x02,
  kChecksum = 0x03,
  kUniqueId = 0x05,
  kTls = 0x20,
  kTlsVersion = 0x21,
  kTlsCipher = 0x23,
};
constexpr std::size_t kUniqueIdBytesMax = 128;

// CRC-32C (Castagnoli), RFC 9260 appendix A.
constexpr std::array<std::uint32_t, 256> make_crc32c_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0x82f63b78u : 0u);
    table[i] = value;
  }
  return table;
}
constexpr auto kCrc32cTable = make_crc32c_table();

std::uint32_t crc32c(std::uint32_t crc, std::string_view bytes) {
  for (const char c : bytes)
    crc = crc >> 8 ^ kCrc32cTable[(crc ^ static_cast<unsigned char>(c)) & 0xff];
  return crc;
}

// Whether one is a beginning of the other.
bool agrees(std::string_view bytes, std::string_view signature) {
  const std::size_t size = std::min(bytes.size(), signature.size());
  return bytes.substr(0, size) == signature.substr(0, size);
}

// What is a word for logs and labels; empty for anything else.
std::string word(std::string_view text) {
  const bool plain = text.size() <= kTextBytesMax && std::ranges::all_of(text, [](char c) {
                       return c > ' ' && c < 0x7f && c != '"' && c != '\\';
                     });
  return plain ? std::string(text) : std::string();
}

std::string_view next_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

// 0 to 65535 without leading zeros.
std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  const bool whole = error == std::errc() && rest == text.data() + text.size();
  if (!whole || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  return port;
}

bool read_ip(std::string_view text, int family, ProxyHeader::End& end) {
  if (text.find('\0') != text.npos) return false;
  return inet_pton(family, std::string(text).c_str(), end.ip.data()) == 1;
}

}  // namespace

ProxyReader::Status ProxyReader::feed(std::string_view& bytes) {
  GATEHOUSE_ASSERT(why_.empty());
  if (taken_.empty() && bytes.empty()) return Status::kMore;
  const char first = taken_.empty() ? bytes.front() : taken_.front();
  if (first == kProxyV1Signature.front()) return feed_line(bytes);
  if (first == kProxyV2Signature.front()) return feed_binary(bytes);
  return none();
}

ProxyReader::Status ProxyReader::bad(std::string_view why) {
  why_ = why;
  return Status::kBad;
}

ProxyReader::Status ProxyReader::none() {
  missing_ = true;
  return bad("no PROXY header");
}

// --- Version 1

ProxyReader::Status ProxyReader::feed_line(std::string_view& bytes) {
  const std::size_t end = bytes.find('\n');
  const std::size_t room = kV1BytesMax - taken_.size();
  const std::size_t piece = std::min(end == bytes.npos ? bytes.size() : end + 1, room);
  taken_.append(bytes.substr(0, piece));
  bytes.remove_prefix(piece);
  if (!agrees(taken_, kProxyV1Signature)) return none();
  if (taken_.ends_with("\r\n")) return read_line(taken_);
  if (taken_.ends_with('\n')) return bad("a line feed without a carriage return");
  return taken_.size() < kV1BytesMax ? Status::kMore : bad("the line is too long");
}

ProxyReader::Status ProxyReader::read_line(std::string_view line) {
  line.remove_suffix(2);
  line.remove_prefix(kProxyV1Signature.size());
  const std::string_view family = next_word(line);
  if (family == "UNKNOWN") return Status::kDone;
  const bool v4 = family == "TCP4";
  if (!v4 && family != "TCP6") return bad("a family that does not exist");
  for (ProxyHeader::End* end : {&header_.source, &header_.destination})
    if (!read_ip(next_word(line), v4 ? AF_INET : AF_INET6, *end)) return bad("no address");
  const auto source = port_of(next_word(line));
  const auto destination = port_of(line);
  if (!source || !destination) return bad("no port");
  header_.source.port = *source;
  header_.destination.port = *destination;
  header_.origin = v4 ? ProxyHeader::Origin::kV4 : ProxyHeader::Origin::kV6;
  return Status::kDone;
}

// --- Version 2

ProxyReader::Status ProxyReader::feed_binary(std::string_view& bytes) {
  while (true) {
    const bool head = taken_.size() >= kV2HeadBytes;
    const std::size_t whole = kV2HeadBytes + (head ? load_be16(taken_.data() + 14) : 0);
    if (head) {
      if (static_cast<unsigned char>(taken_[12]) >> 4 != 2) return bad("a version that is not 2");
      if (whole > kV2BytesMax) return bad("the header is too long");
      if (taken_.size() == whole) return read_binary();
    }
    const std::string_view piece = bytes.substr(0, whole - taken_.size());
    if (piece.empty()) return Status::kMore;
    taken_.append(piece);
    bytes.remove_prefix(piece.size());
    if (!agrees(taken_, kProxyV2Signature)) return none();
  }
}

ProxyReader::Status ProxyReader::read_binary() {
  const unsigned command = static_cast<unsigned char>(taken_[12]) & 0x0f;
  const unsigned family = static_cast<unsigned char>(taken_[13]) >> 4;
  const unsigned carrier = static_cast<unsigned char>(taken_[13]) & 0x0f;
  if (command > 1) return bad("a command that does not exist");
  if (family > 3 || carrier > 2) return bad("a family that does not exist");
  if (command == 0 || family == 0 || carrier == 0) return Status::kDone;
  if (carrier == 2) return bad("datagrams on a stream");
  return read_addresses(family, std::string_view(taken_).substr(kV2HeadBytes));
}

ProxyReader::Status ProxyReader::read_addresses(unsigned family, std::string_view rest) {
  constexpr std::array<std::size_t, 4> kBytes{0, 12, 36, 216};
  const std::size_t bytes = kBytes[family];
  if (rest.size() < bytes) return bad("no room for the addresses");
  if (family != 3) {
    const std::size_t ip_bytes = family == 1 ? 4 : 16;
    std::memcpy(header_.source.ip.data(), rest.data(), ip_bytes);
    std::memcpy(header_.destination.ip.data(), rest.data() + ip_bytes, ip_bytes);
    header_.source.port = load_be16(rest.data() + 2 * ip_bytes);
    header_.destination.port = load_be16(rest.data() + 2 * ip_bytes + 2);
    header_.origin = family == 1 ? ProxyHeader::Origin::kV4 : ProxyHeader::Origin::kV6;
  }
  return read_extensions(rest.substr(bytes));
}

ProxyReader::Status ProxyReader::read_extensions(std::string_view rest) {
  while (!rest.empty()) {
    if (rest.size() < kExtensionHeadBytes) return bad("an extension is cut off");
    const std::size_t size = load_be16(rest.data() + 1);
    const auto type = static_cast<unsigned char>(rest.front());
    if (rest.size() - kExtensionHeadBytes < size) return bad("an extension is cut off");
    if (const Status read = read_extension(type, rest.substr(kExtensionHeadBytes, size));
        read == Status::kBad)
      return read;
    rest.remove_prefix(kExtensionHeadBytes + size);
  }
  return Status::kDone;
}

ProxyReader::Status ProxyReader::read_extension(unsigned char type, std::string_view value) {
  switch (type) {
    case kAlpn:
      header_.alpn = word(value);
      break;
    case kAuthority:
      header_.authority = word(value);
      break;
    case kChecksum: {
      if (value.size() != 4) return bad("a checksum of another length");
      // Of the whole header, with zeros in the place of the sum itself.
      const std::string_view all = taken_;
      const auto at = static_cast<std::size_t>(value.data() - all.data());
      std::uint32_t crc = crc32c(0xffffffffu, all.substr(0, at));
      crc = crc32c(crc, std::string_view("\0\0\0\0", 4));
      crc = crc32c(crc, all.substr(at + 4)) ^ 0xffffffffu;
      if (crc != load_be32(value.data())) return bad("the checksum is wrong");
      break;
    }
    case kUniqueId:
      if (value.size() > kUniqueIdBytesMax) return bad("an extension is too long");
      break;
    case kTls:
      return read_tls(value);
    default:
      break;
  }
  return Status::kDone;
}

// What the client and the proxy agreed on: flags, result of the check of a certificate, extensions.
ProxyReader::Status ProxyReader::read_tls(std::string_view value) {
  if (value.size() < 5) return bad("an extension is cut off");
  header_.tls = value.front() & 1;
  value.remove_prefix(5);
  while (!value.empty()) {
    if (value.size() < kExtensionHeadBytes) return bad("an extension is cut off");
    const std::size_t size = load_be16(value.data() + 1);
    if (value.size() - kExtensionHeadBytes < size) return bad("an extension is cut off");
    const std::string_view inner = value.substr(kExtensionHeadBytes, size);
    if (value.front() == kTlsVersion) header_.tls_version = word(inner);
    if (value.front() == kTlsCipher) header_.tls_cipher = word(inner);
    value.remove_prefix(kExtensionHeadBytes + size);
  }
  return Status::kDone;
}

}  // namespace gatehouse::protocol
