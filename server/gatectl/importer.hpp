// Brings accounts into a store, in batches: what `account import` does behind the reading of the
// file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/result.hpp"
#include "base/world.hpp"
#include "crypto/password.hpp"
#include "gatectl/import_row.hpp"
#include "store/driver.hpp"

namespace gatehouse::gatectl {

struct ImporterOptions {
  bool dry_run = false;         // writes and hashes nothing
  bool existing_fails = false;  // a name that is taken refuses its row
  std::uint32_t hash_threads = 1;
  crypto::Argon2Cost cost;
};

struct ImportCounts {
  std::uint64_t imported = 0;  // dry run: would be
  std::uint64_t existed = 0;   // and were left as they are
  std::uint64_t refused = 0;
};

class Importer {
 public:
  // Why a row of this line was left out.
  using Refuse = std::function<void(std::uint64_t line, const Error& error)>;

  // `driver` outlives it; nullptr is a store that is empty, for a dry run.
  Importer(const World& world, store::Driver* driver, const ImporterOptions& options,
           Refuse refuse);

  // Fails when the store does, or memory for hashing is short: what was imported before stays.
  [[nodiscard]] Result<> add(std::uint64_t line, ImportRow row);
  // A row that was not understood.
  void refuse(std::uint64_t line, const Error& error);
  // Imports what waits for the batch to be full.
  [[nodiscard]] Result<> flush();

  [[nodiscard]] const ImportCounts& counts() const { return counts_; }

 private:
  struct Waiting {
    std::uint64_t line;
    ImportRow row;
  };

  void existed(const Waiting& waiting);
  // Takes the rows out whose names are taken.
  [[nodiscard]] Result<> drop_existing();
  [[nodiscard]] Result<> hash_passwords();
  [[nodiscard]] Result<> create();
  // One row a transaction, after the store refused a value somewhere in the batch.
  [[nodiscard]] Result<> create_singly();

  const World& world_;
  store::Driver* const driver_;
  const ImporterOptions options_;
  const Refuse refuse_;
  ImportCounts counts_;
  std::vector<Waiting> batch_;
  std::size_t passwords_ = 0;  // in the batch
};

}  // namespace gatehouse::gatectl
