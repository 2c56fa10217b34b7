// Opens databases by their options.
#pragma once

#include <memory>

#include "base/metrics.hpp"
#include "base/result.hpp"
#include "base/world.hpp"
#include "drivers/driver_metrics.hpp"
#include "store/driver.hpp"
#include "store/options.hpp"
#include "store/store.hpp"

namespace gatehouse::drivers {

// Makes a driver without connecting, so a database that is away is no error here. kInvalid for
// options that can never work.
[[nodiscard]] Result<std::unique_ptr<store::Driver>> open(const World& world,
                                                          const store::Options& options,
                                                          const DriverMetrics& metrics = {});

// A store over as many connections as the options say. Errors as open().
[[nodiscard]] Result<std::unique_ptr<store::Store>> open_store(const World& world,
                                                               const store::StoreOptions& options,
                                                               MetricSet& metrics);

}  // namespace gatehouse::drivers
