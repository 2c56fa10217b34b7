#include "script/boot.hpp"

#include "base/assert.hpp"
#include "base/log.hpp"
#include "actor/system.hpp"
#include "script/lua_service.hpp"

namespace gatehouse::script {
namespace {

// Address 1, ".logger": text messages become log lines of their sender.
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

void boot_services(Runtime& runtime) {
  actor::System& system = runtime.system;
  const auto logger = system.spawn([] { return std::make_unique<LoggerService>(); }, 0);
  GATEHOUSE_ASSERT(logger.has_value() && logger->value == 1);
  static_cast<void>(system.registry().set_name(".logger", *logger));
  const auto bootstrap = system.spawn(
      [&runtime]() -> std::unique_ptr<actor::Service> {
        return LuaService::make(runtime, "bootstrap");
      },
      0);
  GATEHOUSE_ASSERT(bootstrap.has_value());
}

}  // namespace gatehouse::script
