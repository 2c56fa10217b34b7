#include "modules/modules.hpp"

#include <iterator>

#include "modules/table_views.hpp"
#include "mysql/worker.hpp"
#include "script/lua_args.hpp"
#include "script/runtime.hpp"
#include "script/vm.hpp"
#include "skynet/core.hpp"
#include "stdlib/standard_libraries.hpp"

namespace gatehouse::modules {

int open_crypt(lua_State* L) {
  return push_crypt(L, script::Vm::of(L).world().random);
}

namespace {

constexpr script::NativeModule kModules[] = {
    {"skynet.crypt", script::bind<open_crypt>},
    {"client.crypt", script::bind<open_crypt>},
    {"md5", script::bind<open_md5>},
    {"skynet.socketdriver", script::bind<open_socketdriver>},
    {"skynet.netpack", script::bind<open_netpack>},
    {"entity", script::bind<open_entity>},
    {"gatehouse.tls", script::bind<open_tls>},
    {"ltls.c", script::bind<open_tls>},
    {"json", script::bind<open_json>},
    {"gatehouse.tables", script::bind<open_tables>},
    {"gatehouse.snax", script::bind<open_snax>},
    {"skynet.stm", script::bind<open_stm>},
};

}  // namespace

void add_modules(script::Runtime& runtime, mysql::Workers& connections) {
  runtime.openers = {stdlib::open_standard_libraries, skynet::open, replace_next};
  runtime.modules.assign(std::begin(kModules), std::end(kModules));
  skynet::add_modules(runtime.modules);
  runtime.modules.push_back({"gatehouse.mysql", script::bind<open_mysql>, &connections});
  runtime.on_service_end = [&connections](ServiceId service) { connections.forget(service.value); };
}

}  // namespace gatehouse::modules
