// A service written in Lua: with a VM of its own, or light, in a host's VM next to thousands of
// others. Light or not, it has its own address, mailbox order, sessions, and dies alone.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "actor/service.hpp"
#include "actor/worker.hpp"
#include "script/scheduler.hpp"
#include "script/vm.hpp"

namespace gatehouse::script {

struct Runtime;
class MessageLog;

// A reply that is still owed to a requester.
struct OwedReply {
  std::int32_t session = 0;
  ServiceId source;
};

class LuaService : public actor::Service {
 public:
  // Makes a service that loads `arguments` ("name word word ...") in a VM of its own.
  static std::unique_ptr<LuaService> make(Runtime& runtime, std::string arguments);
  // Makes a light service in the VM of `host`.
  LuaService(Runtime& runtime, std::shared_ptr<Vm> vm);
  ~LuaService() override;

  [[nodiscard]] Vm& vm() const { return *vm_; }
  [[nodiscard]] std::shared_ptr<Vm> share_vm() const { return vm_; }
  [[nodiscard]] Runtime& runtime() const { return runtime_; }
  [[nodiscard]] bool light() const { return light_; }
  // How it was launched, for the log: "snlua my_ping".
  [[nodiscard]] virtual std::string description() const;

  // Runs C++ or Lua work of this service outside a message: sets the current service, marks the
  // activity for the monitor, and afterwards runs what it woke. Not while it is in a handler. The
  // work may end the service, which is gone then: what follows from the work belongs into it.
  template <class F>
  void enter(ServiceId source, F&& work) {
    const Outer outer = begin(source);
    work();
    end(outer);
  }

  // For the binding that ran the start function.
  void init_failed() { on_init_failed(); }

  // Writes the messages that arrive to the log, from now on; nullptr: no longer.
  void log_messages(std::unique_ptr<MessageLog> log);

  // Replies owed by response closures; the key is the closure's ticket.
  std::uint32_t owe(OwedReply reply);
  // A handler ended without answering: the requester is told when the service ends. Remembers
  // kForgottenMax of them at most.
  void owe_forgotten(OwedReply reply);
  // Returns the reply and forgets it; session 0 when the ticket was used.
  OwedReply take_owed(std::uint32_t ticket);
  [[nodiscard]] bool owes(std::uint32_t ticket) const;

  // The head of the list of its tasks.
  [[nodiscard]] const Task* tasks() const { return tasks_; }
  [[nodiscard]] Task* tasks() { return tasks_; }
  // Tells the launcher how the start went; it answers whoever asked for this service
  // (docs/skynet-rules.md 2.10).
  void tell_launcher(bool started);
  // Puts a message that could not be handled for want of memory into the mailbox again, a little
  // later.
  void postpone(actor::MessagePtr message);
  // How an error that ends one of its tasks is reported.
  struct ErrorReport {
    bool wanted = true;
    std::string whose = {};            // begins the line, for who reads it; empty: nobody's
    std::size_t bytes_max = SIZE_MAX;  // of the error's own text
  };
  [[nodiscard]] virtual ErrorReport error_report(const Task&) { return {}; }
  // What its tasks have allocated in the VM since the mark, whether freed or not.
  [[nodiscard]] std::uint64_t allocated_since_mark() const { return allocated_bytes_; }
  void mark_allocated() { allocated_bytes_ = 0; }

 protected:
  void on_start() override;
  void on_message(actor::MessagePtr message) override;
  void on_exit() override;
  [[nodiscard]] bool announces_exit() const override { return !light_; }
  // A task with a hook ended; ok is false when it raised an error or was ended.
  virtual void on_watched_task_end(Task& task, bool ok);
  // The function that the script gave to skynet.start raised; the service is about to exit.
  virtual void on_init_failed() {}

  // The start function could not run, for want of memory: the service ends.
  virtual void on_start_failed();
  // Memory was refused to the VM that this service owns: collects garbage and reports who holds
  // what. After a handler.
  virtual void relieve();

  // The code for a VM of its own.
  [[nodiscard]] virtual std::shared_ptr<Code> code_to_run() const;

  // Makes a service that loads `arguments` in a VM of its own when it starts.
  LuaService(Runtime& runtime, std::string arguments);

 private:
  friend class Scheduler;
  // What work outside a message interrupts, if it does.
  struct Outer {
    actor::Activity activity;
    actor::InterruptTarget target;
    LuaService* service = nullptr;
  };
  bool load();
  class Postponed;
  Outer begin(ServiceId source);
  void end(const Outer& outer);
  void after_handler();

  Runtime& runtime_;
  std::shared_ptr<Vm> vm_;
  std::string arguments_;  // of a service with a VM of its own
  bool light_;
  std::int32_t last_session_ = 0;
  static constexpr std::size_t kForgottenMax = 1024;
  static constexpr std::size_t kPostponedMax = 4096;
  Task* tasks_ = nullptr;
  std::unique_ptr<std::vector<OwedReply>> forgotten_;
  std::unique_ptr<std::unordered_map<std::uint32_t, OwedReply>> owed_;
  std::uint32_t last_ticket_ = 0;
  std::uint64_t allocated_bytes_ = 0;
  std::unique_ptr<Postponed> postponed_;
  std::unique_ptr<MessageLog> message_log_;
};

}  // namespace gatehouse::script
