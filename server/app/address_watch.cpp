#include "app/address_watch.hpp"

#include "base/log.hpp"

namespace gatehouse::app {

AddressWatch::AddressWatch(MetricSet& metrics)
    : bad_metric_(metrics.gauge("address_rows_bad", "",
                                "Rows of address_ban and address_allow that have no effect")) {}

Result<std::shared_ptr<const net::AddressRules>> AddressWatch::read(store::Driver& driver,
                                                                    std::int64_t now_s) {
  const auto bans = driver.list_address_bans(now_s);
  if (!bans) return tl::unexpected<Error>(bans.error());
  const auto allows = driver.list_address_allows();
  if (!allows) return tl::unexpected<Error>(allows.error());
  if (seen_ && seen_->first == *bans && seen_->second == *allows) return nullptr;
  config::NetworkRows rows;
  for (const store::AddressBan& ban : *bans) rows.ban(ban);
  for (const store::AddressAllow& allow : *allows) rows.allow(allow);
  decltype(reported_) reported;
  for (const config::BadRow& row : rows.bad) {
    const auto [at, fresh] = reported.emplace(row.table, row.network);
    if (fresh && !reported_.contains(*at))
      log::error({}, "{}.network: {}; the row has no effect", row.table, row.why);
  }
  reported_ = std::move(reported);
  bad_metric_.set(static_cast<std::int64_t>(rows.bad.size()));
  {
    std::lock_guard lock(mutex_);
    bad_ = std::move(rows.bad);
  }
  seen_.emplace(*bans, *allows);
  return std::make_shared<const net::AddressRules>(std::move(rows.rules));
}

std::vector<config::BadRow> AddressWatch::bad_rows() const {
  std::lock_guard lock(mutex_);
  return bad_;
}

}  // namespace gatehouse::app
