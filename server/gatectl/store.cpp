#include "gatectl/store.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "drivers/needs.hpp"
#include "drivers/open.hpp"
#include "gatectl/command.hpp"

namespace gatehouse::gatectl {
namespace {

bool has_no_file(const store::Options& options) {
  std::error_code error;
  return options.kind == store::Options::Kind::kSqlite &&
         !std::filesystem::exists(options.sqlite.path, error);
}

Result<> check_version(store::Driver& driver) {
  const auto missing = driver.missing_migrations();
  // Without the files there is nothing to compare with.
  if (!missing && missing.error().code == Errc::kNotFound) return {};
  // The arguments are right: it is the database that does not fit.
  if (!missing && missing.error().code == Errc::kInvalid) {
    return fail(Errc::kCorrupt, missing.error().message);
  }
  if (!missing) return tl::unexpected<Error>(missing.error());
  if (*missing == 0) return {};
  const auto version = driver.schema_version();
  if (!version) return tl::unexpected<Error>(version.error());
  return fail(Errc::kUnavailable, fmt::format("the database has schema version {}, not {}; "
                                              "`gatectl migrate` brings it up to date",
                                              *version, *version + *missing));
}

}  // namespace

Result<bool> store_is_empty(const config::Config& config, store::Driver& driver) {
  if (has_no_file(config.store.driver)) return true;
  const auto version = driver.schema_version();
  if (!version) return tl::unexpected<Error>(version.error());
  return *version == 0;
}

Result<StoreDriver> open_store(const World& world, const config::Config& config) {
  auto driver = drivers::open(world, config.store.driver);
  if (!driver) return driver;
  const auto empty = store_is_empty(config, **driver);
  if (!empty) return tl::unexpected<Error>(empty.error());
  if (*empty) {
    if (has_no_file(config.store.driver)) {
      return fail(Errc::kUnavailable, "store.sqlite.path: " + config.store.driver.sqlite.path +
                                          " does not exist; `gatectl migrate` makes it");
    }
    return fail(Errc::kUnavailable, "the database has no tables; `gatectl migrate` makes them");
  }
  if (auto fits = check_version(**driver); !fits) return tl::unexpected<Error>(fits.error());
  return driver;
}

Result<StoreDriver> open_or_make_store(const World& world, const config::Config& config) {
  auto driver = drivers::open(world, config.store.driver);
  if (!driver) return driver;
  const auto empty = store_is_empty(config, **driver);
  if (!empty) return tl::unexpected<Error>(empty.error());
  if (!*empty) {
    if (auto fits = check_version(**driver); !fits) return tl::unexpected<Error>(fits.error());
    return driver;
  }
  if (auto migrated = (*driver)->migrate(); !migrated) {
    return tl::unexpected<Error>(migrated.error());
  }
  return driver;
}

Result<store::Account> find_account(store::Driver& driver, const std::string& name) {
  auto account = driver.find_account(name);
  if (!account) return tl::unexpected<Error>(account.error());
  if (!*account) return fail(Errc::kNotFound, "there is no account " + name);
  return std::move(**account);
}

Result<> migrate(const config::Config& config, const Arguments& arguments, Output& output) {
  const auto driver = drivers::open(arguments.world, config.store.driver);
  if (!driver) return tl::unexpected<Error>(driver.error());
  const auto version = (*driver)->migrate();
  if (!version && version.error().code == Errc::kInvalid) {
    return fail(Errc::kCorrupt, version.error().message);
  }
  if (!version) return tl::unexpected<Error>(version.error());
  const auto unmet = drivers::unmet_needs(config.store.driver);
  if (!unmet) return tl::unexpected<Error>(unmet.error());
  std::string text = "the schema has version " + std::to_string(*version);
  nlohmann::json lacks = nlohmann::json::array();
  std::string fatal;
  for (const drivers::Need& need : *unmet) {
    lacks.push_back({{"fatal", need.fatal}, {"text", need.text}});
    text += "\n" + std::string(need.fatal ? "error: " : "warning: ") + need.text;
    if (need.fatal) fatal += (fatal.empty() ? "" : "; ") + need.text;
  }
  nlohmann::json document = {{"done", "migrated"}, {"schema_version", *version}};
  if (!lacks.empty()) document["lacks"] = std::move(lacks);
  if (!fatal.empty()) return fail(Errc::kRefused, "the database lacks what servers need: " + fatal);
  output.say(text, document);
  return {};
}

}  // namespace gatehouse::gatectl
