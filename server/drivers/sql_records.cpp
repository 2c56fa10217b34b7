// SqlDriver: the login audit, game servers and networks.
#include <array>
#include <limits>
#include <vector>

#include "base/utf8.hpp"
#include "drivers/sql_driver.hpp"
#include "drivers/sql_values.hpp"

namespace gatehouse::drivers {
namespace {

// Of a row of the audit beside its texts: its numbers, its entries in five indexes, and what is
// free in their pages.
constexpr std::uint64_t kAuditRowBytes = 220;

store::ServerState server_state(std::string_view word) {
  if (word == name(store::ServerState::kOpen)) return store::ServerState::kOpen;
  if (word == name(store::ServerState::kMaintenance)) return store::ServerState::kMaintenance;
  return store::ServerState::kClosed;
}

store::GameServer game_server_of(const SqlRow& row) {
  constexpr std::int64_t kCapacityMax = std::numeric_limits<std::uint32_t>::max();
  const std::int64_t capacity = std::clamp<std::int64_t>(row.integer(2), 0, kCapacityMax);
  return {.name = std::string(row.bytes(0)),
          .state = server_state(row.bytes(1)),
          .capacity = static_cast<std::uint32_t>(capacity)};
}

}  // namespace

Result<> SqlDriver::record_logins(std::span<const store::LoginAudit> rows) {
  if (rows.empty()) return {};
  if (rows.size() <= kRowsMax) {
    auto recorded = record_some(rows);
    if (!recorded) count(recorded.error());
    return recorded;
  }
  return transaction([&]() -> Result<> {
    for (auto rest = rows; !rest.empty();) {
      const auto some = rest.first(std::min(rest.size(), kRowsMax));
      if (auto recorded = record_some(some); !recorded) return recorded;
      rest = rest.subspan(some.size());
    }
    return {};
  });
}

Result<> SqlDriver::record_some(std::span<const store::LoginAudit> rows) {
  std::vector<std::array<std::string, 8>> texts;  // the values point into it
  std::vector<SqlValue> values;
  texts.reserve(rows.size());
  for (const store::LoginAudit& row : rows) {
    const auto& text = texts.emplace_back(std::array<std::string, 8>{
        fit_text(row.name, kShortTextMax), fit_text(row.server, kShortTextMax),
        fit_text(row.address, kShortTextMax), fit_text(row.suite, 16), fit_text(row.result, 32),
        fit_text(row.transport, 16), fit_text(row.tls, kShortTextMax),
        fit_text(row.proxy, kShortTextMax)});
    values.push_back(row.at_s != 0 ? SqlValue{valid_time(row.at_s)} : now_s());
    values.emplace_back(SqlText{text[0]});
    values.push_back(row.account ? SqlValue{row.account.value} : SqlValue{nullptr});
    for (std::size_t i = 1; i < text.size(); ++i) values.emplace_back(SqlText{text[i]});
    values.push_back(row.minute != 0 ? SqlValue{row.minute} : SqlValue{nullptr});
    values.emplace_back(std::uint64_t{row.attempts});
    values.emplace_back(std::uint64_t{row.names});
  }
  auto ran = connection_->run_rows(Statement::kRecordLogin, rows.size(), values);
  if (!ran) return tl::unexpected(ran.error());
  return {};
}

Result<std::uint64_t> SqlDriver::trim_login_audit(std::int64_t before_s, std::uint32_t limit) {
  auto ran =
      run(Statement::kTrimLoginAudit, {valid_time(before_s), std::uint64_t{limit}}, Repeat::kNo);
  if (!ran) return tl::unexpected(ran.error());
  return ran->matched;
}

Result<store::AuditPart> SqlDriver::measure_login_audit(std::uint64_t after_id,
                                                        std::uint32_t limit) {
  store::AuditPart part;
  auto ran = run(Statement::kMeasureLoginAudit, {after_id, std::uint64_t{limit}}, Repeat::kYes,
                 [&](const SqlRow& row) {
                   part = {.rows = natural(row, 0),
                           .bytes = natural(row, 1) + natural(row, 0) * kAuditRowBytes,
                           .last_id = natural(row, 2)};
                 });
  if (!ran) return tl::unexpected(ran.error());
  return part;
}

Result<std::uint64_t> SqlDriver::cut_login_audit(std::uint64_t last_id, std::uint32_t limit) {
  auto ran = run(Statement::kCutLoginAudit, {last_id, std::uint64_t{limit}}, Repeat::kNo);
  if (!ran) return tl::unexpected(ran.error());
  return ran->matched;
}

Result<std::optional<store::GameServer>> SqlDriver::game_server(std::string_view name) {
  std::optional<store::GameServer> found;
  if (!store::valid_server_name(name)) return found;
  auto ran = run(Statement::kFindGameServer, {SqlText{name}}, Repeat::kYes,
                 [&](const SqlRow& row) { found = game_server_of(row); });
  if (!ran) return tl::unexpected(ran.error());
  return found;
}

Result<std::vector<store::GameServer>> SqlDriver::list_game_servers() {
  std::vector<store::GameServer> servers;
  auto ran = run(Statement::kListGameServers, {}, Repeat::kYes,
                 [&](const SqlRow& row) { servers.push_back(game_server_of(row)); });
  if (!ran) return tl::unexpected(ran.error());
  return servers;
}

Result<> SqlDriver::upsert_game_server(const store::GameServer& server) {
  if (!store::valid_server_name(server.name)) return invalid("server name");
  auto ran = run(
      Statement::kUpsertGameServer,
      {SqlText{server.name}, SqlText{store::name(server.state)}, std::uint64_t{server.capacity}},
      Repeat::kYes);
  if (!ran) return tl::unexpected(ran.error());
  return {};
}

Result<std::vector<store::AddressBan>> SqlDriver::list_address_bans(std::int64_t now_s) {
  std::vector<store::AddressBan> bans;
  auto ran =
      run(Statement::kListAddressBans, {valid_time(now_s)}, Repeat::kYes, [&](const SqlRow& row) {
        bans.push_back({.network = std::string(row.bytes(0)),
                        .until_s = row.integer(1),
                        .reason = std::string(row.bytes(2))});
      });
  if (!ran) return tl::unexpected(ran.error());
  return bans;
}

Result<std::vector<store::AddressAllow>> SqlDriver::list_address_allows() {
  std::vector<store::AddressAllow> allows;
  auto ran = run(Statement::kListAddressAllows, {}, Repeat::kYes, [&](const SqlRow& row) {
    allows.push_back({.network = std::string(row.bytes(0)), .note = std::string(row.bytes(1))});
  });
  if (!ran) return tl::unexpected(ran.error());
  return allows;
}

}  // namespace gatehouse::drivers
