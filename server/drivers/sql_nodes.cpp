// SqlDriver: the processes that hold sessions, who is online, and a database that has gone back.
#include "drivers/sql_driver.hpp"
#include "drivers/sql_values.hpp"

namespace gatehouse::drivers {
namespace {

// Above any number of logins that an old primary can have been ahead, or a backup behind.
constexpr std::uint64_t kEpochRise = 1'000'000;

}  // namespace

Result<bool> SqlDriver::beat(const store::Node& node) {
  if (node.id == 0 || node.id > kNumberMax) return invalid("node id");
  if (!valid_ascii(node.process, kLongTextMax)) return invalid("process");
  auto ran = run(Statement::kBeat, {node.id}, Repeat::kYes);
  if (!ran) return tl::unexpected(ran.error());
  if (ran->matched > 0) return true;
  ran = run(Statement::kAddNode, {node.id, SqlText{node.process}}, Repeat::kYes);
  if (!ran) return tl::unexpected(ran.error());
  return false;
}

Result<std::vector<store::Node>> SqlDriver::list_nodes() {
  std::vector<store::Node> nodes;
  auto ran = run(Statement::kListNodes, {}, Repeat::kYes, [&](const SqlRow& row) {
    nodes.push_back({natural(row, 0), std::string(row.bytes(1)), row.integer(2)});
  });
  if (!ran) return tl::unexpected(ran.error());
  return nodes;
}

Result<std::uint64_t> SqlDriver::clear_node(std::uint64_t node, std::uint32_t limit) {
  auto ran = node == 0 ? run(Statement::kClearUnknown, {std::uint64_t{limit}}, Repeat::kYes)
                       : run(Statement::kClearNode, {node, std::uint64_t{limit}}, Repeat::kYes);
  if (!ran) return tl::unexpected(ran.error());
  const std::uint64_t cleared = ran->matched;
  if (node == 0 || cleared >= limit) return cleared;
  ran = run(Statement::kDeleteNode, {node}, Repeat::kYes);
  if (!ran) return tl::unexpected(ran.error());
  return cleared;
}

Result<std::vector<store::OnlineSession>> SqlDriver::list_online(std::string_view after_name,
                                                                 std::uint32_t limit) {
  std::vector<store::OnlineSession> sessions;
  auto ran = run(Statement::kListOnline, {SqlBytes{after_name}, std::uint64_t{limit}}, Repeat::kYes,
                 [&](const SqlRow& row) {
                   sessions.push_back({.name = std::string(row.bytes(0)),
                                       .server = std::string(row.bytes(1)),
                                       .gate = std::string(row.bytes(2)),
                                       .epoch = natural(row, 3),
                                       .node = natural(row, 4),
                                       .address = std::string(row.bytes(5)),
                                       .since_s = row.integer(6)});
                 });
  if (!ran) return tl::unexpected(ran.error());
  return sessions;
}

Result<std::uint64_t> SqlDriver::fix_up(Past past) {
  std::uint64_t accounts = 0;
  const auto done = transaction([&]() -> Result<> {
    auto raised = run(Statement::kRaiseEpochs, {kEpochRise}, Repeat::kNo);
    if (!raised) return tl::unexpected(raised.error());
    accounts = raised->matched;
    if (past == Past::kPromoted) return {};
    for (const Statement statement : {Statement::kFixUpAccounts, Statement::kDeleteNodes})
      if (auto ran = run(statement, {}, Repeat::kNo); !ran) return tl::unexpected(ran.error());
    auto fenced = run(Statement::kFixUpPlayers, {kEpochRise}, Repeat::kNo);
    if (!fenced) return tl::unexpected(fenced.error());
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  return accounts;
}

}  // namespace gatehouse::drivers
