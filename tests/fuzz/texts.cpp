// A stranger's text on its way out: in JSON, in the log, on a terminal, in a kick. Nothing in it
// that a terminal obeys, and what reads JSON reads the same text.
#include <nlohmann/json.hpp>

#include "base/json_text.hpp"
#include "base/printable.hpp"
#include "base/utf8.hpp"
#include "fuzz.hpp"
#include "protocol/control.hpp"
#include "protocol/login_answer.hpp"

namespace gatehouse {

namespace {

void check_shown(std::string_view text, std::string_view allowed) {
  while (!text.empty()) {
    const Utf8Character head = utf8_head(text);
    GATEHOUSE_ASSERT(head.bytes > 0);
    const bool obeyed = is_terminal_control(head.code);
    GATEHOUSE_ASSERT(!obeyed || (head.bytes == 1 && allowed.find(text[0]) != allowed.npos));
    text.remove_prefix(head.bytes);
  }
}

}  // namespace

FUZZ_TARGET(texts) {
  check_shown(printable(input), "");
  check_shown(printable_lines(input), "\n\t");
  const std::string shown = printable(input);
  GATEHOUSE_ASSERT(shown.size() <= 4 * input.size() && printable(shown) == shown);

  std::string quoted;
  append_json_string(quoted, input);
  check_shown(quoted, "");
  const auto read = nlohmann::json::parse(quoted).get<std::string>();
  if (utf8_characters(input)) GATEHOUSE_ASSERT(read == input);
  const std::string document = nlohmann::json(read).dump();
  GATEHOUSE_ASSERT(nlohmann::json::parse(printable_json(document)) == read);
  check_shown(printable_json(document), "");

  const auto kick = nlohmann::json::parse(protocol::format_kick(protocol::kKickRemoved, input));
  const auto reason = kick.at("reason").get<std::string>();
  if (utf8_characters(input)) {
    GATEHOUSE_ASSERT(input.starts_with(reason));
    GATEHOUSE_ASSERT(reason.size() + 3 >= std::min(input.size(), protocol::kKickReasonBytesMax));
  }
  protocol::LoginExtras extras;
  extras.uid = input;
  extras.gates = {std::string(input)};
  const std::string line = protocol::format_login_ok(protocol::Suite::kPlain, input, extras);
  GATEHOUSE_ASSERT(line.starts_with("200 ") && line.find('\n') == std::string::npos);
}

}  // namespace gatehouse
