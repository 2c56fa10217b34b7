#include <fmt/format.h>
#include <mysql.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include "drivers/mysql_driver.hpp"
#include "drivers/mysql_sql.hpp"
#include "drivers/needs.hpp"
#include "drivers/sql.hpp"
#include "mysql/connect.hpp"
#include "mysql/error.hpp"
#include "mysql/statement.hpp"
#include "store/records.hpp"

namespace gatehouse::drivers {
namespace {

// What one save may bring, with its envelope, and some more (sql/README.md).
constexpr std::size_t kPacketBytes = 16u << 20;
// A primary that waits so long for a replica does not go on without one (milliseconds: a day).
constexpr unsigned long long kNeverMs = 86'400'000;
static_assert(store::kPlayerDataBytesMax + store::kPlayerRepliesBytesMax + 4'096 < kPacketBytes);

class NeedsCheck {
 public:
  NeedsCheck(MYSQL* mysql, const store::Options& options) : mysql_(mysql), options_(options) {}

  std::vector<Need> run() {
    statements();
    tables();
    columns();
    packets();
    if (options_.mysql.hosts.size() > 1) replication();
    return std::move(unmet_);
  }

 private:
  // The server checks rights, tables and columns when it prepares a statement.
  void statements() {
    for (const auto& [statement, fatal] : needed_statements()) {
      const std::string_view text = mysql_texts()[static_cast<std::size_t>(statement)];
      mysql::ServerError error;
      const auto prepared = mysql::Statement::prepare(mysql_, text, error);
      if (prepared) continue;
      const Error said = error_of(error);
      if (said.code == Errc::kRefused) add(fatal, said.message + mending(error));
    }
  }

  [[nodiscard]] std::string mending(const mysql::ServerError& error) const {
    if (error.text.find("denied") == std::string::npos)
      return "; tables and columns are made by: gatectl migrate";
    return fmt::format("; GRANT SELECT, INSERT, UPDATE, DELETE ON {}.* TO that user",
                       options_.mysql.database);
  }

  // A save that is undone by halves, or not at all, is what other engines do.
  void tables() {
    each(
        "SELECT table_name, engine FROM information_schema.tables WHERE "
        "table_schema = DATABASE() AND table_name IN ('account', 'login_audit', 'address_ban', "
        "'address_allow', 'game_server', 'gate', 'node', 'player_data', 'schema_migration', "
        "'ticket_family', 'account_ban') AND "
        "table_type = 'BASE TABLE' AND engine <> 'InnoDB'",
        [this](const MYSQL_ROW row) {
          add(true, fmt::format("table {} has engine {}; ALTER TABLE {} ENGINE = InnoDB", row[0],
                                row[1], row[0]));
        });
  }

  void columns() {
    each(
        "SELECT table_name, column_name, character_set_name FROM information_schema.columns "
        "WHERE table_schema = DATABASE() AND table_name IN ('account', 'player_data', "
        "'game_server') AND character_set_name NOT IN ('utf8mb4', 'ascii')",
        [this](const MYSQL_ROW row) {
          add(true, fmt::format("column {}.{} has character set {}; ALTER TABLE {} CONVERT TO "
                                "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
                                row[0], row[1], row[2], row[0]));
        });
    each(
        "SELECT column_name, column_type FROM information_schema.columns WHERE "
        "table_schema = DATABASE() AND table_name = 'player_data' AND "
        "column_name IN ('data', 'replies') AND data_type NOT IN ('mediumblob', 'longblob')",
        [this](const MYSQL_ROW row) {
          add(true, fmt::format("column player_data.{} is {}, too small for what players save; "
                                "ALTER TABLE player_data MODIFY {} MEDIUMBLOB NULL",
                                row[0], row[1], row[0]));
        });
  }

  void packets() {
    const std::size_t bytes = mysql::read_packet_bytes_max(mysql_);
    if (bytes == 0 || bytes >= kPacketBytes) return;
    add(false, fmt::format("max_allowed_packet is {}: players with more data cannot be saved; SET "
                           "GLOBAL max_allowed_packet = {}, and the same in the server's "
                           "configuration",
                           bytes, kPacketBytes));
  }

  // Who names several servers means to fail over: a replica that lags has lost what was
  // acknowledged last. MariaDB and MySQL have different words for the same switches.
  void replication() {
    if (std::string_view(mysql_get_server_info(mysql_)).find("TiDB") != std::string_view::npos)
      return;
    bool waits = false;
    bool before_commit = false;
    bool for_ever = false;
    bool cluster = false;
    each(
        "SHOW GLOBAL VARIABLES WHERE Variable_name RLIKE "
        "'^(wsrep_on|group_replication_group_name|"
        "rpl_semi_sync_(master|source)_(enabled|wait_point|timeout))$'",
        [&](const MYSQL_ROW row) {
          const std::string_view name = row[0];
          const std::string_view value = row[1] != nullptr ? row[1] : "";
          if (name.ends_with("_enabled")) waits = value == "ON" || value == "1";
          if (name.ends_with("_wait_point")) before_commit = value == "AFTER_SYNC";
          if (name.ends_with("_timeout")) for_ever = std::strtoull(row[1], nullptr, 10) >= kNeverMs;
          if (name == "wsrep_on") cluster = cluster || value == "ON" || value == "1";
          if (name == "group_replication_group_name") cluster = cluster || !value.empty();
        });
    if (cluster || (waits && before_commit && for_ever)) return;
    add(false,
        "store.mysql.hosts names several servers, and this one acknowledges writes that no "
        "replica has: a failover loses the last of them, replies that were committed too. "
        "Semi-synchronous replication with wait point AFTER_SYNC and a timeout that is "
        "never reached, or Galera, does not (sql/README.md, Failover)");
  }

  template <class Visit>
  void each(std::string_view query, Visit visit) {
    if (mysql_real_query(mysql_, query.data(), query.size()) != 0) return;
    MYSQL_RES* const result = mysql_store_result(mysql_);
    if (result == nullptr) return;
    while (const MYSQL_ROW row = mysql_fetch_row(result)) visit(row);
    mysql_free_result(result);
  }

  void add(bool fatal, std::string text) {
    const auto same = [&](const Need& need) { return need.text == text; };
    const auto known = std::ranges::find_if(unmet_, same);
    if (known == unmet_.end()) {
      unmet_.push_back({fatal, std::move(text)});
    } else {
      known->fatal = known->fatal || fatal;
    }
  }

  MYSQL* const mysql_;
  const store::Options& options_;
  std::vector<Need> unmet_;
};

}  // namespace

Result<std::vector<Need>> mysql_unmet_needs(const store::Options& options) {
  mysql::start_library();
  auto mysql = mysql::connect(connection_options(options), nullptr);
  if (!mysql) return tl::unexpected(mysql.error());
  return NeedsCheck(mysql->get(), options).run();
}

}  // namespace gatehouse::drivers
