// What a row of `gatectl account import` says. Pure: reads no store and hashes nothing.
//
// Columns, by the names of the header line:
//   name          the account's name; normalised here
//   hash, salt    as the format says (crypto/password_import.hpp); of format `stored` a hash that
//                 is empty or `!` belongs to an account that no password opens
//   password      in clear, of format `plain`
//   status        active, banned or closed; empty: as the next column says
//   banned_until  Unix time; empty or 0: for ever, where the status is banned
//   ban_reason    kept of who is banned; told to the player
//   ban_note      the same for staff
//   staff         1, true, 0, false or empty
//   totp          the sealed secret of a second factor
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "store/records.hpp"

namespace gatehouse::gatectl {

// The format whose rows hold passwords in clear; the others are crypto::kImportFormats.
inline constexpr std::string_view kPlainFormat = "plain";

struct ImportRow {
  store::NewAccount account;  // without a hash while there is a password
  Secret password;            // of format plain
};

class ImportColumns {
 public:
  // kInvalid when a column that the format needs is missing, or named twice.
  [[nodiscard]] static Result<ImportColumns> from_header(const std::vector<std::string>& header,
                                                         std::string_view format);

  // kInvalid with the reason, which holds neither hash nor password.
  [[nodiscard]] Result<ImportRow> read(const std::vector<std::string>& fields) const;

  // The columns that are not read, in the order of the header.
  [[nodiscard]] const std::vector<std::string>& ignored() const { return ignored_; }

 private:
  using Column = std::optional<std::size_t>;

  ImportColumns() = default;
  [[nodiscard]] Column* column_of(std::string_view title);
  [[nodiscard]] Result<> read_credential(const std::vector<std::string>& fields,
                                         ImportRow& row) const;
  [[nodiscard]] Result<> read_status(const std::vector<std::string>& fields,
                                     store::NewAccount& account) const;
  [[nodiscard]] Result<> read_rights(const std::vector<std::string>& fields,
                                     store::NewAccount& account) const;

  std::string format_;
  std::size_t count_ = 0;
  Column name_, hash_, salt_, password_, status_, banned_until_, ban_reason_, ban_note_, staff_,
      totp_;
  std::vector<std::string> ignored_;
};

}  // namespace gatehouse::gatectl
