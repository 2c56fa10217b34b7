#include "gatectl/import_row.hpp"

#include <array>
#include <charconv>
#include <utility>

#include "base/user_name.hpp"
#include "base/utf8.hpp"
#include "crypto/encoding.hpp"
#include "crypto/password_import.hpp"
#include "gatectl/password_input.hpp"

namespace gatehouse::gatectl {
namespace {

using store::AccountStatus;

// 9999-12-31, the last day that the tables hold.
constexpr std::int64_t kLastTimeS = 253'402'300'799;
// The room of the columns ban_reason, ban_note and totp_secret.
constexpr std::size_t kTextMax = 255;

// "" where the file has no such column.
std::string_view at(const std::vector<std::string>& fields, std::optional<std::size_t> column) {
  return column ? std::string_view(fields[*column]) : std::string_view();
}

bool fits(const std::string& text) {
  const auto characters = utf8_characters(text);
  return characters && *characters <= kTextMax && text.find('\0') == std::string::npos;
}

Result<std::int64_t> read_time(std::string_view text) {
  std::int64_t time = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, time);
  if (text.empty()) return 0;
  if (error != std::errc() || rest != end || time < 0 || time > kLastTimeS) {
    return fail(Errc::kInvalid, "banned_until: must be a Unix time in seconds");
  }
  return time;
}

}  // namespace

ImportColumns::Column* ImportColumns::column_of(std::string_view title) {
  const std::array<std::pair<std::string_view, Column*>, 10> known = {{
      {"name", &name_},
      {"hash", &hash_},
      {"salt", &salt_},
      {"password", &password_},
      {"status", &status_},
      {"banned_until", &banned_until_},
      {"ban_reason", &ban_reason_},
      {"ban_note", &ban_note_},
      {"staff", &staff_},
      {"totp", &totp_},
  }};
  for (const auto& [known_title, column] : known) {
    if (title == known_title) return column;
  }
  return nullptr;
}

Result<ImportColumns> ImportColumns::from_header(const std::vector<std::string>& header,
                                                 std::string_view format) {
  ImportColumns columns;
  columns.format_ = format;
  columns.count_ = header.size();
  const bool plain = format == kPlainFormat;
  for (std::size_t i = 0; i < header.size(); ++i) {
    const bool other_credential =
        plain ? header[i] == "hash" || header[i] == "salt" : header[i] == "password";
    Column* const column = other_credential ? nullptr : columns.column_of(header[i]);
    if (column == nullptr) {
      columns.ignored_.push_back(header[i]);
    } else if (column->has_value()) {
      return fail(Errc::kInvalid, "the header line names the column " + header[i] + " twice");
    } else {
      *column = i;
    }
  }
  const char* const missing = !columns.name_                ? "name"
                              : plain && !columns.password_ ? "password"
                              : !plain && !columns.hash_    ? "hash"
                                                            : nullptr;
  if (missing != nullptr) {
    return fail(Errc::kInvalid, "the header line names no column `" + std::string(missing) + "`");
  }
  return columns;
}

Result<> ImportColumns::read_credential(const std::vector<std::string>& fields,
                                        ImportRow& row) const {
  if (password_) {
    const std::string& password = fields[*password_];
    if (password.empty()) return fail(Errc::kInvalid, "password: is empty");
    if (password.size() > kPasswordBytesMax || password.find('\0') != std::string::npos) {
      return fail(Errc::kInvalid, "password: has a NUL byte or more than " +
                                      std::to_string(kPasswordBytesMax) + " bytes");
    }
    row.password = Secret(password);
    return {};
  }
  const std::string_view hash = at(fields, hash_);
  if (format_ == "stored" && (hash.empty() || hash == "!")) {
    row.account.password_hash = hash;
    return {};
  }
  auto stored = crypto::stored_from_import(format_, at(fields, name_), hash, at(fields, salt_));
  if (!stored) return fail(Errc::kInvalid, "hash: " + stored.error().message);
  row.account.password_hash = std::move(*stored);
  return {};
}

Result<> ImportColumns::read_status(const std::vector<std::string>& fields,
                                    store::NewAccount& account) const {
  const auto until_s = read_time(at(fields, banned_until_));
  if (!until_s) return tl::unexpected<Error>(until_s.error());
  const std::string_view status = at(fields, status_);
  if (status.empty()) {
    account.status = *until_s > 0 ? AccountStatus::kBanned : AccountStatus::kActive;
  } else if (status == name(AccountStatus::kBanned)) {
    account.status = AccountStatus::kBanned;
  } else if (status == name(AccountStatus::kClosed)) {
    account.status = AccountStatus::kClosed;
  } else if (status != name(AccountStatus::kActive)) {
    return fail(Errc::kInvalid, "status: must be active, banned or closed");
  }
  if (account.status == AccountStatus::kBanned) {
    account.banned_until_s = *until_s;
    account.ban_reason = at(fields, ban_reason_);
    account.ban_note = at(fields, ban_note_);
    if (!fits(account.ban_reason)) {
      return fail(Errc::kInvalid, "ban_reason: must be UTF-8, 255 characters at most");
    }
    if (!fits(account.ban_note)) {
      return fail(Errc::kInvalid, "ban_note: must be UTF-8, 255 characters at most");
    }
  }
  return {};
}

Result<> ImportColumns::read_rights(const std::vector<std::string>& fields,
                                    store::NewAccount& account) const {
  const std::string_view staff = at(fields, staff_);
  account.staff = staff == "1" || staff == "true";
  if (!account.staff && !staff.empty() && staff != "0" && staff != "false") {
    return fail(Errc::kInvalid, "staff: must be 1, true, 0, false or empty");
  }
  account.totp_secret = at(fields, totp_);
  if (account.totp_secret.size() > kTextMax || !crypto::base64_decode(account.totp_secret)) {
    return fail(Errc::kInvalid, "totp: must be the sealed secret that an export wrote");
  }
  return {};
}

Result<ImportRow> ImportColumns::read(const std::vector<std::string>& fields) const {
  if (fields.size() != count_) {
    return fail(Errc::kInvalid, "has " + std::to_string(fields.size()) +
                                    " fields, the header line has " + std::to_string(count_));
  }
  ImportRow row;
  auto name = normalise_user_name(fields[*name_]);
  if (!name) return fail(Errc::kInvalid, "name: " + name.error().message);
  row.account.name = std::move(*name);
  if (auto read = read_credential(fields, row); !read) return tl::unexpected<Error>(read.error());
  if (auto read = read_status(fields, row.account); !read) {
    return tl::unexpected<Error>(read.error());
  }
  if (auto read = read_rights(fields, row.account); !read) {
    return tl::unexpected<Error>(read.error());
  }
  return row;
}

}  // namespace gatehouse::gatectl
