// An account as gatectl shows it.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "store/account.hpp"
#include "store/records.hpp"

namespace gatehouse::gatectl {

enum class HashForm { kHidden, kShown };

// All that operations staff may see; with kShown also the password hash and the sealed secret of
// the second factor.
[[nodiscard]] nlohmann::json account_json(const store::Account& account, HashForm hash,
                                          std::int64_t now_s);

// Several lines, the last without its break.
[[nodiscard]] std::string account_text(const store::Account& account, HashForm hash,
                                       std::int64_t now_s);

// The bans of an account: lines of its text, each behind a break, and a list.
[[nodiscard]] std::string bans_text(const std::vector<store::BanRecord>& bans);
[[nodiscard]] nlohmann::json bans_json(const std::vector<store::BanRecord>& bans);

// One line of a list.
[[nodiscard]] std::string account_line(const store::Account& account, std::int64_t now_s);

// A line of CSV that `account import --format stored` reads, and the header line of such lines;
// both with their line break.
[[nodiscard]] std::string_view account_csv_header(HashForm hash);
[[nodiscard]] std::string account_csv(const store::Account& account, HashForm hash);

}  // namespace gatehouse::gatectl
