// Texts that a peer, a player or a database chose, on their way to a terminal: what would move the
// cursor, hide text or turn its order around is shown as an escape instead. The one place for the
// log, gatectl's tables and the debug console.
//
// Escaped are C0 and DEL, and bytes that are no UTF-8, as \xNN; C1 (ECMA-48) as the two bytes that
// it is; the marks, embeddings, overrides and isolates of bidirectional text and the separators of
// lines and paragraphs (UAX 9, Unicode 15 section 23.2) as \uNNNN.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse {

// Whether a terminal obeys it instead of showing it.
[[nodiscard]] bool is_terminal_control(char32_t c);

// For a line, or a cell of a table: TAB and line breaks are escaped, too.
[[nodiscard]] std::string printable(std::string_view text);
// For several lines: TAB and LF stay.
[[nodiscard]] std::string printable_lines(std::string_view text);
// A JSON document that is valid UTF-8: what a terminal obeys becomes \uNNNN, which every reader
// of JSON takes for the same text.
[[nodiscard]] std::string printable_json(std::string document);

}  // namespace gatehouse
