#include "game/agent_manager.hpp"

#include <algorithm>
#include <future>
#include <iterator>
#include <utility>

#include "base/assert.hpp"
#include "base/log.hpp"

namespace gatehouse::game {
namespace {

// So many players more than another, and a sixteenth of that, a worker may have.
constexpr std::int32_t kSpreadSlack = 2;

}  // namespace

AgentManager::AgentManager(script::Runtime& runtime, store::Store& store,
                           std::vector<gate::Gate*> gates, AgentOptions options, MetricSet& metrics)
    : runtime_(runtime),
      store_(store),
      gates_(std::move(gates)),
      options_(std::move(options)),
      agents_metric_(metrics.gauge("agents", "", "Players' agents alive")),
      save_errors_(metrics.counter("player_save_errors", "", "Saves of player data that failed")),
      unsaved_metric_(metrics.gauge("players_unsaved", "", "Players whose last save failed")),
      ended_for_memory_(metrics.counter("players_ended", "reason=\"memory\"",
                                        "Players ended because their VM was full")),
      rescues_(metrics.counter("player_rescues", "",
                               "Players whose data went to a file because the store refused it")),
      bans_enforced_(metrics.counter("bans_enforced", "", "Players kicked because of a ban")),
      fenced_(metrics.counter("players_ended", "reason=\"fenced\"",
                              "Players ended because another session has their data")),
      rewound_(metrics.counter("players_ended", "reason=\"rewound\"",
                               "Players ended because the database has forgotten their session")),
      hook_reports_(runtime.system.world().clock, metrics) {}

std::uint32_t AgentManager::leaving_ms(std::uint32_t ms) const {
  if (!stopping_.load(std::memory_order_relaxed)) return ms;
  return std::clamp(options_.shutdown_timeout_ms / 4, 1u, ms);
}

AgentManager::~AgentManager() {
  if (rescue_pool_) rescue_pool_->stop(actor::WorkPool::Stop::kDrain);
}

Result<> AgentManager::write_rescue(UniqueFunction<void()> work) {
  constexpr std::size_t kRescuesMax = 65'536;  // that wait
  std::lock_guard lock(mutex_);
  if (!rescue_pool_) {
    rescue_pool_ = std::make_unique<actor::WorkPool>(
        runtime_.system.world(),
        actor::WorkPoolOptions{.name = "rescue", .threads = 1, .queue_max = kRescuesMax});
  }
  return rescue_pool_->submit(std::move(work));
}

gate::Gate* AgentManager::choose_gate(std::string_view server) const {
  gate::Gate* best = nullptr;
  for (gate::Gate* gate : gates_) {
    if (gate->server() != server) continue;
    if (best == nullptr || gate->session_count() < best->session_count()) best = gate;
  }
  return best;
}

bool AgentManager::serves(std::string_view server) const {
  return choose_gate(server) != nullptr;
}

std::vector<std::string> AgentManager::endpoints(std::string_view server) const {
  std::vector<std::string> list;
  for (const gate::Gate* gate : gates_) {
    if (gate->server() == server) list.push_back(gate->advertise());
  }
  return list;
}

std::size_t AgentManager::players(std::string_view server) const {
  std::size_t count = 0;
  for (const gate::Gate* gate : gates_) {
    if (gate->server() == server) count += gate->seat_count();
  }
  return count;
}

bool AgentManager::online(const std::string& uid, std::string_view server) const {
  std::lock_guard lock(mutex_);
  const auto it = online_.find(uid);
  return it != online_.end() && it->second.server == server;
}

std::size_t AgentManager::online() const {
  std::lock_guard lock(mutex_);
  return online_.size();
}

std::vector<std::string> AgentManager::online_uids() const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> uids;
  for (const auto& [uid, entry] : online_) uids.push_back(uid);
  return uids;
}

void AgentManager::place(login::Grant grant, Done done) {
  gate::Gate* gate = choose_gate(grant.server);
  if (gate == nullptr) {
    done(fail(Errc::kNotFound, "no gate serves this game server"));
    return;
  }
  auto placing = std::make_unique<Placing>();
  placing->grant = std::move(grant);
  placing->done = std::move(done);
  placing->gate = gate;
  begin(std::move(placing));
}

