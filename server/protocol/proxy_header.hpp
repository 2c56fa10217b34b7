// The header that a proxy sends ahead of a connection to say whose it is: the PROXY protocol of
// HAProxy, version 1 (a line of text) and 2 (binary), by its specification "The PROXY protocol,
// versions 1 & 2", sections 2.1 to 2.2.7. Without I/O; the caller knows whom to believe, and owns
// the deadline.
//
//   kBad    no header, or one that the specification says to refuse: a wrong length, a family
//           that does not exist, datagrams, a checksum that is not right
//   kDone   LOCAL, UNKNOWN and UNSPEC, and clients on a Unix socket of the proxy: the connection
//           counts as the proxy's own (Origin::kProxy)
// Extensions (TLVs) that are not named below are skipped.
//
// Invariant: what was taken is a beginning of a header, and no byte behind it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse::protocol {

struct ProxyHeader {
  enum class Origin : std::uint8_t { kProxy, kV4, kV6 };
  struct End {
    std::array<unsigned char, 16> ip{};  // as on the wire; of IPv4 the first four
    std::uint16_t port = 0;
  };

  Origin origin = Origin::kProxy;
  End source;        // the client
  End destination;   // what it connected to
  bool tls = false;  // between client and proxy
  // Printable ASCII without blanks and quotes; what is something else counts as not told.
  std::string tls_version;  // "TLSv1.3"
  std::string tls_cipher;
  std::string alpn;
  std::string authority;  // the name that the client asked for
};

class ProxyReader {
 public:
  static constexpr std::size_t kV1BytesMax = 107;
  static constexpr std::size_t kV2HeadBytes = 16;
  // Of a header of version 2; a client's certificate is what can be long in it.
  static constexpr std::size_t kV2BytesMax = 8'192;

  enum class Status : std::uint8_t { kMore, kDone, kBad };

  // Takes what belongs to the header off the front of `bytes`. Not after kDone or kBad.
  [[nodiscard]] Status feed(std::string_view& bytes);
  // After kDone.
  [[nodiscard]] const ProxyHeader& header() const { return header_; }
  // After kBad, in words.
  [[nodiscard]] std::string_view why() const { return why_; }
  // After kBad: what came does not even begin as a header does.
  [[nodiscard]] bool missing() const { return missing_; }

 private:
  Status feed_line(std::string_view& bytes);
  Status feed_binary(std::string_view& bytes);
  Status read_line(std::string_view line);
  // The next two: taken_ holds the whole header.
  Status read_binary();
  Status read_addresses(unsigned family, std::string_view rest);
  Status read_extensions(std::string_view rest);
  Status read_extension(unsigned char type, std::string_view value);
  Status read_tls(std::string_view value);
  Status bad(std::string_view why);
  Status none();

  std::string taken_;
  ProxyHeader header_;
  std::string_view why_;
  bool missing_ = false;
};

// The beginnings of a header of version 1 and of version 2; no frame of a gate's handshake and no
// line of a login begins so (docs/protocol.md 1.5).
inline constexpr std::string_view kProxyV1Signature = "PROXY ";
inline constexpr std::string_view kProxyV2Signature{"\r\n\r\n\0\r\nQUIT\n", 12};

}  // namespace gatehouse::protocol
