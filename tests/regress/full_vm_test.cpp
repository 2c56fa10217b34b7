// A call of Lua's that allocates was made where nothing catches what it raises, so that a full VM
// ended the process. Here every allocation of a player's whole life fails once: whoever asked
// gets an answer, the player can leave, and nothing is left.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <future>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "actor/system.hpp"
#include "base/bytes.hpp"
#include "base/log.hpp"
#include "crypto/encoding.hpp"
#include "drivers/open.hpp"
#include "game/agent_manager.hpp"
#include "game/modules.hpp"
#include "gate/gate.hpp"
#include "modules/modules.hpp"
#include "mysql/worker.hpp"
#include "net/uv_network.hpp"
#include "protocol/frame.hpp"
#include "protocol/gate_handshake.hpp"
#include "skynet/boot.hpp"
#include "temp_folder.hpp"
#include "test_world.hpp"
#include "waiting.hpp"

namespace gatehouse::script {
namespace {

using test::eventually;

constexpr std::chrono::seconds kPatience{60};
constexpr char kSecret[] = "12345678";

store::StoreOptions store_options(const test::TempFolder& folder) {
  store::StoreOptions options;
  options.driver.sqlite.path = folder / "full_vm.db";
  options.driver.migrations_dir = GATEHOUSE_SOURCE_DIR "/sql";
  EXPECT_TRUE(drivers::open(test_world(), options.driver).value()->migrate().has_value());
  return options;
}

// GATEHOUSE_SWEEP=N: only the lives in which allocation N fails; 1: those of all allocations.
// GATEHOUSE_SWEEP_LOG: with their log.
std::uint64_t only() {
  const char* number = std::getenv("GATEHOUSE_SWEEP");
  return number == nullptr ? 0 : std::strtoull(number, nullptr, 10);
}

// A blocking connection to the gate.
class Client {
 public:
  Client(std::uint16_t port, const std::string& uid, const std::string& subid, int index) {
    descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{kPatience.count(), 0};
    setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    std::string text = crypto::base64_encode(uid) + "@" + crypto::base64_encode("sample") + "#" +
                       crypto::base64_encode(subid) + ":" + std::to_string(index);
    const Secret secret{std::string(kSecret)};
    text += ":" + crypto::base64_encode(protocol::gate_mac(protocol::Suite::kSkynet, secret, text));
    send(text);
    welcome_ = frame() == "200 OK";
  }
  ~Client() { ::close(descriptor_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // False: the player was ended meanwhile.
  [[nodiscard]] bool welcome() const { return welcome_; }
  void request(std::string content, std::uint32_t session) {
    content.resize(content.size() + 4);
    store_be32(content.data() + content.size() - 4, session);
    send(content);
  }
  // The next frame's body; nothing when the connection ended.
  std::optional<std::string> frame() {
    char header[2];
    if (!read(header, 2)) return std::nullopt;
    std::string body(load_be16(header), '\0');
    if (!read(body.data(), body.size())) return std::nullopt;
    return body;
  }

 private:
  void send(std::string_view body) {
    std::string bytes;
    EXPECT_TRUE(protocol::append_frame(bytes, body));
    static_cast<void>(::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
  }
  bool read(char* to, std::size_t size) {
    const ssize_t got = ::recv(descriptor_, to, size, MSG_WAITALL);
    EXPECT_GE(got, 0) << "no answer";
    return got == static_cast<ssize_t>(size);
  }

  int descriptor_ = -1;
  bool welcome_ = false;
};

// One worker with a gate, a store and players; memory fails for what is started after the boot.
class World {
 public:
  World()
      : store_(drivers::open_store(test_world(), store_options(folder_), metrics_).value()),
        network_(system_),
        runtime_(system_, &network_),
        gate_({.server = "sample",
               .listen = {"127.0.0.1", 0},
               .advertise = "",
               .limits = system_.limits()},
              metrics_, guard_),
        agents_(runtime_, *store_, {&gate_},
                {.module = GATEHOUSE_SOURCE_DIR "/tests/lua/full_vm_player.lua",
                 .afk_timeout_ms = 0,
                 .save_interval_ms = 0,
                 .logout_timeout_ms = 1'000},
                metrics_) {
    const std::string root = GATEHOUSE_SOURCE_DIR;
    skynet::set_library_root(runtime_, root + "/lua");
    runtime_.service_path += ";" + root + "/tests/lua/?.lua";
    modules::add_modules(runtime_, mysql_);
    game::add_modules(runtime_, &agents_);
    const bool quiet = std::getenv("GATEHOUSE_SWEEP_LOG") == nullptr;
    const auto level = quiet ? log::Level::kOff : log::Level::kInfo;
    static_cast<void>(log::start({.level = level, .file = ""}));
    static_cast<void>(system_.set_env("start", "full_vm_partner"));
    system_.start(network_.loop_factory());
    EXPECT_TRUE(gate_.start(network_, system_).has_value());
    skynet::boot_services(runtime_);
    EXPECT_TRUE(system_.wait_env("full_vm_ready", kPatience).has_value());
    account_ = in_store(
        [](store::Driver& driver) { return driver.create_account("test1", "").value().id; });
    EXPECT_TRUE(settled());
    on_worker([this] {
      runtime_.allocation_faults = &faults_;
      system_.worker(0).each_service(
          [this](actor::Service& service) { booted_.insert(service.id().value); });
      return true;
    });
  }
  ~World() {
    gate_.stop_accepting();
    system_.stop();
    store_->stop(actor::WorkPool::Stop::kDiscard);
  }

  // Growths of memory in a life where none fails.
  std::uint64_t count() {
    live(UINT64_MAX, 0);
    return faults_.seen;
  }

  // A whole life in which `failures` allocations fail from number `first` on.
  void live(std::uint64_t first, std::uint64_t failures) {
    SCOPED_TRACE(testing::Message()
                 << "allocations " << first << " and " << failures - 1 << " after it fail");
    on_worker([this, first, failures] {
      faults_ = {.first = first, .count = failures};
      return true;
    });
    const auto placed = place();
    if (placed) {
      play(*placed);
      agents_.kick("test1", game::LogoutCode::kRemoved, "the test ends");
    }
    ASSERT_TRUE(eventually([this] { return agents_.online() == 0; }, kPatience));
    end_services();
  }

 private:
  template <class F>
  auto on_worker(F work) -> decltype(work()) {
    std::promise<decltype(work())> done;
    auto result = done.get_future();
    system_.worker(0).post([&work, &done] { done.set_value(work()); });
    return result.get();
  }

  template <class F>
  auto in_store(F work) -> decltype(work(std::declval<store::Driver&>())) {
    std::promise<decltype(work(std::declval<store::Driver&>()))> done;
    auto result = done.get_future();
    EXPECT_TRUE(
        store_->submit([&work, &done](store::Driver& driver) { done.set_value(work(driver)); })
            .has_value());
    return result.get();
  }

  // No service starts or ends any more: bootstrap has left.
  bool settled() {
    return eventually([this] { return system_.registry().count() == kBooted; }, kPatience);
  }

  Result<login::Placement> place() {
    auto done = std::make_shared<std::promise<Result<login::Placement>>>();
    auto result = done->get_future();
    login::Grant grant;
    grant.account = account_;
    grant.uid = "test1";
    grant.server = "sample";
    grant.secret = Secret{std::string(kSecret)};
    agents_.place(std::move(grant),
                  [done](Result<login::Placement> placed) { done->set_value(std::move(placed)); });
    if (result.wait_for(kPatience) == std::future_status::ready) return result.get();
    ADD_FAILURE() << "a login without an answer";
    std::abort();
  }

  // Everything that a client can do; each request gets an answer.
  void play(const login::Placement& placed) {
    const std::uint16_t port = gate_.address().port();
    static constexpr const char* kRequests[] = {"echo one",  "call two",   "sleep x",
                                                "fork four", "timeout 5",  "socket six",
                                                "shared x",  "service me", "error x"};
    for (int connection = 1; connection <= 2; ++connection) {
      Client client(port, "test1", placed.subid, connection);
      if (!client.welcome()) return;
      std::uint32_t session = static_cast<std::uint32_t>(connection) * 100;
      for (const char* request : kRequests) client.request(request, ++session);
      std::string answered;
      for (std::size_t i = 0; i < std::size(kRequests); ++i) {
        const auto answer = client.frame();
        ASSERT_FALSE(testing::Test::HasFailure())
            << "connection " << connection << " got answers to " << answered << "and no more";
        if (!answer) return;  // the player was ended
        const std::uint32_t number = load_be32(answer->data() + answer->size() - 4) % 100;
        answered += std::string(kRequests[number - 1]) + ", ";
      }
    }
  }

  // The host and what a request left behind. Their memory must be zero in the end (Vm).
  void end_services() {
    on_worker([this] {
      std::vector<actor::Service*> left;
      system_.worker(0).each_service([this, &left](actor::Service& service) {
        if (!booted_.contains(service.id().value)) left.push_back(&service);
      });
      for (actor::Service* service : left) system_.worker(0).retire(*service);
      return true;
    });
    ASSERT_TRUE(settled());
  }

  // .logger, .launcher, .service, the partner, and what they started.
  static constexpr std::size_t kBooted = 4;

  test::TempFolder folder_;
  MetricSet metrics_;
  edge::Guard guard_{Limits(), metrics_, edge::posting_to(system_)};
  actor::System system_{test_world(), {.workers = 1, .limits = {}}, metrics_};
  std::unique_ptr<store::Store> store_;
  net::UvNetwork network_;
  mysql::Workers mysql_{test_world()};
  script::Runtime runtime_;
  gate::Gate gate_;
  game::AgentManager agents_;
  AllocationFaults faults_;
  AccountId account_;
  std::set<std::uint32_t> booted_;
};

void sweep(std::uint64_t failures, std::uint64_t lives) {
  World world;
  world.count();  // the first one compiles the chunks
  const std::uint64_t allocations = world.count();
  ASSERT_GT(allocations, 1'000u);
  if (only() > 1) return world.live(only(), failures);
  const std::uint64_t stride = only() == 1 ? 1 : allocations / lives | 1;
  for (std::uint64_t n = 1; n <= allocations; n += stride) {
    world.live(n, failures);
    if (testing::Test::HasFatalFailure()) return;
  }
}

// Lua tries once more after a collection, so two in a row.
TEST(FullVm, EveryAllocationMayFail) {
  sweep(2, 500);
}
TEST(FullVm, MemoryMayBeShortForAWhile) {
  sweep(200, 40);
}

}  // namespace
}  // namespace gatehouse::script
