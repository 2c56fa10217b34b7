// What the two databases have in common below the Driver: a connection runs numbered
// statements with values and hands out rows. Internal to this layer; sql_driver.cpp holds the
// operations, mysql_* and sqlite_* a connection and the statements' texts each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <variant>

#include "base/result.hpp"
#include "base/sql_value.hpp"

namespace gatehouse::drivers {

// Every statement of the store. What the time is comes as a value, from who asks: but for what two
// machines compare, by the database's clock (ages of a ticket's use and of a beat). Values are, in
// the order of the texts' question marks:
enum class Statement : std::size_t {
  kFindAccount,           // name bytes -> account columns (SqlDriver)
  kCreateAccount,         // name, hash -> as kFindAccount, or nothing where the database cannot
  kAddAccount,            // name, hash; run_rows
  kLockAccount,           // name bytes -> id; held until the transaction ends
  kDeletePlayers,         // account
  kDeleteAccount,         // id
  kSetPasswordHash,       // hash, id
  kReplacePasswordHash,   // new hash, origin, id, old hash bytes
  kSetBan,                // status, until or 0, reason, note, rise of the ticket generation, id
  kListBans,              // account -> at or 0, until or 0, reason, note, lifted at or 0
  kAddBan,                // account, now, until or 0, reason, note
  kAdoptBan,              // account: the one in its row, written by hand
  kLiftBans,              // now, account, now: those in force
  kDeleteBans,            // account
  kRevokeTickets,         // name bytes
  kSetTotp,               // sealed, name bytes
  kUseTotpStep,           // step, id, step
  kTakeTotpTry,           // now, cost, id, now, cost, end of the budget
  kMendTotpTries,         // end of the budget, id, end of the budget
  kGiveTotpTry,           // cost, id
  kSetStaff,              // 0 or 1, name bytes
  kListAccounts,          // name bytes, limit -> account columns
  kListHashes,            // id, limit -> id, hash
  kListBarredOnline,      // now -> account columns
  kListStaleOnline,       // id, limit -> id, name, epoch
  kFindTicketFamily,      // account, family -> sequence, address, age, whether it ended
  kBeginTicketFamily,     // account, family, password at, address, expires at
  kAdvanceTicketFamily,   // address, account, family, sequence
  kEndTicketFamily,       // now, account, family
  kRevokeFamilySession,   // id, family
  kNewestTicketFamilies,  // account, number of those to skip -> password at of the next
  kRaiseTicketsAfter,     // password at, id, password at
  kForgetTicketFamilies,  // account, password at
  kTrimTicketFamilies,    // now, limit
  kDeleteTicketFamilies,  // account
  kClaimSession,    // claim, subid or null, node, gate, server, address, now, generation or null,
                    // password, factor, family, id, claim -> epoch, as row or insert_id
  kReadClaims,      // id -> epoch, claims
  kCatchUpSession,  // account, id, epoch
  kReleaseSession,  // id, epoch, owner bytes
  kMarkSession,     // node, gate, server, subid, id, epoch, owner bytes
  kBeat,            // id
  kAddNode,         // id, process
  kListNodes,       // -> id, process, seconds since its last beat
  kClearNode,       // node, limit
  kClearUnknown,    // limit
  kDeleteNode,      // id
  kDeleteNodes,     //
  kListOnline,      // name bytes, limit -> name, server, gate, epoch, node, address, since
  kRaiseEpochs,     // rise
  kFixUpAccounts,   //
  kFixUpPlayers,    // rise
  kFenceOthers,     // epoch, account, server, epoch
  kTakePlayer,      // account, server, epoch, owner -> as kReadPlayer, or nothing
  kReadPlayer,      // account, server -> epoch, owner, version, data, replies
  kSavePlayer,      // data, replies or null, version, now, account, server, epoch, owner, version
  kReadSaved,       // account, server -> epoch, owner, version
  kRecordLogin,     // at, name, account or null, server, address, suite, result, minute or
                    // null, attempts, names; run_rows
  kTrimLoginAudit,  // before, limit
  kMeasureLoginAudit,  // id, limit -> rows, bytes of texts, last id
  kCutLoginAudit,      // id, limit
  kFindGameServer,     // name -> name, state, capacity
  kListGameServers,    // -> name, state, capacity
  kUpsertGameServer,   // name, state, capacity
  kListAddressBans,    // now -> network, until or 0, reason
  kListAddressAllows,  // -> network, note
  kHasMigrations,      // -> 1 when table schema_migration exists, else 0
  kListMigrations,     // -> version, name, checksum
  kAddMigration,       // version, name, checksum
  kTouch,              // a write that changes nothing
  kCount,
};
inline constexpr std::size_t kStatementCount = static_cast<std::size_t>(Statement::kCount);

using StatementTexts = std::array<std::string_view, kStatementCount>;

// May a statement be repeated when it is unknown whether it was applied?
enum class Repeat {
  kYes,  // it reads, or writes what a repetition would write again
  kNo,
};

// One connection of one thread, with the promises and errors of Driver. A duplicate key is
// kExists, a broken foreign key kNotFound.
class SqlConnection {
 public:
  SqlConnection() = default;
  SqlConnection(const SqlConnection&) = delete;
  SqlConnection& operator=(const SqlConnection&) = delete;
  virtual ~SqlConnection() = default;

  [[nodiscard]] virtual Result<SqlOutcome> run(Statement statement,
                                               std::span<const SqlValue> values, Repeat repeat,
                                               const SqlVisitor& visit) = 0;
  // Runs an insert for several rows, the values of one row after those of the other, as one
  // statement where the database can; never repeated.
  [[nodiscard]] virtual Result<SqlOutcome> run_rows(Statement statement, std::size_t rows,
                                                    std::span<const SqlValue> values) = 0;
  // Runs `body` as one transaction and commits when it succeeds, else undoes it. After a deadlock
  // all of it runs again, so that it must begin its own results anew; after a lost connection
  // nothing is repeated. Not from within a body.
  [[nodiscard]] virtual Result<> transaction(const std::function<Result<>()>& body) = 0;
  [[nodiscard]] virtual Result<> ping() = 0;
  // As Driver's; a database without connections always has one.
  [[nodiscard]] virtual bool connected() { return true; }
  [[nodiscard]] virtual Result<> connect() { return {}; }

  // As Driver's. begin_group() may be followed by nothing: it costs nothing until a write.
  [[nodiscard]] virtual std::size_t group_max() const { return 1; }
  virtual void begin_group() {}
  [[nodiscard]] virtual Result<> end_group() { return {}; }

  // A second connection with time-outs fit for migrations, and the lock that keeps other
  // migrations of the same database out. unlock() keeps or, where the database can, undoes
  // what was done since lock().
  [[nodiscard]] virtual Result<std::unique_ptr<SqlConnection>> open_for_migration() = 0;
  [[nodiscard]] virtual Result<> lock_migrations() = 0;
  [[nodiscard]] virtual Result<> unlock_migrations(bool keep) = 0;
  // Runs statements separated by `;`, never repeated.
  [[nodiscard]] virtual Result<> run_script(std::string_view script) = 0;
};

}  // namespace gatehouse::drivers
