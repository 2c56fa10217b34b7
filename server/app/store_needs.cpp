#include "app/store_needs.hpp"

#include <string>

#include "base/log.hpp"
#include "drivers/needs.hpp"

namespace gatehouse::app {

Result<> report_needs(const store::Options& options) {
  const auto unmet = drivers::unmet_needs(options);
  if (!unmet) return {};
  std::string fatal;
  for (const drivers::Need& need : *unmet) {
    if (!need.fatal) {
      log::warn({}, "the store lacks something: {}", need.text);
      continue;
    }
    log::error({}, "the store lacks what logins and saves need: {}", need.text);
    fatal += (fatal.empty() ? "" : "; ") + need.text;
  }
  if (fatal.empty()) return {};
  return fail(Errc::kRefused, fatal);
}

}  // namespace gatehouse::app
