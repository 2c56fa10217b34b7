// Tells ops what the database lacks.
#pragma once

#include "base/result.hpp"
#include "drivers/open.hpp"

namespace gatehouse::app {

// Logs each unmet need: an error where logins or saves fail without it, a warning elsewhere.
// kRefused, naming them all, when there is one of the former. A database that is away tells
// nothing and is no error here. Blocks for a connection.
[[nodiscard]] Result<> report_needs(const store::Options& options);

}  // namespace gatehouse::app
