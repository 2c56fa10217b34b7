#include "app/audit_trimmer.hpp"

#include <algorithm>

namespace gatehouse::app {
namespace {

constexpr std::int64_t kAuditDayS = 86'400;
constexpr MonotonicMs kRecountMs = 3'600'000;
constexpr std::uint32_t kPartRowsMax = 5'000;  // of a statement, so that none locks for long
// Of a look.
constexpr int kPartsMax = 64;
constexpr std::uint64_t kCountedRowsMax = 40'000;
constexpr std::uint64_t kCutRowsMax = 20'000;
// A part is a small share of what may stay, so that not much more goes than has to.
constexpr std::uint64_t kPartsWanted = 16;
constexpr std::uint64_t kUsualRowBytes = 256;

std::uint32_t part_rows(const config::AuditBounds& bounds) {
  std::uint64_t rows = kPartRowsMax;
  if (bounds.rows_max > 0) rows = std::min(rows, bounds.rows_max / kPartsWanted);
  if (bounds.bytes_max > 0)
    rows = std::min(rows, bounds.bytes_max / (kPartsWanted * kUsualRowBytes));
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(rows, 1));
}

}  // namespace

AuditTrimmer::AuditTrimmer(const config::AuditBounds& bounds, MetricSet& metrics)
    : bounds_(bounds),
      part_rows_(part_rows(bounds)),
      trimmed_(metrics.counter("login_audit_trimmed", "",
                               "Rows of login_audit deleted for their age, or because the table "
                               "was too big")),
      rows_metric_(metrics.gauge("login_audit_rows", "", "Rows of login_audit")),
      bytes_metric_(metrics.gauge("login_audit_bytes", "",
                                  "Bytes of login_audit with its indexes, an estimate")) {}

Result<> AuditTrimmer::look(store::Driver& driver, std::int64_t now_s, MonotonicMs now_ms) {
  auto done = trim_by_age(driver, now_s);
  if (!done || !bounded()) return done;
  if (now_ms >= recount_ms_) {
    recount_ms_ = now_ms + kRecountMs;
    parts_.clear();
    rows_ = bytes_ = counted_id_ = 0;
  }
  done = count_new(driver);
  if (done) done = cut(driver);
  rows_metric_.set(static_cast<std::int64_t>(rows_));
  bytes_metric_.set(static_cast<std::int64_t>(bytes_));
  return done;
}

Result<> AuditTrimmer::trim_by_age(store::Driver& driver, std::int64_t now_s) {
  if (bounds_.keep_days == 0) return {};
  const auto trimmed =
      driver.trim_login_audit(now_s - bounds_.keep_days * kAuditDayS, kPartRowsMax);
  if (!trimmed) return tl::unexpected<Error>(trimmed.error());
  trimmed_.add(static_cast<std::int64_t>(*trimmed));
  forget(*trimmed);
  return {};
}

Result<> AuditTrimmer::count_new(store::Driver& driver) {
  std::uint64_t counted = 0;
  for (int i = 0; i < kPartsMax && counted < kCountedRowsMax; ++i) {
    const auto part = driver.measure_login_audit(counted_id_, part_rows_);
    if (!part) return tl::unexpected<Error>(part.error());
    if (part->rows == 0) return {};
    counted_id_ = part->last_id;
    counted += part->rows;
    rows_ += part->rows;
    bytes_ += part->bytes;
    if (!parts_.empty() && parts_.back().rows + part->rows <= part_rows_) {
      parts_.back().rows += part->rows;
      parts_.back().bytes += part->bytes;
      parts_.back().last_id = part->last_id;
    } else {
      parts_.push_back(*part);
    }
    if (part->rows < part_rows_) return {};
  }
  return {};
}

bool AuditTrimmer::too_big() const {
  return (bounds_.rows_max > 0 && rows_ > bounds_.rows_max) ||
         (bounds_.bytes_max > 0 && bytes_ > bounds_.bytes_max);
}

Result<> AuditTrimmer::cut(store::Driver& driver) {
  std::uint64_t gone = 0;
  for (int i = 0; i < kPartsMax && gone < kCutRowsMax && too_big() && !parts_.empty(); ++i) {
    const auto cut = driver.cut_login_audit(parts_.front().last_id, kPartRowsMax);
    if (!cut) return tl::unexpected<Error>(cut.error());
    gone += *cut;
    trimmed_.add(static_cast<std::int64_t>(*cut));
    if (*cut == kPartRowsMax) continue;  // more rows are there than were counted
    rows_ -= parts_.front().rows;
    bytes_ -= parts_.front().bytes;
    parts_.pop_front();
  }
  return {};
}

void AuditTrimmer::forget(std::uint64_t rows) {
  while (rows > 0 && !parts_.empty()) {
    store::AuditPart& oldest = parts_.front();
    const std::uint64_t gone = std::min(rows, oldest.rows);
    const std::uint64_t bytes = oldest.bytes / oldest.rows * gone;
    rows -= gone;
    rows_ -= gone;
    bytes_ -= bytes;
    oldest.rows -= gone;
    oldest.bytes -= bytes;
    if (oldest.rows > 0) return;
    bytes_ -= oldest.bytes;
    parts_.pop_front();
  }
}

}  // namespace gatehouse::app
