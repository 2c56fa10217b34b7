#include "drivers/needs.hpp"

#include "drivers/sql.hpp"

namespace gatehouse::drivers {

std::vector<NeededStatement> needed_statements() {
  return {{Statement::kFindAccount, true},
          {Statement::kCreateAccount, true},
          {Statement::kReplacePasswordHash, true},
          {Statement::kUseTotpStep, true},
          {Statement::kTakeTotpTry, true},
          {Statement::kMendTotpTries, true},
          {Statement::kGiveTotpTry, true},
          {Statement::kListHashes, false},
          {Statement::kClaimSession, true},
          {Statement::kReadClaims, true},
          {Statement::kReleaseSession, true},
          {Statement::kFenceOthers, true},
          {Statement::kCatchUpSession, true},
          {Statement::kTakePlayer, true},
          {Statement::kReadPlayer, true},
          {Statement::kSavePlayer, true},
          {Statement::kReadSaved, true},
          {Statement::kFindGameServer, true},
          {Statement::kListGameServers, false},
          {Statement::kListBarredOnline, false},
          {Statement::kListStaleOnline, false},
          {Statement::kFindTicketFamily, false},
          {Statement::kBeginTicketFamily, false},
          {Statement::kAdvanceTicketFamily, false},
          {Statement::kTrimTicketFamilies, false},
          {Statement::kListAddressBans, false},
          {Statement::kListAddressAllows, false},
          {Statement::kBeat, false},
          {Statement::kAddNode, false},
          {Statement::kListNodes, false},
          {Statement::kDeleteNode, false},
          {Statement::kRecordLogin, false},
          {Statement::kTrimLoginAudit, false},
          {Statement::kMeasureLoginAudit, false},
          {Statement::kCutLoginAudit, false}};
}

Result<std::vector<Need>> unmet_needs(const store::Options& options) {
  return options.kind == store::Options::Kind::kMysql ? mysql_unmet_needs(options)
                                                      : sqlite_unmet_needs(options);
}

}  // namespace gatehouse::drivers
