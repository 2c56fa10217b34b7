// The header of a proxy, and what tells the first bytes of a connection apart: the same whatever
// the cuts, not a byte more than the header taken, and texts that can be logged.
#include "protocol/proxy_header.hpp"

#include <algorithm>

#include "fuzz.hpp"
#include "protocol/first_bytes.hpp"

namespace gatehouse::protocol {

namespace {

struct ProxyRun {
  ProxyReader::Status status = ProxyReader::Status::kMore;
  ProxyHeader header;
  std::string why;
  bool missing = false;
  std::size_t taken = 0;
};

ProxyRun read_proxy(std::string_view stream, std::uint8_t how) {
  using Status = ProxyReader::Status;
  ProxyReader reader;
  ProxyRun run;
  fuzz::in_pieces(stream, how, [&](std::string_view piece) {
    std::string_view left = piece;
    run.status = reader.feed(left);
    run.taken += piece.size() - left.size();
    GATEHOUSE_ASSERT(run.status != Status::kMore || left.empty());
    GATEHOUSE_ASSERT(run.taken <= ProxyReader::kV2BytesMax);
    return run.status == Status::kMore;
  });
  if (run.status == Status::kDone) run.header = reader.header();
  if (run.status == Status::kBad) {
    run.why = reader.why();
    run.missing = reader.missing();
    GATEHOUSE_ASSERT(!run.why.empty());
  }
  return run;
}

void check_proxy_text(std::string_view text) {
  for (const char c : text) GATEHOUSE_ASSERT(c > ' ' && c <= '~' && c != '"' && c != '\\');
}

// What was said of the first bytes is not taken back when more come.
void check_first_bytes(std::string_view bytes) {
  FirstBytes said = FirstBytes::kMore;
  for (std::size_t size = 0; size <= std::min<std::size_t>(bytes.size(), 20); ++size) {
    const FirstBytes now = judge_first_bytes(bytes.substr(0, size));
    GATEHOUSE_ASSERT(said == FirstBytes::kMore || now == said);
    said = now;
  }
  GATEHOUSE_ASSERT(bytes.size() < 12 || said != FirstBytes::kMore);
}

}  // namespace

FUZZ_TARGET(proxy_header) {
  using Status = ProxyReader::Status;
  fuzz::Input choices(input);
  const std::uint8_t how = choices.byte();
  const std::string_view stream = choices.rest();
  check_first_bytes(stream);
  const ProxyRun whole = read_proxy(stream, 0);
  for (const std::uint8_t other : {std::uint8_t{1}, how}) {
    const ProxyRun cut = read_proxy(stream, other);
    GATEHOUSE_ASSERT(cut.status == whole.status);
    if (whole.status != Status::kDone) continue;
    GATEHOUSE_ASSERT(cut.taken == whole.taken && cut.header.origin == whole.header.origin);
    GATEHOUSE_ASSERT(cut.header.source.ip == whole.header.source.ip);
    GATEHOUSE_ASSERT(cut.header.source.port == whole.header.source.port);
    GATEHOUSE_ASSERT(cut.header.tls == whole.header.tls && cut.header.alpn == whole.header.alpn);
  }
  if (whole.status != Status::kDone) return;
  GATEHOUSE_ASSERT(judge_first_bytes(stream) == FirstBytes::kProxy);
  check_proxy_text(whole.header.tls_version);
  check_proxy_text(whole.header.tls_cipher);
  check_proxy_text(whole.header.alpn);
  check_proxy_text(whole.header.authority);
}

}  // namespace gatehouse::protocol
