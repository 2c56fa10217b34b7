// The request that makes a WebSocket of a connection: it is accepted or answered as HTTP, and
// nothing that it says gets into the answer as a field of its own.
#include "protocol/upgrade.hpp"

#include "fuzz.hpp"

namespace gatehouse::protocol {

namespace {

void check_upgrade_answer(const UpgradeAnswer& answer) {
  const bool accepted = answer.result == UpgradeResult::kAccepted;
  GATEHOUSE_ASSERT(answer.response.starts_with(accepted ? "HTTP/1.1 101 " : "HTTP/1.1 "));
  GATEHOUSE_ASSERT(accepted || answer.response[9] >= '4');
  const std::size_t end = answer.response.find("\r\n\r\n");
  GATEHOUSE_ASSERT(end != std::string::npos && answer.response.size() <= 1'024);
  GATEHOUSE_ASSERT(!accepted || end + 4 == answer.response.size());
  // Every field is one of ours.
  std::string_view fields = std::string_view(answer.response).substr(0, end + 2);
  fields.remove_prefix(fields.find("\r\n") + 2);
  while (!fields.empty()) {
    const std::string_view line = fields.substr(0, fields.find("\r\n"));
    fields.remove_prefix(line.size() + 2);
    bool ours = false;
    for (const std::string_view name :
         {"Upgrade: ", "Connection: ", "Sec-WebSocket-Accept: ", "Sec-WebSocket-Protocol: ",
          "Sec-WebSocket-Version: ", "Content-Type: ", "Content-Length: ", "Cache-Control: ",
          "Allow: "})
      ours = ours || line.starts_with(name);
    GATEHOUSE_ASSERT(ours);
  }
}

}  // namespace

FUZZ_TARGET(upgrade) {
  static const Origins anybody;
  static const Origins some =
      Origins::parse({"https://play.example.com", "https://*.example.org:8443", "null"}).value();
  fuzz::Input choices(input);
  const std::uint8_t form = choices.byte();
  const UpgradeRules rules{form % 2 == 0 ? kGateSubprotocol : kLoginSubprotocol,
                           form % 4 < 2 ? anybody : some};
  std::string text(choices.rest());
  // The end of the head is found however it was cut.
  const std::size_t head_bytes = upgrade_head_bytes(text);
  std::size_t found = 0;
  for (std::size_t size = 1; size <= text.size() && found == 0; ++size)
    found = upgrade_head_bytes(std::string_view(text).substr(0, size), size - 1);
  GATEHOUSE_ASSERT(found == head_bytes);
  if (head_bytes == 0) {
    text += "\r\n\r\n";
  } else {
    text.resize(head_bytes);
  }
  const UpgradeAnswer answer = judge_upgrade(text, rules);
  check_upgrade_answer(answer);
  if (answer.result == UpgradeResult::kAccepted) {
    GATEHOUSE_ASSERT(text.starts_with("GET ") && text.size() <= kUpgradeBytesMax);
  }
  static_cast<void>(some.allow(choices.line()));
  static_cast<void>(Origins::parse({std::string(choices.line())}));
}

}  // namespace gatehouse::protocol
