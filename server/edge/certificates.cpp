#include "edge/certificates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/file_trust.hpp"
#include "base/log.hpp"

namespace gatehouse::edge {
namespace {

constexpr std::int64_t kDayS = 24 * 3'600;
constexpr std::int64_t kWarnDays = 14;
constexpr MonotonicMs kLookMs = 60'000;

// What a client may ask for (RFC 7301; docs/protocol.md 1.7), our own protocol first.
const std::vector<std::string>& protocols(TlsPort port) {
  static const std::vector<std::string> login{"gatehouse.login.1", "http/1.1"};
  static const std::vector<std::string> gate{"gatehouse.gate.1", "http/1.1"};
  return port == TlsPort::kLogin ? login : gate;
}

std::string key_of(std::size_t index) {
  return fmt::format("tls.certificates[{}]", index);
}

tl::unexpected<Error> at_key(const std::string& key, const Error& error) {
  return fail(error.code, key + ": " + error.message);
}

Result<> add(crypto::TlsContext& context, const CertificateFiles& files, const std::string& key) {
  if (auto trusted = check_secret_file(files.key_file); !trusted)
    return at_key(key + ".key_file", trusted.error());
  if (auto trusted = check_trusted(files.certificate_file); !trusted)
    return at_key(key + ".certificate_file", trusted.error());
  if (auto loaded = context.load_certificate(files.certificate_file, files.key_file); !loaded)
    return at_key(key, loaded.error());
  return {};
}

// What is wrong with a certificate today; "": nothing.
std::string complaint(const crypto::TlsCertificate& certificate, std::int64_t now_s) {
  if (certificate.not_before_s > now_s) return "is not valid yet";
  if (certificate.not_after_s > now_s + kWarnDays * kDayS) return {};
  const bool over = certificate.not_after_s <= now_s;
  return fmt::format("{} {}", over ? "has expired" : "expires",
                     days_until(certificate.not_after_s, now_s));
}

bool is_valid(const crypto::TlsCertificate& certificate, std::int64_t now_s) {
  return certificate.not_before_s <= now_s && now_s < certificate.not_after_s;
}

std::string escape_label(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c == '\n' ? ' ' : c;
  }
  return escaped;
}

}  // namespace

std::string days_until(std::int64_t then_s, std::int64_t now_s) {
  const std::int64_t days = (then_s > now_s ? then_s - now_s : now_s - then_s) / kDayS;
  if (days == 0) return then_s > now_s ? "within a day" : "within the last day";
  const char* unit = days == 1 ? "day" : "days";
  return then_s > now_s ? fmt::format("in {} {}", days, unit)
                        : fmt::format("{} {} ago", days, unit);
}

Certificates::Certificates(const World& world, MetricSet& metrics)
    : world_(world),
      metrics_(metrics),
      reloads_failed_(metrics.counter("tls_certificates_refused_total", "",
                                      "Readings of tls.certificates that changed nothing")) {}

Certificates::~Certificates() = default;

Result<Certificates::Loaded> Certificates::read(
    const TlsOptions& options, const std::shared_ptr<crypto::TlsTicketKeys>& keys) {
  Loaded loaded;
  if (options.certificates.empty()) return loaded;
  for (const TlsPort port : {TlsPort::kLogin, TlsPort::kGate}) {
    auto made = crypto::TlsContext::make();
    if (!made) return tl::unexpected<Error>(made.error());
    crypto::TlsContext& context = **made;
    for (std::size_t i = 0; i < options.certificates.size(); ++i) {
      if (auto added = add(context, options.certificates[i], key_of(i)); !added)
        return tl::unexpected<Error>(added.error());
    }
    if (options.tls13_only) context.require_tls13();
    if (auto set = context.set_ciphers(options.ciphers); !set)
      return at_key("tls.ciphers", set.error());
    if (auto set = context.set_alpn(protocols(port)); !set) return at_key("tls", set.error());
    if (keys != nullptr) context.set_ticket_keys(keys);
    loaded.contexts[static_cast<std::size_t>(port)] = std::move(*made);
  }
  const auto certificates = loaded.contexts[0]->certificates();
  for (std::size_t i = 0; i < certificates.size(); ++i) {
    loaded.shown.push_back({key_of(i), options.certificates[i].certificate_file, certificates[i]});
  }
  return loaded;
}

