// The store's synchronous face: one connection to one database.
//
// Thread: a driver is used by one thread at a time and blocks it, at most for the time-outs of
// its Options. It connects at the first call and again at the first call after the connection
// was lost; it is never unusable for good.
//
// Errors, besides those a function names:
//   kUnavailable  the database is away, busy, full or refuses us. Of a write it is then unknown
//                 whether it was applied: the driver never repeats a write on its own. Reads
//                 are repeated once on a fresh connection.
//   kInvalid      a value that the tables do not take (too long, not UTF-8)
//   kCorrupt      a row or a database file that does not parse
//   kIo           a statement failed for any other reason
// No message holds a password, a hash or player data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "store/account.hpp"
#include "store/records.hpp"

namespace gatehouse::store {

class Driver {
 public:
  Driver() = default;
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;
  virtual ~Driver() = default;

  // Accounts. Names are compared byte by byte.
  [[nodiscard]] virtual Result<std::optional<Account>> find_account(std::string_view name) = 0;
  // kExists when the name is taken; of any number of callers at once exactly one succeeds.
  [[nodiscard]] virtual Result<Account> create_account(std::string_view name,
                                                       std::string_view password_hash) = 0;
  // kNotFound without such an account.
  [[nodiscard]] virtual Result<> set_password_hash(AccountId account, std::string_view hash) = 0;
  // Bans until the Unix time until_s (0: for ever), or lifts the ban. A closed account stays
  // closed. kNotFound without such an account.
  [[nodiscard]] virtual Result<> set_ban(std::string_view name, bool banned, std::int64_t until_s,
                                         std::string_view reason) = 0;
  // At most `limit` accounts whose names come after after_name in byte order, in that order.
  [[nodiscard]] virtual Result<std::vector<Account>> list_accounts(std::string_view after_name,
                                                                   std::uint32_t limit) = 0;

  // Sessions (DESIGN section 7, fencing). Takes the session over by one statement and returns
  // the new epoch, which is above every earlier one of the account. kNotFound.
  [[nodiscard]] virtual Result<std::uint64_t> claim_session(AccountId account,
                                                            const SessionClaim& claim) = 0;
  // Marks the account as offline when `epoch` still holds the session; false when a newer
  // epoch does.
  [[nodiscard]] virtual Result<bool> release_session(AccountId account, std::uint64_t epoch) = 0;

  // Players. Takes the player's row over for `epoch` and reads it; from then on only saves
  // under this epoch or a later one that loaded are taken. A player without a row gets one.
  // kFenced when a newer epoch has it, kNotFound without such an account.
  [[nodiscard]] virtual Result<PlayerData> load_player(AccountId account, std::string_view server,
                                                       std::uint64_t epoch) = 0;
  // Writes data and, when given, replies in one statement. When it returns, MySQL has it as
  // durably as innodb_flush_log_at_trx_commit says; SQLite keeps it whatever happens to the
  // process, but may lose the last saves with the machine's power. kFenced when the row is not
  // `epoch`'s or was never loaded: nothing was written. kInvalid above the sizes of records.hpp.
  [[nodiscard]] virtual Result<> save_player(AccountId account, std::string_view server,
                                             std::uint64_t epoch, std::string_view data,
                                             const std::optional<std::string>& replies) = 0;

  [[nodiscard]] virtual Result<> record_login(const LoginAudit& audit) = 0;

  // Game servers, by name.
  [[nodiscard]] virtual Result<std::optional<GameServer>> game_server(std::string_view name) = 0;
  [[nodiscard]] virtual Result<std::vector<GameServer>> list_game_servers() = 0;
  [[nodiscard]] virtual Result<> upsert_game_server(const GameServer& server) = 0;

  // The address bans in force at Unix time now_s.
  [[nodiscard]] virtual Result<std::vector<AddressBan>> list_address_bans(std::int64_t now_s) = 0;

  // Version of the last migration applied; 0: an empty database.
  [[nodiscard]] virtual Result<std::uint32_t> schema_version() = 0;
  // Applies what is missing (migrations.hpp) and returns the version then reached. Safe to run
  // from several processes at once. kInvalid when the database and the files do not agree.
  [[nodiscard]] virtual Result<std::uint32_t> migrate() = 0;

  // Writes between begin_group() and end_group() become durable together, when end_group()
  // succeeds; when it fails none of them may count as done. A group costs little more than one
  // write. Until a group has ended other connections do not see its writes, and only this one
  // can write. group_max(): how many jobs are worth grouping; 1: each write is durable by
  // itself, and groups do nothing.
  [[nodiscard]] virtual std::size_t group_max() const = 0;
  virtual void begin_group() = 0;
  [[nodiscard]] virtual Result<> end_group() = 0;

  // One round trip; connects when there is no connection.
  [[nodiscard]] virtual Result<> ping() = 0;
};

}  // namespace gatehouse::store
