// User names as limits count them where somebody else says which spellings are one name.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse::protocol {

// NFKC_Casefold (Unicode 3.13: compatibility forms, case and default ignorable characters folded)
// without blanks at either end. Texts that are no UTF-8 are returned as they are.
[[nodiscard]] std::string fold_name(std::string_view name);

}  // namespace gatehouse::protocol
