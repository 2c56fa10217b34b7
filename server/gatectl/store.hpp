// The store as gatectl opens it: a connection of its own; the server may run meanwhile.
#pragma once

#include <memory>
#include <string>

#include "base/result.hpp"
#include "base/world.hpp"
#include "config/config.hpp"
#include "store/driver.hpp"

namespace gatehouse::gatectl {

using StoreDriver = std::unique_ptr<store::Driver>;

// A store with the tables that this program needs. kUnavailable, with the command that mends it,
// when there is none or it is older; a wrong path makes no database.
[[nodiscard]] Result<StoreDriver> open_store(const World& world, const config::Config& config);

// The same for commands that fill a store: one that is empty gets its tables.
[[nodiscard]] Result<StoreDriver> open_or_make_store(const World& world,
                                                     const config::Config& config);

// Empty when there are no tables yet, or no file.
[[nodiscard]] Result<bool> store_is_empty(const config::Config& config, store::Driver& driver);

// kNotFound without such an account.
[[nodiscard]] Result<store::Account> find_account(store::Driver& driver, const std::string& name);

}  // namespace gatehouse::gatectl
