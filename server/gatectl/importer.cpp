#include "gatectl/importer.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "store/write_error.hpp"

namespace gatehouse::gatectl {
namespace {

constexpr std::size_t kBatchRows = 1'000;
// Hashing takes its time: an interrupted import loses little of it.
constexpr std::size_t kPasswordsABatch = 256;

Error taken(const std::string& name) {
  return {Errc::kExists, "there is an account " + name + " already"};
}

}  // namespace

Importer::Importer(const World& world, store::Driver* driver, const ImporterOptions& options,
                   Refuse refuse)
    : world_(world), driver_(driver), options_(options), refuse_(std::move(refuse)) {}

void Importer::refuse(std::uint64_t line, const Error& error) {
  ++counts_.refused;
  refuse_(line, error);
}

void Importer::existed(const Waiting& waiting) {
  if (options_.existing_fails) return refuse(waiting.line, taken(waiting.row.account.name));
  ++counts_.existed;
}

Result<> Importer::add(std::uint64_t line, ImportRow row) {
  if (!row.password.empty()) ++passwords_;
  batch_.push_back({line, std::move(row)});
  if (batch_.size() < kBatchRows && passwords_ < kPasswordsABatch) return {};
  return flush();
}

Result<> Importer::flush() {
  Result<> done;
  if (options_.dry_run || passwords_ > 0) done = drop_existing();
  if (options_.dry_run) {
    if (done) counts_.imported += batch_.size();
  } else {
    if (done) done = hash_passwords();
    if (done) done = create();
  }
  batch_.clear();
  passwords_ = 0;
  return done;
}

Result<> Importer::drop_existing() {
  if (driver_ == nullptr) return {};
  std::vector<Waiting> rest;
  for (Waiting& waiting : batch_) {
    const auto found = driver_->find_account(waiting.row.account.name);
    if (!found) return tl::unexpected<Error>(found.error());
    if (*found) {
      existed(waiting);
    } else {
      rest.push_back(std::move(waiting));
    }
  }
  batch_ = std::move(rest);
  return {};
}

Result<> Importer::hash_passwords() {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::optional<Error> error;
  const auto work = [this, &next, &mutex, &error] {
    for (std::size_t i = next.fetch_add(1); i < batch_.size(); i = next.fetch_add(1)) {
      ImportRow& row = batch_[i].row;
      if (row.password.empty()) continue;
      auto hash = crypto::hash_password(world_.random, row.password, options_.cost);
      row.password.clear();
      if (hash) {
        row.account.password_hash = std::move(*hash);
        continue;
      }
      next.store(batch_.size());
      std::lock_guard lock(mutex);
      error = hash.error();
    }
  };
  std::vector<std::unique_ptr<Thread>> helpers;
  const std::size_t threads = std::min<std::size_t>(options_.hash_threads, passwords_);
  for (std::size_t i = 1; i < threads; ++i)
    helpers.push_back(world_.executor.start({.name = "hash"}, work));
  work();
  for (const auto& helper : helpers) helper->join();
  if (error) return tl::unexpected<Error>(std::move(*error));
  return {};
}

Result<> Importer::create() {
  std::vector<store::NewAccount> accounts;
  accounts.reserve(batch_.size());
  for (const Waiting& waiting : batch_) accounts.push_back(waiting.row.account);
  const auto made = driver_->create_accounts(accounts);
  if (!made && made.error().code == Errc::kInvalid) return create_singly();
  if (!made) return tl::unexpected<Error>(store::told(made.error()));
  for (std::size_t i = 0; i < batch_.size(); ++i) {
    (*made)[i] ? void(++counts_.imported) : existed(batch_[i]);
  }
  return {};
}

Result<> Importer::create_singly() {
  for (const Waiting& waiting : batch_) {
    const auto made = driver_->create_accounts({&waiting.row.account, 1});
    if (!made && made.error().code == Errc::kInvalid) {
      refuse(waiting.line, made.error());
    } else if (!made) {
      return tl::unexpected<Error>(store::told(made.error()));
    } else {
      made->front() ? void(++counts_.imported) : existed(waiting);
    }
  }
  return {};
}

}  // namespace gatehouse::gatectl
