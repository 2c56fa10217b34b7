// The operations of Driver, once for both databases.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>

#include "base/metrics.hpp"
#include "base/world.hpp"
#include "drivers/sql.hpp"
#include "store/driver.hpp"

namespace gatehouse::drivers {

class SqlDriver final : public store::Driver {
 public:
  // migrations_folder: the folder of this database's files. migration_table: the statement that
  // makes table schema_migration when it is missing. errors may be null.
  SqlDriver(const World& world, std::unique_ptr<SqlConnection> connection,
            std::string migrations_folder, std::string_view migration_table, Metric* errors);

  Result<std::optional<store::Account>> find_account(std::string_view name) override;
  Result<store::Account> create_account(std::string_view name,
                                        std::string_view password_hash) override;
  Result<std::vector<bool>> create_accounts(std::span<const store::NewAccount> accounts) override;
  Result<> delete_account(std::string_view name) override;
  Result<> set_password_hash(AccountId account, std::string_view hash) override;
  Result<bool> replace_password_hash(AccountId account, std::string_view old_hash,
                                     std::string_view new_hash, std::string_view origin) override;
  Result<> set_ban(std::string_view name, bool banned, std::int64_t until_s,
                   std::string_view reason, std::string_view note) override;
  Result<std::vector<store::BanRecord>> list_bans(AccountId account) override;
  Result<> revoke_tickets(std::string_view name) override;
  Result<> set_totp(std::string_view name, std::string_view sealed) override;
  Result<bool> use_totp_step(AccountId account, std::uint64_t step) override;
  Result<bool> take_totp_try(AccountId account, const store::TotpBudget& budget,
                             std::int64_t now_s) override;
  Result<> give_totp_try(AccountId account, const store::TotpBudget& budget) override;
  Result<> set_staff(std::string_view name, bool staff) override;
  Result<std::vector<store::StoredHash>> list_password_hashes(AccountId after,
                                                              std::uint32_t limit) override;
  Result<std::vector<store::Account>> list_accounts(std::string_view after_name,
                                                    std::uint32_t limit) override;
  Result<std::vector<store::Account>> list_barred_online(std::int64_t now_s) override;
  Result<std::vector<store::StaleSession>> list_stale_online(AccountId after,
                                                             std::uint32_t limit) override;
  Result<std::optional<store::TicketFamily>> find_ticket_family(AccountId account,
                                                                std::uint64_t family) override;
  Result<bool> begin_ticket_family(AccountId account, const store::NewTicketFamily& family,
                                   std::uint32_t families_max) override;
  Result<bool> advance_ticket_family(AccountId account, std::uint64_t family,
                                     std::uint64_t sequence, std::string_view address) override;
  Result<> end_ticket_family(AccountId account, std::uint64_t family) override;
  Result<std::uint64_t> trim_ticket_families(std::int64_t now_s, std::uint32_t limit) override;
  Result<store::Fence> claim_session(AccountId account, const store::SessionClaim& claim) override;
  Result<bool> catch_up_session(AccountId account, store::Fence fence) override;
  Result<bool> release_session(AccountId account, store::Fence fence) override;
  Result<bool> mark_session(const store::HeldSession& session, std::uint64_t node) override;
  Result<bool> beat(const store::Node& node) override;
  Result<std::vector<store::Node>> list_nodes() override;
  Result<std::uint64_t> clear_node(std::uint64_t node, std::uint32_t limit) override;
  Result<std::vector<store::OnlineSession>> list_online(std::string_view after_name,
                                                        std::uint32_t limit) override;
  Result<std::uint64_t> fix_up(Past past) override;
  Result<store::PlayerData> load_player(AccountId account, std::string_view server,
                                        store::Fence fence) override;
  Result<store::PlayerData> read_player(AccountId account, std::string_view server,
                                        store::Fence fence) override;
  Result<> save_player(AccountId account, std::string_view server, store::Fence fence,
                       std::uint64_t version, std::string_view data,
                       const std::optional<std::string>& replies) override;
  Result<bool> rewound(AccountId account, std::string_view server, store::Fence fence) override;
  Result<> record_logins(std::span<const store::LoginAudit> rows) override;
  Result<std::uint64_t> trim_login_audit(std::int64_t before_s, std::uint32_t limit) override;
  Result<store::AuditPart> measure_login_audit(std::uint64_t after_id,
                                               std::uint32_t limit) override;
  Result<std::uint64_t> cut_login_audit(std::uint64_t last_id, std::uint32_t limit) override;
  Result<std::optional<store::GameServer>> game_server(std::string_view name) override;
  Result<std::vector<store::GameServer>> list_game_servers() override;
  Result<> upsert_game_server(const store::GameServer& server) override;
  Result<std::vector<store::AddressBan>> list_address_bans(std::int64_t now_s) override;
  Result<std::vector<store::AddressAllow>> list_address_allows() override;
  Result<std::uint32_t> schema_version() override;
  Result<std::uint32_t> missing_migrations() override;
  Result<std::uint32_t> migrate() override;
  std::size_t group_max() const override { return connection_->group_max(); }
  void begin_group() override { connection_->begin_group(); }
  Result<> end_group() override;
  Result<> rehearse() override;
  bool connected() override { return connection_->connected(); }
  Result<> connect() override { return connection_->connect(); }
  Result<> ping() override;

 private:
  void count(const Error& error);
  // Runs a statement and counts its failure.
  Result<SqlOutcome> run(Statement statement, std::initializer_list<SqlValue> values, Repeat repeat,
                         const SqlVisitor& visit = {});
  // The same for a write to one account: kNotFound when it matched none.
  Result<> run_on_account(Statement statement, std::initializer_list<SqlValue> values,
                          Repeat repeat);
  // connection_->transaction(), its failure counted.
  Result<> transaction(const std::function<Result<>()>& body);
  // One row of create_accounts(); false when the name exists.
  Result<bool> add_account(const store::NewAccount& account);
  // Up to kRowsMax rows of the audit, as one statement.
  Result<> record_some(std::span<const store::LoginAudit> rows);
  // In a transaction that holds the account's row.
  Result<> change_ban(const store::Account& account, bool banned, std::int64_t until_s,
                      std::string_view reason, std::string_view note);
  // What is known of who may write a player, and of the last save.
  struct Saved {
    bool exists = false;
    store::Fence fence;
    std::uint64_t version = 0;
    bool repeated = false;
  };
  Result<Saved> read_saved(AccountId account, std::string_view server);
  // The epoch that claim `id` got, where the row remembers it.
  Result<std::uint64_t> claimed_epoch(AccountId account, std::string_view id);

  // What the time is to rows that this process writes.
  [[nodiscard]] SqlValue now_s() const { return clock_.wall_s(); }

  const Clock& clock_;
  Random& random_;
  std::unique_ptr<SqlConnection> connection_;
  std::string migrations_folder_;
  std::string_view migration_table_;
  Metric* errors_;
};

}  // namespace gatehouse::drivers
