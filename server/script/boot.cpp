#include "script/boot.hpp"

#include "base/assert.hpp"
#include "base/log.hpp"
#include "actor/system.hpp"
#include "script/lua_service.hpp"

namespace gatehouse::script {
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

}  // namespace

void set_library_root(Runtime& runtime, const std::string& lua_root) {
  runtime.library_path = lua_root + "/lib/?.lua;" + lua_root + "/lib/?/init.lua";
  runtime.lua_path = lua_root + "/?.lua";
  runtime.service_path = lua_root + "/service/?.lua";
}

void divert_log(actor::System& system) {
  log::divert([&system](ServiceId source, std::string_view text) {
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

void boot_services(Runtime& runtime, const std::string& logger_service) {
  actor::System& system = runtime.system;
  const auto logger = system.spawn(
      [&runtime, logger_service]() -> std::unique_ptr<actor::Service> {
        if (logger_service.empty()) return std::make_unique<LoggerService>();
        return LuaService::make(runtime, logger_service);
      },
      0);
  GATEHOUSE_ASSERT(logger.has_value() && *logger == kLogger);
  static_cast<void>(system.registry().set_name(".logger", *logger));
  const auto bootstrap = system.spawn(
      [&runtime]() -> std::unique_ptr<actor::Service> {
        return LuaService::make(runtime, "bootstrap");
      },
      0);
  GATEHOUSE_ASSERT(bootstrap.has_value());
}

}  // namespace gatehouse::script
