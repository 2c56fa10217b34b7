#include "drivers/sqlite_sql.hpp"

// A name arrives as bytes where MySQL compares bytes; SQLite compares a TEXT with a BLOB by
// their types first, so that it has to be told.
#define NAME_OF(value) "CAST(" value " AS TEXT)"
#define ACCOUNT_COLUMNS                                                                     \
  "id, name, password_hash, status, COALESCE(banned_until, 0), ban_reason, session_epoch, " \
  "session_gate, session_server, session_subid, created_at, COALESCE(last_login_at, 0), "   \
  "last_login_addr, staff, ticket_generation, totp_secret, totp_step, password_origin, "    \
  "COALESCE(tickets_after, 0), ban_note"
#define NOBODY_ONLINE \
  "session_node = 0, session_gate = '', session_server = '', session_subid = x''"

namespace gatehouse::drivers {

const StatementTexts& sqlite_texts() {
  static constexpr StatementTexts kTexts = [] {
    StatementTexts texts;
    const auto set = [&texts](Statement statement, std::string_view text) {
      texts[static_cast<std::size_t>(statement)] = text;
    };
    set(Statement::kFindAccount,
        "SELECT " ACCOUNT_COLUMNS " FROM account WHERE name = " NAME_OF("?"));
    set(Statement::kCreateAccount,
        "INSERT INTO account (name, password_hash, created_at) VALUES (?, ?, ?) "
        "RETURNING " ACCOUNT_COLUMNS);
    set(Statement::kAddAccount,
        "INSERT INTO account (name, password_hash, status, banned_until, ban_reason, staff, "
        "totp_secret, ban_note, created_at) VALUES (?, ?, ?, NULLIF(?, 0), ?, ?, ?, ?, ?)");
    set(Statement::kLockAccount, "SELECT id FROM account WHERE name = " NAME_OF("?"));
    set(Statement::kDeletePlayers, "DELETE FROM player_data WHERE account = ?");
    set(Statement::kDeleteAccount, "DELETE FROM account WHERE id = ?");
    set(Statement::kSetPasswordHash,
        "UPDATE account SET password_hash = ?, password_origin = '', "
        "ticket_generation = ticket_generation + 1 WHERE id = ?");
    set(Statement::kReplacePasswordHash,
        "UPDATE account SET password_hash = ?, password_origin = ? "
        "WHERE id = ? AND password_hash = " NAME_OF("?"));
    set(Statement::kSetBan,
        "UPDATE account SET status = iif(status = 'closed', status, ?), "
        "banned_until = NULLIF(?, 0), ban_reason = ?, ban_note = ?, "
        "ticket_generation = ticket_generation + ? WHERE id = ?");
    set(Statement::kRevokeTickets,
        "UPDATE account SET ticket_generation = ticket_generation + 1 WHERE name = " NAME_OF("?"));
    set(Statement::kSetTotp,
        "UPDATE account SET totp_secret = ?, totp_step = 0, totp_full_at = 0, "
        "ticket_generation = ticket_generation + 1 WHERE name = " NAME_OF("?"));
    set(Statement::kUseTotpStep, "UPDATE account SET totp_step = ? WHERE id = ? AND totp_step < ?");
    set(Statement::kTakeTotpTry,
        "UPDATE account SET totp_full_at = max(totp_full_at, ?) + ? "
        "WHERE id = ? AND max(totp_full_at, ?) + ? <= ?");
    set(Statement::kMendTotpTries,
        "UPDATE account SET totp_full_at = ? WHERE id = ? AND totp_full_at > ?");
    set(Statement::kGiveTotpTry, "UPDATE account SET totp_full_at = totp_full_at - ? WHERE id = ?");
    set(Statement::kSetStaff, "UPDATE account SET staff = ? WHERE name = " NAME_OF("?"));
    set(Statement::kListAccounts, "SELECT " ACCOUNT_COLUMNS " FROM account WHERE name > " NAME_OF(
                                      "?") " ORDER BY name LIMIT ?");
    set(Statement::kListHashes,
        "SELECT id, password_hash FROM account WHERE id > ? ORDER BY id LIMIT ?");
    set(Statement::kListBarredOnline,
        "SELECT " ACCOUNT_COLUMNS
        " FROM account "
        "WHERE status IN ('banned', 'closed') AND session_gate <> '' AND "
        "(status = 'closed' OR banned_until IS NULL OR banned_until > ?)");
    set(Statement::kListBans,
        "SELECT COALESCE(banned_at, 0), COALESCE(banned_until, 0), reason, note, "
        "COALESCE(lifted_at, 0) FROM account_ban WHERE account = ? ORDER BY id");
    set(Statement::kAddBan,
        "INSERT INTO account_ban (account, banned_at, banned_until, reason, note) "
        "VALUES (?, ?, NULLIF(?, 0), ?, ?)");
    set(Statement::kAdoptBan,
        "INSERT INTO account_ban (account, banned_until, reason, note) "
        "SELECT id, banned_until, ban_reason, ban_note FROM account WHERE id = ?");
    set(Statement::kLiftBans,
        "UPDATE account_ban SET lifted_at = ? WHERE account = ? AND "
        "lifted_at IS NULL AND (banned_until IS NULL OR banned_until > ?)");
    set(Statement::kDeleteBans, "DELETE FROM account_ban WHERE account = ?");
    set(Statement::kListStaleOnline,
        "SELECT id, name, session_epoch FROM account WHERE session_stale = 1 AND id > ? "
        "ORDER BY id LIMIT ?");
    // By the database's clock, as where machines share one (mysql_sql.cpp); so are beats, below.
    set(Statement::kFindTicketFamily,
        "SELECT sequence, address, unixepoch() - used_at, ended_at IS NOT NULL FROM ticket_family "
        "WHERE account = ? AND family = ?");
    set(Statement::kBeginTicketFamily,
        "INSERT INTO ticket_family "
        "(account, family, password_at, sequence, address, used_at, expires_at) "
        "VALUES (?, ?, ?, 1, ?, unixepoch(), ?)");
    set(Statement::kAdvanceTicketFamily,
        "UPDATE ticket_family SET sequence = sequence + 1, address = ?, used_at = unixepoch() "
        "WHERE account = ? AND family = ? AND sequence = ? AND ended_at IS NULL");
    set(Statement::kEndTicketFamily,
        "UPDATE ticket_family SET ended_at = COALESCE(ended_at, ?) "
        "WHERE account = ? AND family = ?");
    set(Statement::kRevokeFamilySession,
        "UPDATE account SET session_revoked = 1 WHERE id = ? AND session_family = ?");
    set(Statement::kNewestTicketFamilies,
        "SELECT COALESCE(password_at, 0) FROM ticket_family WHERE account = ? "
        "ORDER BY password_at DESC LIMIT 1 OFFSET ?");
    set(Statement::kRaiseTicketsAfter,
        "UPDATE account SET tickets_after = ? "
        "WHERE id = ? AND (tickets_after IS NULL OR tickets_after < ?)");
    set(Statement::kForgetTicketFamilies,
        "DELETE FROM ticket_family WHERE account = ? AND password_at <= ?");
    set(Statement::kTrimTicketFamilies,
        "DELETE FROM ticket_family WHERE (account, family) IN "
        "(SELECT account, family FROM ticket_family WHERE expires_at < ? LIMIT ?)");
    set(Statement::kDeleteTicketFamilies, "DELETE FROM ticket_family WHERE account = ?");
    // `||` makes a text of bytes, which the cast takes as they are.
    set(Statement::kClaimSession,
        "UPDATE account SET "
        "session_claim = substr(CAST(? || session_claim AS BLOB), 1, 64), "
        "session_subid = COALESCE(?, CAST(CAST(session_epoch + 1 AS TEXT) AS BLOB)), "
        "session_epoch = session_epoch + 1, session_node = ?, session_gate = ?, "
        "session_server = ?, last_login_addr = ?, last_login_at = ?, "
        "session_generation = ?, session_password = ?, session_factor = ?, session_family = ?, "
        "session_revoked = 0 "
        "WHERE id = ? AND instr(session_claim, ?) = 0 RETURNING session_epoch");
    set(Statement::kReadClaims, "SELECT session_epoch, session_claim FROM account WHERE id = ?");
    set(Statement::kCatchUpSession,
        "UPDATE account SET session_epoch = max(session_epoch, "
        "(SELECT COALESCE(max(epoch), 0) FROM player_data WHERE account = ?)) "
        "WHERE id = ? AND session_epoch = ?");
    set(Statement::kReleaseSession,
        "UPDATE account SET " NOBODY_ONLINE
        " WHERE id = ? AND session_epoch = ? AND substr(session_claim, 1, 8) = ?");
    set(Statement::kMarkSession,
        "UPDATE account SET session_node = ?, session_gate = ?, session_server = ?, "
        "session_subid = ? WHERE id = ? AND session_epoch = ? AND substr(session_claim, 1, 8) = ?");
    set(Statement::kBeat, "UPDATE node SET seen_at = unixepoch() WHERE id = ?");
    set(Statement::kAddNode,
        "INSERT OR IGNORE INTO node (id, process, seen_at) VALUES (?, ?, unixepoch())");
    set(Statement::kListNodes, "SELECT id, process, unixepoch() - seen_at FROM node");
    set(Statement::kClearNode,
        "UPDATE account SET " NOBODY_ONLINE
        " WHERE id IN (SELECT id FROM account WHERE session_node = ? LIMIT ?)");
    set(Statement::kClearUnknown, "UPDATE account SET " NOBODY_ONLINE
                                  " WHERE id IN (SELECT id FROM account WHERE session_gate <> '' "
                                  "AND session_node NOT IN (SELECT id FROM node) LIMIT ?)");
    set(Statement::kDeleteNode, "DELETE FROM node WHERE id = ?");
    set(Statement::kDeleteNodes, "DELETE FROM node");
    set(Statement::kListOnline,
        "SELECT name, session_server, session_gate, session_epoch, session_node, "
        "last_login_addr, COALESCE(last_login_at, 0) FROM account "
        "WHERE session_gate <> '' AND name > " NAME_OF("?") " ORDER BY name LIMIT ?");
    set(Statement::kRaiseEpochs,
        "UPDATE account SET session_epoch = max(session_epoch, (SELECT "
        "COALESCE(max(epoch), 0) FROM player_data WHERE player_data.account = account.id)) + ?");
    set(Statement::kFixUpAccounts,
        "UPDATE account SET ticket_generation = ticket_generation + 1000000, "
        "session_claim = x'', " NOBODY_ONLINE);
    set(Statement::kFixUpPlayers, "UPDATE player_data SET owner = 0, epoch = epoch + ?");
    set(Statement::kFenceOthers,
        "UPDATE player_data SET epoch = ? WHERE account = ? AND server <> ? AND epoch < ?");
    set(Statement::kTakePlayer,
        "INSERT INTO player_data (account, server, epoch, owner) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (account, server) DO UPDATE SET "
        "owner = iif(excluded.epoch > epoch, excluded.owner, owner), "
        "epoch = max(epoch, excluded.epoch) "
        "RETURNING epoch, owner, version, data, replies");
    set(Statement::kReadPlayer,
        "SELECT epoch, owner, version, data, replies FROM player_data "
        "WHERE account = ? AND server = ?");
    set(Statement::kSavePlayer,
        "UPDATE player_data SET data = ?, replies = COALESCE(?, replies), "
        "version = ?, updated_at = ? "
        "WHERE account = ? AND server = ? AND epoch = ? AND owner = ? AND version < ?");
    set(Statement::kReadSaved,
        "SELECT epoch, owner, version FROM player_data WHERE account = ? AND server = ?");
    set(Statement::kRecordLogin,
        "INSERT INTO login_audit (at, name, account, server, address, suite, result, transport, "
        "tls, proxy, minute, attempts, names) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (minute, address) WHERE minute IS NOT NULL DO UPDATE SET "
        "name = excluded.name, "
        "account = excluded.account, server = excluded.server, suite = excluded.suite, "
        "result = excluded.result, transport = excluded.transport, tls = excluded.tls, "
        "proxy = excluded.proxy, attempts = attempts + excluded.attempts, "
        "names = max(names, excluded.names)");
    set(Statement::kTrimLoginAudit,
        "DELETE FROM login_audit WHERE id IN "
        "(SELECT id FROM login_audit WHERE at < ? ORDER BY at LIMIT ?)");
    set(Statement::kMeasureLoginAudit,
        "SELECT count(*), COALESCE(sum(octets), 0), COALESCE(max(id), 0) FROM (SELECT id, "
        "length(CAST(name AS BLOB)) + length(CAST(server AS BLOB)) + 3 * length(address) + "
        "length(suite) + length(result) + length(transport) + length(tls) + length(proxy) "
        "AS octets "
        "FROM login_audit WHERE id > ? ORDER BY id LIMIT ?)");
    set(Statement::kCutLoginAudit,
        "DELETE FROM login_audit WHERE id IN "
        "(SELECT id FROM login_audit WHERE id <= ? ORDER BY id LIMIT ?)");
    set(Statement::kFindGameServer, "SELECT name, state, capacity FROM game_server WHERE name = ?");
    set(Statement::kListGameServers, "SELECT name, state, capacity FROM game_server ORDER BY name");
    set(Statement::kUpsertGameServer,
        "INSERT INTO game_server (name, state, capacity) VALUES (?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET state = excluded.state, capacity = excluded.capacity");
    set(Statement::kListAddressBans,
        "SELECT network, COALESCE(banned_until, 0), reason FROM address_ban "
        "WHERE banned_until IS NULL OR banned_until > ? ORDER BY network");
    set(Statement::kListAddressAllows, "SELECT network, note FROM address_allow ORDER BY network");
    // Writes the first page, as no UPDATE to equal values would: whose file it is ("gate").
    set(Statement::kTouch, "PRAGMA application_id = 1734440037");
    set(Statement::kHasMigrations,
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migration'");
    set(Statement::kListMigrations,
        "SELECT version, name, checksum FROM schema_migration ORDER BY version");
    set(Statement::kAddMigration,
        "INSERT INTO schema_migration (version, name, checksum) VALUES (?, ?, ?)");
    return texts;
  }();
  return kTexts;
}

}  // namespace gatehouse::drivers