CertificateReport Certificates::check(const TlsOptions& options, std::int64_t now_s) {
  CertificateReport report;
  const auto loaded = read(options, nullptr);
  if (!loaded) {
    report.usable = tl::unexpected<Error>(loaded.error());
    return report;
  }
  for (const Shown& each : loaded->shown) {
    const std::string bad = complaint(each.certificate, now_s);
    if (!bad.empty())
      report.warnings.push_back(
          fmt::format("{}: the certificate for {} {}", each.key, each.certificate.name, bad));
  }
  return report;
}

Result<> Certificates::load(const TlsOptions& options) {
  std::unique_lock lock(mutex_);
  std::shared_ptr<crypto::TlsTicketKeys> keys = ticket_keys_;
  if (options.ticket_lifetime_s == 0) {
    keys = nullptr;
  } else if (keys == nullptr || keys->lifetime_s() != options.ticket_lifetime_s) {
    keys = std::make_shared<crypto::TlsTicketKeys>(options.ticket_lifetime_s, world_.random);
  }
  auto loaded = read(options, keys);
  const std::int64_t now_s = world_.clock.wall_s();
  if (loaded && contexts_[0] != nullptr) {
    const auto bad = std::ranges::find_if(
        loaded->shown, [now_s](const Shown& s) { return !is_valid(s.certificate, now_s); });
    if (bad != loaded->shown.end()) {
      loaded = fail(Errc::kInvalid,
                    fmt::format("{}: the certificate for {} {}", bad->key, bad->certificate.name,
                                complaint(bad->certificate, now_s)));
    }
  }
  if (!loaded) {
    reloads_failed_.add();
    return tl::unexpected<Error>(loaded.error());
  }
  contexts_ = std::move(loaded->contexts);
  shown_ = std::move(loaded->shown);
  if (keys != ticket_keys_) {
    ticket_keys_ = std::move(keys);
    rotate_at_ms_ = world_.clock.monotonic_ms() + options.ticket_lifetime_s * std::int64_t{1'000};
  }
  set_gauges(shown_);
  warned_day_ = -1;
  lock.unlock();
  warn_of_expiry();
  return {};
}

void Certificates::set_gauges(const std::vector<Shown>& shown) {
  for (const auto& [file, gauge] : gauges_) gauge->set(0);
  for (const Shown& each : shown) {
    Metric*& gauge = gauges_[each.file];
    if (gauge == nullptr) {
      gauge = &metrics_.gauge("tls_certificate_expiry_timestamp_seconds",
                              fmt::format("file=\"{}\"", escape_label(each.file)),
                              "When the certificate expires; 0: it is not used any more");
    }
    gauge->set(each.certificate.not_after_s);
  }
}

void Certificates::start(actor::Worker& worker) {
  worker_ = &worker;
  worker.post([this] { fire(); });
}

void Certificates::fire() {
  look();
  worker_->timers().add(*this, worker_->now() + kLookMs);
}

void Certificates::look() {
  rotate_keys();
  warn_of_expiry();
}

void Certificates::rotate_keys() {
  std::lock_guard lock(mutex_);
  const MonotonicMs now = world_.clock.monotonic_ms();
  if (ticket_keys_ == nullptr || now < rotate_at_ms_) return;
  ticket_keys_->rotate();
  rotate_at_ms_ = now + ticket_keys_->lifetime_s() * std::int64_t{1'000};
}

void Certificates::warn_of_expiry() {
  std::unique_lock lock(mutex_);
  const std::int64_t now_s = world_.clock.wall_s();
  if (std::exchange(warned_day_, now_s / kDayS) == now_s / kDayS) return;
  const std::vector<Shown> shown = shown_;
  lock.unlock();
  for (const Shown& each : shown) {
    const std::string bad = complaint(each.certificate, now_s);
    if (!bad.empty())
      log::warn({}, "{}: the certificate for {} {} ({})", each.key, each.certificate.name, bad,
                each.file);
  }
}

std::shared_ptr<const crypto::TlsContext> Certificates::context(TlsPort port) const {
  std::lock_guard lock(mutex_);
  return contexts_[static_cast<std::size_t>(port)];
}

}  // namespace gatehouse::edge
