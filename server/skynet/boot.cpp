#include "skynet/boot.hpp"

#include <future>
#include <memory>

#include "actor/system.hpp"
#include "base/assert.hpp"
#include "base/log.hpp"
#include "script/lua_service.hpp"

namespace gatehouse::skynet {
namespace {

constexpr ServiceId kLogger{1};

// ".logger": text messages become log lines of their sender.
class LoggerService final : public actor::Service {
  void on_message(actor::MessagePtr message) override {
    if (message->type == actor::MessageType::kText) {
      log::write(log::Level::kInfo, message->source, message->view());
    } else {
      worker().system().reply_error(*message);
    }
  }
};

// A service without which the process does not come up: when it cannot be started, the process
// ends.
class BootService final : public script::LuaService {
 public:
  BootService(script::Runtime& runtime, const std::string& arguments)
      : script::LuaService(runtime, arguments) {}

 private:
  void on_init_failed() override {
    log::error(id(), "{} does not start: the process ends", description());
    runtime().system.request_abort(kBootFailed);
  }
};

}  // namespace

namespace {

std::string library_patterns(const std::string& lua_root) {
  return lua_root + "/lib/?.lua;" + lua_root + "/lib/?/init.lua";
}

std::string game_patterns(const std::string& lua_root) {
  return lua_root + "/?.lua";
}

}  // namespace

std::string module_patterns(const std::string& lua_root) {
  return library_patterns(lua_root) + ";" + game_patterns(lua_root);
}

void set_library_root(script::Runtime& runtime, const std::string& lua_root) {
  runtime.library_path = library_patterns(lua_root);
  runtime.lua_path = game_patterns(lua_root);
  runtime.service_path = lua_root + "/service/?.lua";
}

void divert_log(actor::System& system) {
  log::divert([&system](ServiceId source, std::string_view text) {
    // What the logger cannot do, it cannot say either.
    if (source == kLogger) return false;
    actor::MessagePtr message = actor::make_message(text);
    message->type = actor::MessageType::kText;
    message->source = source;
    message->destination = kLogger;
    return system.send(std::move(message)) == actor::SendResult::kQueued;
  });
}

void tell_logger_of_reopening(actor::System& system) {
  actor::MessagePtr message = actor::make_message(std::size_t{0});
  message->type = actor::MessageType::kSystem;
  message->destination = kLogger;
  system.send(std::move(message));
}

bool logger_is_idle(actor::System& system) {
  const auto* slot = system.registry().find(kLogger);
  if (slot == nullptr || !system.registry().live(kLogger)) return true;
  actor::Worker& worker = system.worker(slot->worker.load());
  auto idle = std::make_shared<std::promise<bool>>();
  std::future<bool> answer = idle->get_future();
  worker.post([&worker, idle] {
    const actor::Service* logger = worker.find(kLogger);
    idle->set_value(logger == nullptr || logger->mailbox_length() == 0);
  });
  return answer.wait_for(kLoggerTimeout) == std::future_status::ready && answer.get();
}

void boot_services(script::Runtime& runtime, const std::string& logger_service) {
  actor::System& system = runtime.system;
  const auto logger = system.spawn(
      [&runtime, logger_service]() -> std::unique_ptr<actor::Service> {
        if (logger_service.empty()) return std::make_unique<LoggerService>();
        return std::make_unique<BootService>(runtime, logger_service);
      },
      0);
  GATEHOUSE_ASSERT(logger.has_value() && *logger == kLogger);
  static_cast<void>(system.registry().set_name(".logger", *logger));
  const auto bootstrap = system.spawn(
      [&runtime]() -> std::unique_ptr<actor::Service> {
        return std::make_unique<BootService>(runtime, "bootstrap");
      },
      0);
  GATEHOUSE_ASSERT(bootstrap.has_value());
}

}  // namespace gatehouse::skynet
