// Section `store` of the configuration.
#pragma once

#include "config/config.hpp"
#include "config/reader.hpp"

namespace gatehouse::config {

void read_store(ConfigReader& reader, Config& config);

}  // namespace gatehouse::config
