// Authenticator::renew(): one job in the store.
#include <utility>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "login/authenticator.hpp"
#include "login/ticket_renewal.hpp"

namespace gatehouse::login {

// Shared by its job and its reply, because a job that the store refuses is destroyed uncalled.
class Authenticator::Renewing {
 public:
  Renewing(Authenticator& owner, TicketSpend spend, RenewalDone done)
      : underway_(owner), owner_(owner), spend_(std::move(spend)), done_(std::move(done)) {}

  // On a thread of the store.
  void run(store::Driver& driver) {
    const MonotonicMs waited_ms = monotonic_ms() - spend_.looked_at_ms;
    use_ = spend_ticket(driver, spend_.holder.account, spend_.claim, spend_.address,
                        owner_.tickets_.options(),
                        static_cast<std::uint32_t>(waited_ms / 1'000 + 1));
  }

  void settle(const Result<>& durable) {
    if (!durable || !use_) {
      const Error& error = durable ? use_.error() : durable.error();
      if (owner_.may_log())
        log::error({}, "a resume ticket of {} is not renewed: the store is {}: {}",
                   spend_.holder.name, name(error.code), error.message);
      return done_(std::nullopt);
    }
    if (*use_ == TicketUse::kReused) return done_(tl::unexpected(kTicketReused));
    if (*use_ == TicketUse::kNone) return done_(tl::unexpected(kBadTicket));
    if (!spend_.wants_ticket) return done_(std::nullopt);
    TicketClaim next = spend_.claim;
    ++next.sequence;
    done_(owner_.tickets_.issue(spend_.holder, next, wall_ms() / 1'000));
  }
  void give_up() { done_(std::nullopt); }

 private:
  const Underway underway_;
  Authenticator& owner_;
  const TicketSpend spend_;
  RenewalDone done_;
  Result<TicketUse> use_ = TicketUse::kNone;
};

void Authenticator::renew(TicketSpend spend, RenewalDone done) {
  auto renewing = std::make_shared<Renewing>(*this, std::move(spend), std::move(done));
  const auto taken = parts_.store.submit([renewing](store::Driver& driver) -> store::Store::Reply {
    renewing->run(driver);
    return [renewing](const Result<>& durable) { renewing->settle(durable); };
  });
  if (!taken) renewing->give_up();
}

}  // namespace gatehouse::login
