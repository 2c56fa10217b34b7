// The store's synchronous face: one connection to one database.
//
// Thread: a driver is used by one thread at a time and blocks it, at most for the time-outs of
// its Options. It connects at the first call and again at the first call after the connection
// was lost; it is never unusable for good.
//
// Errors, besides those a function names. Of a write the first says that nothing is known, the
// others that nothing was done:
//   kUnavailable  the database is away, busy, locked, full or takes no writes now. It may come
//                 back by itself, or when somebody makes room. Of a write it is unknown whether it
//                 was applied. What may be done twice (reads, claims, saves, settings) is repeated
//                 once on a fresh connection when one was lost; the rest never is.
//   kIo           a statement failed for a reason that this store does not know: as kUnavailable
//   kRefused      the database refuses for good: rights, a table or column is missing, a file that
//                 is read-only. An operator has to act; the same again may succeed after that.
//   kTooBig       more bytes than the database, its packets or a row take, or than the sizes of
//                 records.hpp. The same again is refused again.
//   kInvalid      a value that the tables do not take (too long, not UTF-8)
//   kCorrupt      a row, a table or a database file that does not parse
// Messages hold the database's own words. None holds a password, a hash or player data.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
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
  // Makes all of them in one transaction, in few round trips; none when it fails. An element is
  // false where the name existed already, in the database or earlier in the list: that row is
  // left as it is. kInvalid when any value is.
  [[nodiscard]] virtual Result<std::vector<bool>> create_accounts(
      std::span<const NewAccount> accounts) = 0;
  // Removes the account and its players' data in one transaction; login_audit keeps its rows.
  // kNotFound without such an account.
  [[nodiscard]] virtual Result<> delete_account(std::string_view name) = 0;
  // Raises ticket_generation, too. kNotFound without such an account.
  [[nodiscard]] virtual Result<> set_password_hash(AccountId account, std::string_view hash) = 0;
  // Replaces the hash in one statement when it is still old_hash; false when it is another, or
  // the account is gone. origin: store::origin_of(), when it is the same password's; without one
  // tickets and sessions end.
  [[nodiscard]] virtual Result<bool> replace_password_hash(AccountId account,
                                                           std::string_view old_hash,
                                                           std::string_view new_hash,
                                                           std::string_view origin = {}) = 0;
  // Bans until the Unix time until_s (0: for ever), or lifts the ban, and records it (list_bans).
  // A ban revokes the resume tickets; so does lifting one that was written by hand, which had not.
  // A closed account stays closed. kNotFound without such an account.
  [[nodiscard]] virtual Result<> set_ban(std::string_view name, bool banned, std::int64_t until_s,
                                         std::string_view reason, std::string_view note = {}) = 0;
  // The bans of the account, the oldest first.
  [[nodiscard]] virtual Result<std::vector<BanRecord>> list_bans(AccountId account) = 0;
  // Raises ticket_generation. kNotFound without such an account.
  [[nodiscard]] virtual Result<> revoke_tickets(std::string_view name) = 0;
  // Sets the sealed secret of the second factor (empty: none), forgets the last code's step and
  // raises ticket_generation and gives all tries back. kNotFound without such an account.
  [[nodiscard]] virtual Result<> set_totp(std::string_view name, std::string_view sealed) = 0;
  // Uses the time step of a code up, in one statement; false when it or a later one was used
  // already, or the account is gone.
  [[nodiscard]] virtual Result<bool> use_totp_step(AccountId account, std::uint64_t step) = 0;
  // Takes one try of the second factor from the account's budget, in one statement; false when
  // none is left, or the account is gone. What a clock that went back left is put right.
  [[nodiscard]] virtual Result<bool> take_totp_try(AccountId account, const TotpBudget& budget,
                                                   std::int64_t now_s) = 0;
  // Gives one back that was taken before: the code was right.
  [[nodiscard]] virtual Result<> give_totp_try(AccountId account, const TotpBudget& budget) = 0;
  // kNotFound without such an account.
  [[nodiscard]] virtual Result<> set_staff(std::string_view name, bool staff) = 0;
  // At most `limit` accounts whose names come after after_name in byte order, in that order.
  [[nodiscard]] virtual Result<std::vector<Account>> list_accounts(std::string_view after_name,
                                                                   std::uint32_t limit) = 0;
  // The password hashes of at most `limit` accounts above `after`, by id.
  [[nodiscard]] virtual Result<std::vector<StoredHash>> list_password_hashes(
      AccountId after, std::uint32_t limit) = 0;
  // The accounts that hold a session although they are closed, or banned at Unix time now_s.
  [[nodiscard]] virtual Result<std::vector<Account>> list_barred_online(std::int64_t now_s) = 0;
  // At most `limit` accounts above `after` that hold a session which was made under other
  // credentials than the account has now, by id.
  [[nodiscard]] virtual Result<std::vector<StaleSession>> list_stale_online(
      AccountId after, std::uint32_t limit) = 0;

  // Resume tickets (login/tickets.hpp). The family of a ticket, once one of it was used.
  [[nodiscard]] virtual Result<std::optional<TicketFamily>> find_ticket_family(
      AccountId account, std::uint64_t family) = 0;
  // The first use: ticket 1 is the newest from now on; false when there was one before. Of the
  // account's families the families_max whose passwords are the newest stay; the tickets of the
  // others, and of passwords older than theirs, are refused (Account::tickets_after_s).
  [[nodiscard]] virtual Result<bool> begin_ticket_family(AccountId account,
                                                         const NewTicketFamily& family,
                                                         std::uint32_t families_max) = 0;
  // A later use: `sequence` + 1 is the newest ticket from now on, in one statement; false when
  // `sequence` is not the newest, or the family has ended.
  [[nodiscard]] virtual Result<bool> advance_ticket_family(AccountId account, std::uint64_t family,
                                                           std::uint64_t sequence,
                                                           std::string_view address) = 0;
  // No ticket of the family is good any more, and a session that one of them made is to end.
  [[nodiscard]] virtual Result<> end_ticket_family(AccountId account, std::uint64_t family) = 0;
  // Forgets up to `limit` of the families that expired before Unix time now_s; how many.
  [[nodiscard]] virtual Result<std::uint64_t> trim_ticket_families(std::int64_t now_s,
                                                                   std::uint32_t limit) = 0;

  // Sessions. Takes one over by one statement and returns its fence (sql/README.md, Failover): an
  // epoch above every earlier one that the database knows of the account, and an owner of its own.
  // The row remembers the ids of its last four claims: the same claim again, from a caller or on a
  // fresh connection after one was lost, returns the fence it got and changes nothing, even if
  // others have claimed since. kNotFound without such an account.
  [[nodiscard]] virtual Result<Fence> claim_session(AccountId account,
                                                    const SessionClaim& claim) = 0;
  // When `fence` is the newest claim and a player of the account is under a higher or the same
  // epoch (the account's row has gone back), raises the account's epoch to that, and is true: the
  // next claim is above it.
  [[nodiscard]] virtual Result<bool> catch_up_session(AccountId account, Fence fence) = 0;
  // Marks the account as offline when `fence` still holds the session; false when another does.
  [[nodiscard]] virtual Result<bool> release_session(AccountId account, Fence fence) = 0;
  // Marks the account as online again for who holds its session; false when another does.
  [[nodiscard]] virtual Result<bool> mark_session(const HeldSession& session,
                                                  std::uint64_t node) = 0;

  // Processes and who is online. Says that a process lives; false: nobody knew it (any more), and
  // its sessions have to be marked again.
  [[nodiscard]] virtual Result<bool> beat(const Node& node) = 0;
  [[nodiscard]] virtual Result<std::vector<Node>> list_nodes() = 0;
  // Marks up to `limit` accounts as offline that a process held, and forgets the process when that
  // were all; how many. 0: whoever no known process holds.
  [[nodiscard]] virtual Result<std::uint64_t> clear_node(std::uint64_t node,
                                                         std::uint32_t limit) = 0;
  // At most `limit` sessions whose names come after after_name in byte order, in that order.
  [[nodiscard]] virtual Result<std::vector<OnlineSession>> list_online(std::string_view after_name,
                                                                       std::uint32_t limit) = 0;

  // What a database needs that has gone back in time. How many accounts; all in one transaction.
  //   after a promotion  every account's epoch goes above all that the old primary may have given;
  //                      sessions whose players are as they left them go on
  //   after a restore    the same; nobody is online, no session from before can save, and no
  //                      ticket and no credential from before is good any more
  enum class Past { kPromoted, kRestored };
  [[nodiscard]] virtual Result<std::uint64_t> fix_up(Past past) = 0;

  // Players. Takes the player's row over for `fence`, and all rows of the account away from older
  // sessions, and reads it; from then on only saves under this fence or a later one that loaded are
  // taken. A player without a row gets one. kFenced when a newer session has it, kNotFound without
  // such an account.
  [[nodiscard]] virtual Result<PlayerData> load_player(AccountId account, std::string_view server,
                                                       Fence fence) = 0;
  // Reads the player's row for the session that took it over. kFenced when it has it no more.
  [[nodiscard]] virtual Result<PlayerData> read_player(AccountId account, std::string_view server,
                                                       Fence fence) = 0;
  // Writes data and, when given, replies as save number `version` in one statement; versions are
  // counted by the caller, from the loaded one plus 1. When it returns, MySQL has it as durably
  // as innodb_flush_log_at_trx_commit says; SQLite keeps it whatever happens to the process, but
  // may lose the last saves with the machine's power. Nothing is ever overwritten by a lower
  // version: the same save again, or one that arrives late, changes nothing. A caller that
  // retries a failed save uses the next version. Success also when a higher version is there
  // already of the same session: so later saves hold what earlier ones brought, replies too.
  // kFenced when the row is not this fence's or was never loaded: nothing was written, and the
  // error says whose it is. kTooBig above the sizes of records.hpp, or of what the server takes.
  [[nodiscard]] virtual Result<> save_player(AccountId account, std::string_view server,
                                             Fence fence, std::uint64_t version,
                                             std::string_view data,
                                             const std::optional<std::string>& replies) = 0;
  // Of a fenced session: whether the database has forgotten it (an older epoch has the row, or
  // another owner the same epoch), so that nobody has what it saved or was about to.
  [[nodiscard]] virtual Result<bool> rewound(AccountId account, std::string_view server,
                                             Fence fence) = 0;

  // All rows or none; few round trips. Rows of refusals are added to those of their minute.
  [[nodiscard]] virtual Result<> record_logins(std::span<const LoginAudit> rows) = 0;
  // Deletes up to `limit` of the rows before Unix time before_s, the oldest first; how many.
  [[nodiscard]] virtual Result<std::uint64_t> trim_login_audit(std::int64_t before_s,
                                                               std::uint32_t limit) = 0;
  // The size of up to `limit` rows of the audit behind row after_id.
  [[nodiscard]] virtual Result<AuditPart> measure_login_audit(std::uint64_t after_id,
                                                              std::uint32_t limit) = 0;
  // Deletes up to `limit` of the rows up to row last_id, the oldest first; how many.
  [[nodiscard]] virtual Result<std::uint64_t> cut_login_audit(std::uint64_t last_id,
                                                              std::uint32_t limit) = 0;

  // Game servers, by name.
  [[nodiscard]] virtual Result<std::optional<GameServer>> game_server(std::string_view name) = 0;
  [[nodiscard]] virtual Result<std::vector<GameServer>> list_game_servers() = 0;
  // For tests: ops write the table by SQL.
  [[nodiscard]] virtual Result<> upsert_game_server(const GameServer& server) = 0;

  // The address bans in force at Unix time now_s.
  [[nodiscard]] virtual Result<std::vector<AddressBan>> list_address_bans(std::int64_t now_s) = 0;
  // The networks that bans and limits do not touch.
  [[nodiscard]] virtual Result<std::vector<AddressAllow>> list_address_allows() = 0;

  // Version of the last migration applied; 0: an empty database.
  [[nodiscard]] virtual Result<std::uint32_t> schema_version() = 0;
  // How many migrations are to be applied, changing nothing. kInvalid as migrate().
  [[nodiscard]] virtual Result<std::uint32_t> missing_migrations() = 0;
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

  // What a login and the saves after it would get now: the statements that they need, on rows that
  // are not there, so that nothing changes; and a real write, where the statements alone would not
  // show that there is no room.
  [[nodiscard]] virtual Result<> rehearse() = 0;
  // There is a connection, as far as can be told without asking the database.
  [[nodiscard]] virtual bool connected() = 0;
  // Makes sure of that.
  [[nodiscard]] virtual Result<> connect() = 0;
  // One round trip; connects when there is no connection.
  [[nodiscard]] virtual Result<> ping() = 0;
};

}  // namespace gatehouse::store