void AgentManager::begin(std::unique_ptr<Placing> placing) {
  if (placing->grant.nobody_waits()) {
    placing->done(fail(Errc::kClosed, "nobody waits for this login any more"));
    return;
  }
  ServiceId older;
  {
    std::unique_lock lock(mutex_);
    if (stopping_) {
      lock.unlock();
      placing->done(fail(Errc::kUnavailable, "the server stops"));
      return;
    }
    const auto [it, fresh] = online_.try_emplace(placing->grant.uid);
    if (!fresh && !it->second.agent) {
      lock.unlock();
      placing->done(fail(Errc::kExists, "this account's login is in progress"));
      return;
    }
    if (!fresh && on_stuck_worker(it->second.agent)) {
      lock.unlock();
      placing->done(fail(Errc::kUnavailable, "the older session's worker is stuck"));
      return;
    }
    if (!fresh) {
      older = it->second.agent;
      it->second.waiting.push_back(std::move(placing));
    }
    if (fresh) it->second.server = placing->grant.server;
    agents_metric_.set(static_cast<std::int64_t>(online_.size()));
  }
  if (placing) {
    claim(std::move(placing));
  } else {
    send_logout(older, LogoutCode::kReplaced, "a newer login took the session over");
  }
}

// The worker of the login connection: the login's answer needs no further hop then. The kernel
// spreads the connections of login and gate over the workers by a hash of each one's addresses and
// ports (SO_REUSEPORT), so that a player's gate connection comes to any worker as likely as to any
// other, and n - 1 of n move to the agent's worker wherever that is; nothing is known at the login
// that would tell which one saves the move. As the logins are spread, so are the players. Where
// they are not (few players; a Unix socket has one worker), a worker that has more of them than
// another gives way to that.
std::uint16_t AgentManager::choose_worker(const login::Grant& grant) const {
  actor::System& system = runtime_.system;
  if (!grant.worker || system.worker(*grant.worker).stuck()) return system.next_worker();
  std::uint16_t emptiest = *grant.worker;
  for (std::uint16_t i = 0; i < system.worker_count(); ++i) {
    if (agents_at_[i].load() < agents_at_[emptiest].load() && !system.worker(i).stuck())
      emptiest = i;
  }
  const std::int32_t least = agents_at_[emptiest].load();
  const bool crowded = agents_at_[*grant.worker].load() > least + least / 16 + kSpreadSlack;
  return crowded ? emptiest : *grant.worker;
}

void AgentManager::post_spawn(std::unique_ptr<AgentSpec> spec) {
  actor::Worker& worker = runtime_.system.worker(choose_worker(spec->grant));
  agents_at_[worker.index()].fetch_add(1);
  std::uint64_t number = 0;
  {
    std::lock_guard lock(mutex_);
    number = ++last_spawning_;
    spawning_.emplace(number, Spawning{worker.index(), std::move(spec)});
  }
  worker.post([this, &worker, number] {
    std::unique_ptr<AgentSpec> taken;
    {
      std::lock_guard lock(mutex_);
      const auto it = spawning_.find(number);
      if (it == spawning_.end()) return;  // made elsewhere
      taken = std::move(it->second.spec);
      spawning_.erase(it);
    }
    spawn(worker, std::move(taken));
  });
}

bool AgentManager::on_stuck_worker(ServiceId agent) const {
  const actor::Registry::Slot* slot = runtime_.system.registry().find(agent);
  return slot != nullptr && runtime_.system.worker(slot->worker.load()).stuck();
}

void AgentManager::worker_stuck(std::uint16_t worker) {
  std::vector<std::unique_ptr<Placing>> failing;
  std::vector<std::unique_ptr<AgentSpec>> moving;
  {
    std::lock_guard lock(mutex_);
    for (auto& [uid, entry] : online_) {
      if (entry.waiting.empty() || !on_stuck_worker(entry.agent)) continue;
      std::move(entry.waiting.begin(), entry.waiting.end(), std::back_inserter(failing));
      entry.waiting.clear();
    }
    for (auto it = spawning_.begin(); it != spawning_.end();) {
      if (it->second.worker != worker) {
        ++it;
        continue;
      }
      agents_at_[worker].fetch_sub(1);
      moving.push_back(std::move(it->second.spec));
      it = spawning_.erase(it);
    }
  }
  for (auto& placing : failing) {
    placing->done(fail(Errc::kUnavailable, "the older session's worker is stuck"));
  }
  for (auto& spec : moving) post_spawn(std::move(spec));
}

void AgentManager::spawn(actor::Worker& worker, std::unique_ptr<AgentSpec> spec) {
  GATEHOUSE_ASSERT(actor::Worker::current() == &worker);
  const std::string uid = spec->grant.uid;
  AgentHost* host = host_with_room(worker);
  const auto id = host == nullptr ? Result<ServiceId>(fail(Errc::kFull, "no VM takes players"))
                                  : runtime_.system.registry().reserve(worker.index());
  if (!id) {
    if (log::admit(uid)) log::error({}, "{} cannot be placed: {}", uid, id.error().message);
    agents_at_[worker.index()].fetch_sub(1);
    Done done = std::move(spec->done);
    release_session(uid, spec->grant.account, spec->fence);
    release(uid);
    done(tl::unexpected<Error>(id.error()));
    return;
  }
  bool stopping = false;
  std::optional<std::string> refusal;
  {
    std::lock_guard lock(mutex_);
    Online& entry = online_[uid];
    GATEHOUSE_ASSERT(!entry.agent);
    entry.agent = *id;
    entry.subid = spec->subid;
    if (auto client = net::Address::from(spec->grant.address, 0)) entry.client = *client;
    refusal = refusal_of(entry);
    entry.held = {spec->grant.account, spec->fence, spec->gate->advertise(), spec->grant.server,
                  spec->subid};
    stopping = stopping_;
  }
  worker.attach(*id, std::make_unique<AgentService>(*host, std::move(spec)));
  if (stopping) send_logout(*id, LogoutCode::kShutdown, "the server stops");
  if (refusal) kick_for_network(*id, uid, *refusal);
}

