#include "drivers/mysql_sql.hpp"

// Times are DATETIME in UTC. FROM_UNIXTIME and UNIX_TIMESTAMP end in 2038 on MariaDB 10,
// interval arithmetic does not.
#define EPOCH_OF(column) "COALESCE(TIMESTAMPDIFF(SECOND, '1970-01-01', " column "), 0)"
#define TIME_OF(value) "TIMESTAMP('1970-01-01') + INTERVAL " value " SECOND"
#define ACCOUNT_COLUMNS \
  "id, name, password_hash, status, " EPOCH_OF("banned_until") ", ban_reason, "         \
  "session_epoch, session_gate, session_server, session_subid, " EPOCH_OF("created_at") \
  ", " EPOCH_OF("last_login_at") ", last_login_addr, staff, ticket_generation, totp_secret, "  \
  "totp_step, password_origin, " EPOCH_OF("tickets_after") ", ban_note"
#define NOBODY_ONLINE "session_node = 0, session_gate = '', session_server = '', session_subid = ''"

namespace gatehouse::drivers {

const StatementTexts& mysql_texts() {
  static constexpr StatementTexts kTexts = [] {
    StatementTexts texts;
    const auto set = [&texts](Statement statement, std::string_view text) {
      texts[static_cast<std::size_t>(statement)] = text;
    };
    set(Statement::kFindAccount, "SELECT " ACCOUNT_COLUMNS " FROM account WHERE name_key = ?");
    set(Statement::kCreateAccount,
        "INSERT INTO account (name, password_hash, created_at) VALUES (?, ?, " TIME_OF("?") ")");
    set(Statement::kAddAccount,
        "INSERT INTO account (name, password_hash, status, banned_until, ban_reason, staff, "
        "totp_secret, ban_note, created_at) "
        "VALUES (?, ?, ?, " TIME_OF("NULLIF(?, 0)") ", ?, ?, ?, ?, " TIME_OF("?") ")");
    set(Statement::kLockAccount, "SELECT id FROM account WHERE name_key = ? FOR UPDATE");
    set(Statement::kDeletePlayers, "DELETE FROM player_data WHERE account = ?");
    set(Statement::kDeleteAccount, "DELETE FROM account WHERE id = ?");
    set(Statement::kSetPasswordHash,
        "UPDATE account SET password_hash = ?, password_origin = '', "
        "ticket_generation = ticket_generation + 1 WHERE id = ?");
    set(Statement::kReplacePasswordHash,
        "UPDATE account SET password_hash = ?, password_origin = ? "
        "WHERE id = ? AND CAST(password_hash AS BINARY) = ?");
    set(Statement::kSetBan,
        "UPDATE account SET status = IF(status = 'closed', status, ?), "
        "banned_until = " TIME_OF("NULLIF(?, 0)") ", ban_reason = ?, ban_note = ?, "
        "ticket_generation = ticket_generation + ? WHERE id = ?");
    set(Statement::kRevokeTickets,
        "UPDATE account SET ticket_generation = ticket_generation + 1 WHERE name_key = ?");
    set(Statement::kSetTotp,
        "UPDATE account SET totp_secret = ?, totp_step = 0, totp_full_at = 0, "
        "ticket_generation = ticket_generation + 1 WHERE name_key = ?");
    set(Statement::kUseTotpStep, "UPDATE account SET totp_step = ? WHERE id = ? AND totp_step < ?");
    set(Statement::kTakeTotpTry,
        "UPDATE account SET totp_full_at = GREATEST(totp_full_at, ?) + ? "
        "WHERE id = ? AND GREATEST(totp_full_at, ?) + ? <= ?");
    set(Statement::kMendTotpTries,
        "UPDATE account SET totp_full_at = ? WHERE id = ? AND totp_full_at > ?");
    set(Statement::kGiveTotpTry, "UPDATE account SET totp_full_at = totp_full_at - ? WHERE id = ?");
    set(Statement::kSetStaff, "UPDATE account SET staff = ? WHERE name_key = ?");
    set(Statement::kListAccounts,
        "SELECT " ACCOUNT_COLUMNS " FROM account WHERE name_key > ? ORDER BY name_key LIMIT ?");
    set(Statement::kListHashes,
        "SELECT id, password_hash FROM account WHERE id > ? ORDER BY id LIMIT ?");
    set(Statement::kListBarredOnline,
        "SELECT " ACCOUNT_COLUMNS
        " FROM account "
        "WHERE status IN ('banned', 'closed') AND session_gate <> '' AND "
        "(status = 'closed' OR banned_until IS NULL OR banned_until > " TIME_OF("?") ")");
    set(Statement::kListBans,
        "SELECT " EPOCH_OF("banned_at") ", " EPOCH_OF("banned_until") ", reason, note, " EPOCH_OF(
            "lifted_at") " FROM account_ban WHERE account = ? ORDER BY id");
    set(Statement::kAddBan,
        "INSERT INTO account_ban (account, banned_at, banned_until, reason, note) "
        "VALUES (?, " TIME_OF("?") ", " TIME_OF("NULLIF(?, 0)") ", ?, ?)");
    set(Statement::kAdoptBan,
        "INSERT INTO account_ban (account, banned_until, reason, note) "
        "SELECT id, banned_until, ban_reason, ban_note FROM account WHERE id = ?");
    set(Statement::kLiftBans,
        "UPDATE account_ban SET lifted_at = " TIME_OF("?") " WHERE account = ? AND "
        "lifted_at IS NULL AND (banned_until IS NULL OR banned_until > " TIME_OF("?") ")");
    set(Statement::kDeleteBans, "DELETE FROM account_ban WHERE account = ?");
    set(Statement::kListStaleOnline,
        "SELECT id, name, session_epoch FROM account WHERE session_stale = 1 AND id > ? "
        "ORDER BY id LIMIT ?");
    // The time between two uses of a ticket is told by the database's clock alone: the one may be
    // at one machine, the other at another. So is the time since a beat, below.
    set(Statement::kFindTicketFamily,
        "SELECT sequence, address, TIMESTAMPDIFF(SECOND, used_at, UTC_TIMESTAMP()), "
        "ended_at IS NOT NULL FROM ticket_family WHERE account = ? AND family = ?");
    set(Statement::kBeginTicketFamily,
        "INSERT INTO ticket_family "
        "(account, family, password_at, sequence, address, used_at, expires_at) "
        "VALUES (?, ?, " TIME_OF("?") ", 1, ?, UTC_TIMESTAMP(), " TIME_OF("?") ")");
    set(Statement::kAdvanceTicketFamily,
        "UPDATE ticket_family SET sequence = sequence + 1, address = ?, used_at = UTC_TIMESTAMP() "
        "WHERE account = ? AND family = ? AND sequence = ? AND ended_at IS NULL");
    set(Statement::kEndTicketFamily,
        "UPDATE ticket_family SET ended_at = COALESCE(ended_at, " TIME_OF("?") ") "
        "WHERE account = ? AND family = ?");
    set(Statement::kRevokeFamilySession,
        "UPDATE account SET session_revoked = 1 WHERE id = ? AND session_family = ?");
    set(Statement::kNewestTicketFamilies,
        "SELECT " EPOCH_OF("password_at") " FROM ticket_family WHERE account = ? "
        "ORDER BY password_at DESC LIMIT 1 OFFSET ?");
    set(Statement::kRaiseTicketsAfter,
        "UPDATE account SET tickets_after = " TIME_OF("?") " "
        "WHERE id = ? AND (tickets_after IS NULL OR tickets_after < " TIME_OF("?") ")");
    set(Statement::kForgetTicketFamilies,
        "DELETE FROM ticket_family WHERE account = ? AND password_at <= " TIME_OF("?"));
    set(Statement::kTrimTicketFamilies,
        "DELETE FROM ticket_family WHERE expires_at < " TIME_OF("?") " LIMIT ?");
    set(Statement::kDeleteTicketFamilies, "DELETE FROM ticket_family WHERE account = ?");
    // The sub-id comes before the epoch: MySQL assigns from left to right, and it needs the old
    // one.
    set(Statement::kClaimSession,
        "UPDATE account SET "
        "session_claim = LEFT(CONCAT(CAST(? AS BINARY), session_claim), 64), "
        "session_subid = COALESCE(?, CAST(CAST(session_epoch + 1 AS CHAR) AS BINARY)), "
        "session_epoch = LAST_INSERT_ID(session_epoch + 1), session_node = ?, session_gate = ?, "
        "session_server = ?, last_login_addr = ?, last_login_at = " TIME_OF("?") ", "
        "session_generation = ?, session_password = ?, session_factor = ?, session_family = ?, "
        "session_revoked = FALSE "
        "WHERE id = ? AND LOCATE(CAST(? AS BINARY), session_claim) = 0");
    set(Statement::kReadClaims, "SELECT session_epoch, session_claim FROM account WHERE id = ?");
    set(Statement::kCatchUpSession,
        "UPDATE account SET session_epoch = GREATEST(session_epoch, "
        "(SELECT COALESCE(MAX(epoch), 0) FROM player_data WHERE account = ?)) "
        "WHERE id = ? AND session_epoch = ?");
    set(Statement::kReleaseSession,
        "UPDATE account SET " NOBODY_ONLINE
        " WHERE id = ? AND session_epoch = ? AND LEFT(session_claim, 8) = CAST(? AS BINARY)");
    set(Statement::kMarkSession,
        "UPDATE account SET session_node = ?, session_gate = ?, session_server = ?, "
        "session_subid = ? "
        "WHERE id = ? AND session_epoch = ? AND LEFT(session_claim, 8) = CAST(? AS BINARY)");
    set(Statement::kBeat, "UPDATE node SET seen_at = UTC_TIMESTAMP(3) WHERE id = ?");
    set(Statement::kAddNode,
        "INSERT IGNORE INTO node (id, process, seen_at) VALUES (?, ?, UTC_TIMESTAMP(3))");
    set(Statement::kListNodes,
        "SELECT id, process, TIMESTAMPDIFF(SECOND, seen_at, UTC_TIMESTAMP(3)) FROM node");
    set(Statement::kClearNode,
        "UPDATE account SET " NOBODY_ONLINE " WHERE session_node = ? LIMIT ?");
    set(Statement::kClearUnknown,
        "UPDATE account SET " NOBODY_ONLINE
        " WHERE session_gate <> '' AND session_node NOT IN (SELECT id FROM node) LIMIT ?");
    set(Statement::kDeleteNode, "DELETE FROM node WHERE id = ?");
    set(Statement::kDeleteNodes, "DELETE FROM node");
    set(Statement::kListOnline,
        "SELECT name, session_server, session_gate, session_epoch, session_node, "
        "last_login_addr, " EPOCH_OF("last_login_at") " FROM account "
        "WHERE session_gate <> '' AND name_key > ? ORDER BY name_key LIMIT ?");
    set(Statement::kRaiseEpochs,
        "UPDATE account SET session_epoch = GREATEST(session_epoch, (SELECT "
        "COALESCE(MAX(epoch), 0) FROM player_data WHERE player_data.account = account.id)) + ?");
    set(Statement::kFixUpAccounts,
        "UPDATE account SET ticket_generation = ticket_generation + 1000000, "
        "session_claim = '', " NOBODY_ONLINE);
    set(Statement::kFixUpPlayers, "UPDATE player_data SET owner = 0, epoch = epoch + ?");
    set(Statement::kFenceOthers,
        "UPDATE player_data SET epoch = ? WHERE account = ? AND server <> ? AND epoch < ?");
    set(Statement::kTakePlayer,
        "INSERT INTO player_data (account, server, epoch, owner) VALUES (?, ?, ?, ?) "
        "ON DUPLICATE KEY UPDATE owner = IF(VALUES(epoch) > epoch, VALUES(owner), owner), "
        "epoch = GREATEST(epoch, VALUES(epoch))");
    set(Statement::kReadPlayer,
        "SELECT epoch, owner, version, data, replies FROM player_data "
        "WHERE account = ? AND server = ?");
    set(Statement::kSavePlayer,
        "UPDATE player_data SET data = ?, replies = COALESCE(?, replies), "
        "version = ?, updated_at = " TIME_OF("?") " "
        "WHERE account = ? AND server = ? AND epoch = ? AND owner = ? AND version < ?");
    set(Statement::kReadSaved,
        "SELECT epoch, owner, version FROM player_data WHERE account = ? AND server = ?");
    set(Statement::kRecordLogin,
        "INSERT INTO login_audit (at, name, account, server, address, suite, result, transport, "
        "tls, proxy, minute, attempts, names) "
        "VALUES (" TIME_OF("?") ", ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON DUPLICATE KEY UPDATE name = VALUES(name), account = VALUES(account), "
        "server = VALUES(server), suite = VALUES(suite), result = VALUES(result), "
        "transport = VALUES(transport), tls = VALUES(tls), proxy = VALUES(proxy), "
        "attempts = attempts + VALUES(attempts), names = GREATEST(names, VALUES(names))");
    set(Statement::kTrimLoginAudit,
        "DELETE FROM login_audit WHERE at < " TIME_OF("?") " ORDER BY at LIMIT ?");
    set(Statement::kMeasureLoginAudit,
        "SELECT COUNT(*), CAST(COALESCE(SUM(octets), 0) AS UNSIGNED), "
        "CAST(COALESCE(MAX(id), 0) AS UNSIGNED) FROM (SELECT id, LENGTH(name) + "
        "3 * LENGTH(address) + LENGTH(server) + LENGTH(suite) + LENGTH(result) + "
        "LENGTH(transport) + LENGTH(tls) + LENGTH(proxy) AS octets "
        "FROM login_audit WHERE id > ? ORDER BY id LIMIT ?) AS part");
    set(Statement::kCutLoginAudit, "DELETE FROM login_audit WHERE id <= ? ORDER BY id LIMIT ?");
    set(Statement::kFindGameServer, "SELECT name, state, capacity FROM game_server WHERE name = ?");
    set(Statement::kListGameServers, "SELECT name, state, capacity FROM game_server ORDER BY name");
    set(Statement::kUpsertGameServer,
        "INSERT INTO game_server (name, state, capacity) VALUES (?, ?, ?) "
        "ON DUPLICATE KEY UPDATE state = VALUES(state), capacity = VALUES(capacity)");
    set(Statement::kListAddressBans,
        "SELECT network, " EPOCH_OF("banned_until") ", reason FROM address_ban "
        "WHERE banned_until IS NULL OR banned_until > " TIME_OF("?") " ORDER BY network");
    set(Statement::kListAddressAllows, "SELECT network, note FROM address_allow ORDER BY network");
    set(Statement::kHasMigrations,
        "SELECT COUNT(*) FROM information_schema.tables "
        "WHERE table_schema = DATABASE() AND table_name = 'schema_migration'");
    set(Statement::kListMigrations,
        "SELECT version, name, checksum FROM schema_migration ORDER BY version");
    set(Statement::kAddMigration,
        "INSERT INTO schema_migration (version, name, checksum) VALUES (?, ?, ?)");
    // A server that has no room lets writes wait, and those of nothing, too.
    set(Statement::kTouch, "UPDATE account SET session_epoch = session_epoch WHERE id = 0");
    return texts;
  }();
  return kTexts;
}

}  // namespace gatehouse::drivers
