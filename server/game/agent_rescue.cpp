// AgentService: what becomes of data that the store does not take.
#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "actor/system.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "game/agent_manager.hpp"
#include "game/agent_service.hpp"
#include "script/runtime.hpp"

namespace gatehouse::game {
namespace {

// The store is there and does not take this, however often it is asked.
bool for_good(std::string_view code) {
  return code == name(Errc::kRefused) || code == name(Errc::kTooBig) ||
         code == name(Errc::kInvalid) || code == name(Errc::kCorrupt);
}

}  // namespace

std::shared_ptr<const PendingSave> AgentService::keep_save(std::string_view data) {
  pending_ = std::make_shared<PendingSave>(PendingSave{version_, std::string(data), replies(), {}});
  return pending_;
}

void AgentService::save_failed(std::string_view why, std::string_view code) {
  AgentManager& manager = host_.manager();
  if (failed_saves_ < UINT32_MAX) ++failed_saves_;
  list_unsaved(code, why, failed_saves_);
  manager.save_errors().add();
  save_error_ = std::make_unique<std::string>(why);
  const std::uint32_t most = manager.options().save_failures_max;
  manager.hook_reports().error(
      id(), fmt::format("{}@{} is not saved, {} time{} in a row: {}", uid(), server(),
                        failed_saves_, failed_saves_ == 1 ? "" : "s", why));
  if (leaving_ || most == 0 || failed_saves_ < most) return;
  manager.log_out(id(), LogoutCode::kRemoved, "your progress cannot be saved");
}

void AgentService::store_refused(std::uint64_t version, std::string_view code) {
  if (version != version_) return;  // a newer one is under way
  if (code == name(Errc::kFenced)) return fenced();
  const std::string why = pending_ ? pending_->why : std::string();
  const MonotonicMs now_ms = worker().clock().monotonic_ms();
  if (!unsaved_) unsaved_ = std::make_unique<Unsaved>();
  ++unsaved_->failures;
  if (!for_good(code)) {
    unsaved_->for_good_since_ms = 0;
  } else if (unsaved_->for_good_since_ms == 0) {
    unsaved_->for_good_since_ms = now_ms;
  }
  AgentManager& manager = host_.manager();
  const bool changed = unsaved_->code != code;
  unsaved_->code = code;
  unsaved_->why = why;
  if (for_good(code)) {
    save_failed(fmt::format("the store refuses it ({}): {}", code, why), code);
    if (rescue_due()) start_rescue();
    return;
  }
  manager.save_errors().add();
  list_unsaved(code, why, unsaved_->failures);
  if (unsaved_->lines.admit(now_ms, changed)) {
    if (manager.may_log_unsaved()) {
      log::error(id(), "{}@{} is not saved, try {}: the store is {}: {}", uid(), server(),
                 unsaved_->failures, code, why);
    } else {
      unsaved_->lines.end();  // with the next try
    }
  }
  if (rescue_due()) start_rescue();
}

// Another session has the player, and newer data. Only a database that has gone back leaves this
// one's data to nobody: then it goes to a file, whatever becomes of the agent meanwhile.
void AgentService::fenced() {
  AgentManager& manager = host_.manager();
  const bool rewound = pending_ && pending_->rewound;
  manager.save_errors().add();
  manager.fenced(rewound).add();
  log::error(id(), "{}@{} is not saved, it is fenced: {}", uid(), server(),
             pending_ ? pending_->why : "another session has the player");
  if (rewound) {
    const auto submitted =
        manager.write_rescue([&manager, player = rescued_player(), save = pending_]() mutable {
          player.data = save->data;
          player.replies = save->replies;
          const auto file = store::write_rescue_file(manager.options().rescue, player);
          if (!file) return log::error({}, "{}: no rescue: {}", player.uid, file.error().message);
          manager.rescues().add();
          log::error({},
                     "what {}@{} had is in {}; if nothing newer is in the store, bring it back "
                     "by: gatectl restore",
                     player.uid, player.server, *file);
        });
    if (!submitted) log::error(id(), "{}: no rescue: {}", uid(), submitted.error().message);
  }
  pending_.reset();
}

void AgentService::list_unsaved(std::string_view code, std::string_view why,
                                std::uint32_t failures) {
  listed_ = true;
  host_.manager().player_unsaved({uid(), server(), std::string(code), std::string(why),
                                  worker().clock().monotonic_ms(), failures, leaving_});
}

bool AgentService::rescue_due() const {
  if (!leaving_ || !pending_ || rescuing_) return false;
  if (rescue_wanted_) return true;
  const MonotonicMs after_ms = host_.manager().options().rescue_after_ms;
  return after_ms != 0 && unsaved_ && unsaved_->for_good_since_ms != 0 &&
         worker().clock().monotonic_ms() - unsaved_->for_good_since_ms >= after_ms;
}

void AgentService::want_rescue() {
  rescue_wanted_ = true;
  if (rescue_due()) start_rescue();
}

store::RescuedPlayer AgentService::rescued_player() const {
  std::string why = "the store has not answered yet";
  if (pending_->rewound) {
    why = "fenced: " + pending_->why;
  } else if (unsaved_) {
    why = unsaved_->code + ": " + unsaved_->why;
  }
  return {.uid = uid(),
          .server = server(),
          .account = account_,
          .epoch = fence_.epoch,
          .version = pending_->version,
          .at_s = worker().clock().wall_s(),
          .why = std::move(why),
          .data = {},
          .replies = {},
          .owner = fence_.owner};
}

void AgentService::start_rescue() {
  rescuing_ = true;
  AgentManager& manager = host_.manager();
  const auto submitted =
      manager.write_rescue([&manager, &home = worker(), agent = id(), player = rescued_player(),
                            save = pending_]() mutable {
        player.data = save->data;
        player.replies = save->replies;
        auto file = store::write_rescue_file(manager.options().rescue, player);
        home.post([&home, agent, file = std::move(file)] {
          auto* service = dynamic_cast<AgentService*>(home.find(agent));
          if (service != nullptr) service->rescued(file);
        });
      });
  if (!submitted) rescuing_ = false;
}

void AgentService::rescued(const Result<std::string>& file) {
  rescuing_ = false;
  if (exiting()) return;
  if (!pending_) {
    // The store has taken it meanwhile.
    std::error_code gone;
    if (file) std::filesystem::remove(*file, gone);
    return;
  }
  if (!file) {
    log::error(id(), "{}@{} stays, its data cannot be written to a file: {}", uid(), server(),
               file.error().message);
    return;
  }
  log::error(id(), "{}@{} leaves unsaved; its data is in {}, bring it back by: gatectl restore",
             uid(), server(), *file);
  host_.manager().rescues().add();
  pending_.reset();
  rescued_ = true;
  worker().retire(*this);
}

}  // namespace gatehouse::game
