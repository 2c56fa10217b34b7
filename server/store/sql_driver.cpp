#include "store/sql_driver.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "store/sql_migrate.hpp"
#include "store/text.hpp"

namespace gatehouse::store {
namespace {

// 9999-12-31, the last day a DATETIME holds.
constexpr std::int64_t kLastTimeS = 253'402'300'799;

constexpr std::size_t kShortTextMax = 64;
constexpr std::size_t kLongTextMax = 255;

bool valid_text(std::string_view text, std::size_t characters_max) {
  const auto characters = utf8_characters(text);
  return characters && *characters <= characters_max &&
         text.find('\0') == std::string_view::npos;
}

tl::unexpected<Error> invalid(const char* what) {
  return fail(Errc::kInvalid, std::string("the store does not take this ") + what);
}

std::uint64_t natural(const SqlRow& row, int column) {
  return static_cast<std::uint64_t>(row.integer(column));
}

AccountStatus account_status(std::string_view word) {
  if (word == name(AccountStatus::kActive)) return AccountStatus::kActive;
  if (word == name(AccountStatus::kBanned)) return AccountStatus::kBanned;
  return AccountStatus::kClosed;  // a word of a later version locks out, never in
}

ServerState server_state(std::string_view word) {
  if (word == name(ServerState::kOpen)) return ServerState::kOpen;
  if (word == name(ServerState::kMaintenance)) return ServerState::kMaintenance;
  return ServerState::kClosed;
}

Account account_of(const SqlRow& row) {
  Account account;
  account.id = AccountId{natural(row, 0)};
  account.name = row.bytes(1);
  account.password_hash = row.bytes(2);
  account.status = account_status(row.bytes(3));
  account.banned_until_s = row.integer(4);
  account.ban_reason = row.bytes(5);
  account.session_epoch = natural(row, 6);
  account.session_gate = row.bytes(7);
  account.session_server = row.bytes(8);
  account.session_subid = row.bytes(9);
  account.created_at_s = row.integer(10);
  account.last_login_at_s = row.integer(11);
  account.last_login_addr = row.bytes(12);
  return account;
}

GameServer game_server_of(const SqlRow& row) {
  constexpr std::int64_t kCapacityMax = std::numeric_limits<std::uint32_t>::max();
  const std::int64_t capacity = std::clamp<std::int64_t>(row.integer(2), 0, kCapacityMax);
  return {.name = std::string(row.bytes(0)),
          .state = server_state(row.bytes(1)),
          .capacity = static_cast<std::uint32_t>(capacity)};
}

}  // namespace

SqlDriver::SqlDriver(std::unique_ptr<SqlConnection> connection, std::string migrations_folder,
                     std::string_view migration_table, Metric* errors)
    : connection_(std::move(connection)),
      migrations_folder_(std::move(migrations_folder)),
      migration_table_(migration_table),
      errors_(errors) {}

void SqlDriver::count(const Error& error) {
  const Errc code = error.code;
  const bool by_database =
      code == Errc::kUnavailable || code == Errc::kIo || code == Errc::kCorrupt;
  if (errors_ && by_database) errors_->add();
}

Result<SqlOutcome> SqlDriver::run(Statement statement, std::initializer_list<SqlValue> values,
                                  Repeat repeat, const SqlVisitor& visit) {
  auto outcome = connection_->run(statement, {values.begin(), values.size()}, repeat, visit);
  if (!outcome) count(outcome.error());
  return outcome;
}

Result<std::optional<Account>> SqlDriver::find_account(std::string_view name) {
  std::optional<Account> found;
  auto ran = run(Statement::kFindAccount, {SqlBytes{name}}, Repeat::kYes,
                 [&](const SqlRow& row) { found = account_of(row); });
  if (!ran) return tl::unexpected(ran.error());
  return found;
}

Result<Account> SqlDriver::create_account(std::string_view name, std::string_view password_hash) {
  if (!valid_account_name(name)) return invalid("account name");
  if (!valid_text(password_hash, kLongTextMax)) return invalid("password hash");
  std::optional<Account> account;
  auto created = run(Statement::kCreateAccount, {SqlText{name}, SqlText{password_hash}},
                     Repeat::kNo, [&](const SqlRow& row) { account = account_of(row); });
  if (!created) return tl::unexpected(created.error());
  if (account) return std::move(*account);
  auto found = find_account(name);
  if (!found) return tl::unexpected(found.error());
  if (!*found) return fail(Errc::kUnavailable, "the account was deleted while it was created");
  return std::move(**found);
}

Result<> SqlDriver::set_password_hash(AccountId account, std::string_view hash) {
  if (!valid_text(hash, kLongTextMax)) return invalid("password hash");
  auto ran = run(Statement::kSetPasswordHash, {SqlText{hash}, account.value}, Repeat::kNo);
  if (!ran) return tl::unexpected(ran.error());
  if (ran->matched == 0) return fail(Errc::kNotFound, "no such account");
  return {};
}

Result<> SqlDriver::set_ban(std::string_view name, bool banned, std::int64_t until_s,
                            std::string_view reason) {
  if (until_s < 0) return invalid("end of a ban");
  if (!valid_text(reason, kLongTextMax)) return invalid("reason of a ban");
  const auto status = banned ? AccountStatus::kBanned : AccountStatus::kActive;
  const std::int64_t until = banned ? std::min(until_s, kLastTimeS) : 0;
  auto ran = run(Statement::kSetBan,
                 {SqlText{store::name(status)}, until,
                  SqlText{banned ? reason : std::string_view()}, SqlBytes{name}},
                 Repeat::kNo);
  if (!ran) return tl::unexpected(ran.error());
  if (ran->matched == 0) return fail(Errc::kNotFound, "no such account");
  return {};
}

Result<std::vector<Account>> SqlDriver::list_accounts(std::string_view after_name,
                                                      std::uint32_t limit) {
  std::vector<Account> accounts;
  auto ran = run(Statement::kListAccounts, {SqlBytes{after_name}, std::uint64_t{limit}},
                 Repeat::kYes, [&](const SqlRow& row) { accounts.push_back(account_of(row)); });
  if (!ran) return tl::unexpected(ran.error());
  return accounts;
}

Result<std::uint64_t> SqlDriver::claim_session(AccountId account, const SessionClaim& claim) {
  if (!valid_text(claim.gate, kShortTextMax) || claim.gate.empty()) return invalid("gate name");
  if (!valid_server_name(claim.server)) return invalid("server name");
  if (claim.subid.size() > kLongTextMax) return invalid("subid");
  const std::string address = fit_text(claim.address, kShortTextMax);
  const SqlValue subid = claim.subid.empty() ? SqlValue{nullptr} : SqlBytes{claim.subid};
  std::uint64_t epoch = 0;
  auto ran = run(Statement::kClaimSession,
                 {subid, SqlText{claim.gate}, SqlText{claim.server}, SqlText{address},
                  account.value},
                 Repeat::kNo, [&](const SqlRow& row) { epoch = natural(row, 0); });
  if (!ran) return tl::unexpected(ran.error());
  if (epoch == 0 && ran->matched > 0) epoch = ran->insert_id;
  if (epoch == 0) return fail(Errc::kNotFound, "no such account");
  return epoch;
}

Result<bool> SqlDriver::release_session(AccountId account, std::uint64_t epoch) {
  auto ran = run(Statement::kReleaseSession, {account.value, epoch}, Repeat::kYes);
  if (!ran) return tl::unexpected(ran.error());
  return ran->matched > 0;
}

Result<PlayerData> SqlDriver::load_player(AccountId account, std::string_view server,
                                          std::uint64_t epoch) {
  if (!valid_server_name(server)) return invalid("server name");
  std::uint64_t owner = 0;
  PlayerData player;
  const auto read = [&](const SqlRow& row) {
    owner = natural(row, 0);
    player.version = natural(row, 1);
    player.has_data = !row.is_null(2);
    player.data = row.bytes(2);
    player.replies = row.bytes(3);
  };
  auto ran = run(Statement::kTakePlayer, {account.value, SqlText{server}, epoch}, Repeat::kYes,
                 read);
  // Once the row is ours no older epoch can write it, so that the two statements need no
  // transaction around them.
  if (ran && owner == 0)
    ran = run(Statement::kReadPlayer, {account.value, SqlText{server}}, Repeat::kYes, read);
  if (!ran) return tl::unexpected(ran.error());
  if (owner == 0) return fail(Errc::kUnavailable, "the player was deleted while it was loaded");
  if (owner != epoch) return fail(Errc::kFenced, "a newer session has the player");
  return player;
}

Result<> SqlDriver::save_player(AccountId account, std::string_view server, std::uint64_t epoch,
                                std::string_view data, const std::optional<std::string>& replies) {
  if (!valid_server_name(server)) return invalid("server name");
  if (data.size() > kPlayerDataBytesMax) return invalid("player data: too large");
  if (replies && replies->size() > kPlayerRepliesBytesMax) return invalid("replies: too large");
  const SqlValue reply_value = replies ? SqlValue{SqlBytes{*replies}} : SqlValue{nullptr};
  auto ran = run(Statement::kSavePlayer,
                 {SqlBytes{data}, reply_value, account.value, SqlText{server}, epoch},
                 Repeat::kNo);
  if (!ran) return tl::unexpected(ran.error());
  if (ran->matched == 0) return fail(Errc::kFenced, "this session does not have the player");
  return {};
}

Result<> SqlDriver::record_login(const LoginAudit& audit) {
  const std::string name = fit_text(audit.name, kShortTextMax);
  const std::string server = fit_text(audit.server, kShortTextMax);
  const std::string address = fit_text(audit.address, kShortTextMax);
  const std::string suite = fit_text(audit.suite, 16);
  const std::string result = fit_text(audit.result, 32);
  const SqlValue account = audit.account ? SqlValue{audit.account.value} : SqlValue{nullptr};
  auto ran = run(Statement::kRecordLogin,
                 {std::clamp<std::int64_t>(audit.at_s, 0, kLastTimeS), SqlText{name}, account,
                  SqlText{server}, SqlText{address}, SqlText{suite}, SqlText{result}},
                 Repeat::kNo);
  if (!ran) return tl::unexpected(ran.error());
  return {};
}

Result<std::optional<GameServer>> SqlDriver::game_server(std::string_view name) {
  std::optional<GameServer> found;
  if (!valid_server_name(name)) return found;
  auto ran = run(Statement::kFindGameServer, {SqlText{name}}, Repeat::kYes,
                 [&](const SqlRow& row) { found = game_server_of(row); });
  if (!ran) return tl::unexpected(ran.error());
  return found;
}

Result<std::vector<GameServer>> SqlDriver::list_game_servers() {
  std::vector<GameServer> servers;
  auto ran = run(Statement::kListGameServers, {}, Repeat::kYes,
                 [&](const SqlRow& row) { servers.push_back(game_server_of(row)); });
  if (!ran) return tl::unexpected(ran.error());
  return servers;
}

Result<> SqlDriver::upsert_game_server(const GameServer& server) {
  if (!valid_server_name(server.name)) return invalid("server name");
  auto ran = run(Statement::kUpsertGameServer,
                 {SqlText{server.name}, SqlText{store::name(server.state)},
                  std::uint64_t{server.capacity}},
                 Repeat::kYes);
  if (!ran) return tl::unexpected(ran.error());
  return {};
}

Result<std::vector<AddressBan>> SqlDriver::list_address_bans(std::int64_t now_s) {
  std::vector<AddressBan> bans;
  auto ran = run(Statement::kListAddressBans, {std::clamp<std::int64_t>(now_s, 0, kLastTimeS)},
                 Repeat::kYes, [&](const SqlRow& row) {
                   bans.push_back({.network = std::string(row.bytes(0)),
                                   .until_s = row.integer(1),
                                   .reason = std::string(row.bytes(2))});
                 });
  if (!ran) return tl::unexpected(ran.error());
  return bans;
}

Result<std::uint32_t> SqlDriver::schema_version() { return sql_schema_version(*connection_); }

Result<std::uint32_t> SqlDriver::migrate() {
  // The migration's own connection waits for the lock that an open group holds.
  if (auto durable = end_group(); !durable) return tl::unexpected(durable.error());
  return sql_migrate(*connection_, migrations_folder_, migration_table_);
}

Result<> SqlDriver::end_group() {
  auto durable = connection_->end_group();
  if (!durable) count(durable.error());
  return durable;
}

Result<> SqlDriver::ping() {
  auto alive = connection_->ping();
  if (!alive && errors_) errors_->add();
  return alive;
}

}  // namespace gatehouse::store
