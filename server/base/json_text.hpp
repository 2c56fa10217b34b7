// The little JSON that the server writes itself; nothing here reads any.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse {

// Appends a JSON string with its quotation marks (RFC 8259). What a terminal obeys
// (is_terminal_control) is escaped, a byte that is not part of valid UTF-8 becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace gatehouse