Result<> AgentManager::check_module() {
  actor::Worker& worker = runtime_.system.worker(0);
  std::promise<bool> done;
  std::future<bool> usable = done.get_future();
  worker.post([this, &worker, done = std::move(done)]() mutable {
    done.set_value(host_with_room(worker) != nullptr);
  });
  if (usable.get()) return {};
  return fail(Errc::kInvalid, "agent.module: " + options_.module + " cannot be used");
}

Result<bool> AgentManager::reload_code() {
  // An order to stop that comes meanwhile waits for it.
  const std::chrono::milliseconds limit(options_.shutdown_timeout_ms);
  auto fresh = runtime_.code.current()->read_anew();
  if (!fresh) return tl::unexpected<Error>(fresh.error());
  if (!*fresh) return false;
  // Whoever is first, the worker or the deadline, decides.
  auto decided = std::make_shared<std::atomic<bool>>(false);
  auto done = std::make_shared<std::promise<bool>>();
  std::future<bool> usable = done->get_future();
  actor::Worker& worker = runtime_.system.worker(0);
  worker.post([this, &worker, decided, done, code = std::move(*fresh)] {
    if (decided->load()) return;
    AgentHost* host = make_host(worker, code);
    if (host != nullptr && !decided->exchange(true)) {
      runtime_.code.use(code);
    } else if (host != nullptr) {
      worker.retire(*host);
      host = nullptr;
    }
    done->set_value(host != nullptr);
  });
  if (usable.wait_for(limit) != std::future_status::ready && !decided->exchange(true))
    return fail(Errc::kTimeout, "worker 0 is busy");
  if (!usable.get()) return fail(Errc::kInvalid, options_.module + " cannot be used");
  for (std::uint16_t i = 0; i < runtime_.system.worker_count(); ++i) {
    actor::Worker& each = runtime_.system.worker(i);
    each.post([this, &each] { end_empty_hosts(each); });
  }
  return true;
}

void AgentManager::end_empty_hosts(actor::Worker& worker) {
  for (AgentHost* host : std::vector<AgentHost*>(hosts_[worker.index()])) {
    if (host->outdated() && host->vm().light_service_count() == 0) worker.retire(*host);
  }
}

AgentHost* AgentManager::host_with_room(actor::Worker& worker) {
  std::vector<AgentHost*>& hosts = hosts_[worker.index()];
  for (auto it = hosts.rbegin(); it != hosts.rend(); ++it) {
    if ((*it)->has_room(options_.per_vm)) return *it;
  }
  return make_host(worker, runtime_.code.current());
}

AgentHost* AgentManager::make_host(actor::Worker& worker, std::shared_ptr<script::Code> code) {
  const auto id = runtime_.system.registry().reserve(worker.index());
  if (!id) return nullptr;
  GATEHOUSE_ASSERT(actor::Worker::current() == &worker);
  auto made = std::make_unique<AgentHost>(runtime_, *this, std::move(code));
  AgentHost* host = made.get();
  worker.pin(*host);
  worker.attach(*id, std::move(made));
  if (!host->exiting() && !host->serves()) {
    log::error(*id, "msgagent does not call agent.serve{{}}: no player can log in");
    worker.retire(*host);
  }
  if (host->exiting()) {
    worker.unpin(*host);
    return nullptr;
  }
  worker.unpin(*host);
  hosts_[worker.index()].push_back(host);
  return host;
}

void AgentManager::host_ended(AgentHost& host) {
  std::erase(hosts_[host.worker().index()], &host);
}

std::vector<std::unique_ptr<AgentManager::Placing>> AgentManager::take_waiting(
    const std::string& uid, bool forget) {
  std::lock_guard lock(mutex_);
  const auto it = online_.find(uid);
  if (it == online_.end()) return {};
  auto waiting = std::move(it->second.waiting);
  it->second.waiting.clear();
  if (forget) online_.erase(it);
  agents_metric_.set(static_cast<std::int64_t>(online_.size()));
  return waiting;
}

