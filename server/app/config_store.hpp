// Section `store` of the configuration.
#pragma once

#include "app/config.hpp"
#include "app/config_reader.hpp"

namespace gatehouse::app {

void read_store(ConfigReader& reader, Config& config);

}  // namespace gatehouse::app
