// The order of an attempt; every step may end it with a refusal:
//
//   look_up (store)  ticket:   look_at_ticket -> enter -> admit
//                    password: take_guess -> the hash room -> judge (hash pool)
//   judge            known account: judge_account -> admit; with a second factor or a new hash
//                                   -> complete (store) -> admit
//                    refused by the throttle, with both factors: judge_proof -> complete, or
//                                   spend_proof (store)
//                    nobody:        judge_stranger -> create (store) -> admit, or the hash room
//                                   again when another login has made the account meanwhile
//   adopt (store)    find_or_create(): all of it, -> admit
//
// From judge() to create() they are in attempt_password.cpp.
#include "login/attempt.hpp"

#include <utility>

#include "base/assert.hpp"
#include "login/ticket_renewal.hpp"
#include "net/network_set.hpp"

namespace gatehouse::login {
Authenticator::Attempt::Attempt(Authenticator& owner, AuthRequest request, Done done)
    : underway_(owner), owner_(owner), request_(std::move(request)), done_(std::move(done)) {
  if (!request_.waiter) request_.waiter = std::make_shared<admission::Waiter>();
}

void Authenticator::Attempt::go(Next next) {
  while (const auto* then = std::get_if<Then>(&next)) next = (this->*then->step)();
  if (const auto* step = std::get_if<InStore>(&next)) return submit(*step);
  if (const auto* room = std::get_if<InHashRoom>(&next)) return enter_hash_room(room->suspect);
  GATEHOUSE_ASSERT(done_);
  Done done = std::move(done_);
  done(std::move(std::get<Admission>(next)));
}

void Authenticator::Attempt::submit(InStore step) {
  const auto taken = owner_.parts_.store.submit(
      store::Store::Owner::account(request_.name),
      [self = shared_from_this(), step](store::Driver& driver) -> store::Store::Reply {
        return [self, next = ((*self).*step.step)(driver)](const Result<>& durable) mutable {
          self->go(durable ? std::move(next) : self->refuse(self->refusal_for(durable.error())));
        };
      });
  if (!taken) go(refuse(taken.error().code == Errc::kFull ? kStoreQueueFull : kStopping));
}

Authenticator::Attempt::Next Authenticator::Attempt::look_up(store::Driver& driver) {
  if (cancelled()) return refuse(kClientLeft);
  auto found = driver.find_account(request_.name);
  if (!found) return refuse(refusal_for(found.error()));
  account_ = std::move(*found);
  const auto door = ServerDoor::read(driver, request_.server);
  if (!door) return refuse(refusal_for(door.error()));
  door_ = *door;
  if (!request_.ticket.empty()) return look_at_ticket(driver);
  return Then{&Attempt::take_guess};
}

// Whether the client's ticket is good now. Nobody guesses a ticket, and expired ones are honest: no
// failure for the throttle.
Authenticator::Attempt::Next Authenticator::Attempt::look_at_ticket(store::Driver& driver) {
  if (account_) claim_ = owner_.tickets_.check(request_.ticket, *account_, clock().wall_s());
  if (!claim_) return refuse(kBadTicket);
  const auto use = login::look_at_ticket(driver, account_->id, *claim_, request_.address,
                                         owner_.tickets_.options());
  if (!use) return refuse(refusal_for(use.error()));
  if (*use == TicketUse::kNewest || *use == TicketUse::kAgain) return Then{&Attempt::enter};
  return refuse(*use == TicketUse::kReused ? kTicketReused : kBadTicket);
}

Authenticator::Attempt::Next Authenticator::Attempt::enter() {
  GATEHOUSE_ASSERT(account_ && claim_);
  const auto refusal = refusal_of(*account_, door_, request_.trusted, clock().wall_s());
  return refusal ? refuse(*refusal) : admit();
}

// Limits of guesses come after the look-up: they do not keep a player out who has a ticket, and
// have a budget of their own for where he last came from, whatever strangers do to his name.
Authenticator::Attempt::Next Authenticator::Attempt::take_guess() {
  if (request_.trusted) return InHashRoom{false};
  admission::Throttle& throttle = owner_.parts_.throttle;
  const std::int64_t now_ns = clock().monotonic_ns();
  auto asked = throttle.ask(
      {request_.address, counted_name(), known_address(), request_.address_locked_s}, now_ns);
  guess_ = std::move(asked.guess);
  if (!asked.refusal) return InHashRoom{asked.suspect};
  unless_proved_ = asked.refusal;
  if (request_.totp.empty() || !throttle.take_proof(request_.address, now_ns))
    return refuse(*asked.refusal);
  return InHashRoom{true};
}

// Whichever way the client wrote it.
const std::string& Authenticator::Attempt::counted_name() const {
  return account_ ? account_->name : request_.name;
}

// True when the account's last login came from this address or its network.
bool Authenticator::Attempt::known_address() const {
  if (!account_ || account_->last_login_addr.empty()) return false;
  const auto last = net::Address::from(account_->last_login_addr, 0);
  return last && net::subscriber_bytes(*last) == net::subscriber_bytes(request_.address);
}

void Authenticator::Attempt::enter_hash_room(bool suspect) {
  using Priority = admission::WaitingRoom::Priority;
  const bool known = request_.trusted || known_address();
  const bool doubtful = suspect || request_.suspect;
  const Priority priority =
      known ? Priority::kKnown : (doubtful ? Priority::kSuspect : Priority::kNormal);
  const bool taken =
      owner_.room_.enter(room_key(request_.name, request_.address), priority, request_.waiter,
                         [self = shared_from_this()](admission::WaitingRoom::Turn turn) {
                           self->request_.waiter->called_ms.store(self->clock().monotonic_ms());
                           switch (turn) {
                             case admission::WaitingRoom::Turn::kEnter:
                               return self->enter_hash_pool();
                             case admission::WaitingRoom::Turn::kLeft:
                               return self->go(self->refuse(kClientLeft));
                             case admission::WaitingRoom::Turn::kPushedOut:
                               return self->go(self->refuse(kHashQueueFull));
                           }
                         });
  if (!taken) return go(refuse(kHashQueueFull));
  // The client may have left between the look-up and the room, where nobody would look for it.
  if (cancelled() && request_.waiter->position.load() != 0)
    owner_.drop(request_.name, request_.address);
}

// The slot is given back when the hash is done; then the room's next one may have it.
void Authenticator::Attempt::enter_hash_pool() {
  const auto taken = owner_.parts_.hash_pool.submit(
      [self = shared_from_this()](const actor::WorkContext& context) {
        Next next = self->judge(context);
        self->owner_.give_hash_slot_back();
        self->owner_.room_.admit();
        self->go(std::move(next));
      });
  if (taken) return;
  owner_.give_hash_slot_back();
  go(refuse(taken.error().code == Errc::kFull ? kHashQueueFull : kStopping));
}

Authenticator::Attempt::Next Authenticator::Attempt::adopt(store::Driver& driver) {
  if (cancelled()) return refuse(kClientLeft);
  auto adopted = login::find_or_create(driver, {request_.name, request_.server, request_.trusted},
                                       owner_.options_.names, clock().wall_s());
  if (!adopted) return refuse(refusal_for(adopted.error()));
  if (!*adopted) return refuse(adopted->error());
  account_ = std::move((*adopted)->account);
  door_ = (*adopted)->door;
  return admit();
}

Authenticator::Attempt::Next Authenticator::Attempt::admit() {
  GATEHOUSE_ASSERT(account_ && account_->id.value != 0);
  const std::int64_t now_ns = clock().monotonic_ns();
  guess_.succeeded(now_ns);
  if (!request_.trusted && (unless_proved_ || !request_.ticket.empty()))
    owner_.parts_.throttle.good(request_.address, counted_name(), now_ns);
  Admitted admitted{account_->id, door_.capacity, account_->staff || request_.trusted, {}};
  TicketHolder holder = TicketHolder::of(*account_);
  admitted.credentials = holder.credentials;
  if (password_given_) {
    const TicketClaim first = owner_.tickets_.new_family(clock().wall_s());
    admitted.family = first.family;
    if (request_.wants_ticket)
      admitted.ticket = owner_.tickets_.issue(holder, first, clock().wall_s());
  } else if (claim_) {
    admitted.family = claim_->family;
    admitted.spend = TicketSpend{std::move(holder), *claim_, request_.address,
                                 request_.wants_ticket, clock().monotonic_ms()};
  }
  return Admission(std::move(admitted));
}

Authenticator::Attempt::Next Authenticator::Attempt::refuse(const Refusal& refusal) {
  return Admission(tl::unexpected(refusal));
}

Authenticator::Attempt::Next Authenticator::Attempt::refuse_failed(const Refusal& refusal) {
  guess_.failed(clock().monotonic_ns());
  return refuse(refusal);
}

Refusal Authenticator::Attempt::refusal_for(const Error& error) {
  if (error.code == Errc::kInvalid) return kNameRefused;
  if (error.code == Errc::kClosed) return kStopping;
  owner_.log_store_error(request_, error);
  return kStoreUnavailable;
}

}  // namespace gatehouse::login