void AgentManager::release(const std::string& uid) {
  for (auto& placing : take_waiting(uid, true)) begin(std::move(placing));
}

void AgentManager::agent_ended(AgentService& agent) {
  agents_at_[agent.worker().index()].fetch_sub(1);
  release_session(agent.uid(), agent.account(), agent.fence());
  release(agent.uid());
}

void AgentManager::agent_stuck(AgentService& agent) {
  for (auto& placing : take_waiting(agent.uid(), false)) {
    placing->done(fail(Errc::kUnavailable, "the older session is not saved yet"));
  }
}

ServiceId AgentManager::agent_of(std::string_view uid) const {
  const auto normal = normalise_user_name(uid);
  if (!normal) return {};
  std::lock_guard lock(mutex_);
  const auto it = online_.find(*normal);
  return it == online_.end() ? ServiceId{} : it->second.agent;
}

bool AgentManager::kick(std::string_view uid, LogoutCode code, std::string_view reason) {
  const ServiceId agent = agent_of(uid);
  if (!agent) return false;
  send_logout(agent, code, reason);
  return true;
}

bool AgentManager::end_barred(std::string_view uid, std::uint64_t epoch, LogoutCode code,
                              std::string_view reason) {
  ServiceId agent;
  bool first = false;
  {
    std::lock_guard lock(mutex_);
    const auto it = online_.find(std::string(uid));
    if (it == online_.end() || !it->second.agent) return false;
    GATEHOUSE_ASSERT(it->second.held.account.value != 0);
    if (it->second.held.fence.epoch > epoch) return false;
    agent = it->second.agent;
    first = !std::exchange(it->second.barred, true);
  }
  send_logout(agent, code, reason);
  return first;
}

void AgentManager::withdraw(const std::string& uid, std::string_view subid) {
  ServiceId agent;
  {
    std::lock_guard lock(mutex_);
    const auto it = online_.find(uid);
    if (it == online_.end() || it->second.subid != subid) return;
    agent = it->second.agent;
  }
  if (agent) send_logout(agent, LogoutCode::kRemoved, "the login failed");
}

bool AgentManager::rescue(std::string_view uid) {
  const ServiceId agent = agent_of(uid);
  if (!agent) return false;
  send_logout(agent, LogoutCode::kRemoved, "by an operator");
  send_rescue(agent);
  return true;
}

void AgentManager::rescue_all() {
  std::vector<ServiceId> agents;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [uid, entry] : online_) {
      if (entry.agent) agents.push_back(entry.agent);
    }
  }
  for (const ServiceId agent : agents) send_rescue(agent);
}

std::vector<UnsavedPlayer> AgentManager::unsaved() const {
  std::vector<UnsavedPlayer> players;
  std::lock_guard lock(mutex_);
  for (const auto& [uid, player] : unsaved_) players.push_back(player);
  return players;
}

void AgentManager::player_unsaved(UnsavedPlayer player) {
  std::lock_guard lock(mutex_);
  const auto [it, fresh] = unsaved_.try_emplace(player.uid);
  if (!fresh) player.since_ms = it->second.since_ms;
  it->second = std::move(player);
  unsaved_metric_.set(static_cast<std::int64_t>(unsaved_.size()));
}

void AgentManager::player_saved(const std::string& uid) {
  std::lock_guard lock(mutex_);
  unsaved_.erase(uid);
  unsaved_metric_.set(static_cast<std::int64_t>(unsaved_.size()));
}

bool AgentManager::may_log_unsaved() {
  return unsaved_lines_.admit(runtime_.system.world().clock.monotonic_ms()).has_value();
}

void AgentManager::send_rescue(ServiceId agent) {
  actor::MessagePtr message = actor::make_message({});
  message->type = actor::MessageType::kSystem;
  message->session = kRescueMessage;
  message->destination = agent;
  // An agent that is gone by now has nothing to rescue.
  static_cast<void>(runtime_.system.send(std::move(message)));
}

void AgentManager::log_all_out(std::string_view reason) {
  std::vector<ServiceId> agents;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& [uid, entry] : online_) {
      if (entry.agent) agents.push_back(entry.agent);
    }
  }
  for (const ServiceId agent : agents) send_logout(agent, LogoutCode::kShutdown, reason);
}

// A system message without a source: AgentService::on_message takes it before the script.
void AgentManager::send_logout(ServiceId agent, LogoutCode code, std::string_view reason) {
  actor::MessagePtr message = actor::make_message(reason);
  message->type = actor::MessageType::kSystem;
  message->session = static_cast<std::int32_t>(code);
  message->destination = agent;
  // An agent that is gone by now has called agent_ended(), which serves the logins that wait.
  static_cast<void>(runtime_.system.send(std::move(message)));
}

}  // namespace gatehouse::game
