// The section `limits`.
#pragma once

#include "config/config.hpp"
#include "config/reader.hpp"

namespace gatehouse::config {

void read_limits(ConfigReader& reader, Config& config);

}  // namespace gatehouse::config
