// What this program needs of a database, asked of it by name before players depend on it: rights
// on each table, the tables, columns and engines themselves, the size of packets, a server that
// takes writes. `sql/README.md` lists them.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "store/options.hpp"

namespace gatehouse::drivers {

struct Need {
  bool fatal = false;  // logins or saves fail without it; else something less does
  std::string text;    // what is missing, in the database's words, and what mends it
};

// Asks over a connection of its own, changing nothing. Errors as connecting: a database that is
// away tells nothing.
[[nodiscard]] Result<std::vector<Need>> unmet_needs(const store::Options& options);

// The statements that a server runs while players are in; of the others gatectl says itself what
// it lacks. fatal: logins or saves need it.
enum class Statement : std::size_t;
struct NeededStatement {
  Statement statement;
  bool fatal;
};
[[nodiscard]] std::vector<NeededStatement> needed_statements();

// mysql_needs.cpp, sqlite_needs.cpp
[[nodiscard]] Result<std::vector<Need>> mysql_unmet_needs(const store::Options& options);
[[nodiscard]] Result<std::vector<Need>> sqlite_unmet_needs(const store::Options& options);

}  // namespace gatehouse::drivers
