// The place of one connection among those that have not logged in (edge/guard.hpp).
#pragma once

#include <cstdint>
#include <utility>

namespace gatehouse::edge {

class Guard;
struct PassNode;

// Who has a connection with a pass, on a worker's thread.
class PassHolder {
 public:
  // Its place is somebody else's now, which is counted and logged: the connection has to end. Once
  // at most, from the worker's loop.
  virtual void on_shed() = 0;

 protected:
  ~PassHolder() = default;
};

// A share in a node.
class PassRef {
 public:
  PassRef() = default;
  explicit PassRef(PassNode* node);  // under the guard's lock, or of a new node
  PassRef(PassRef&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  PassRef& operator=(PassRef&& other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~PassRef();

  [[nodiscard]] PassNode* get() const { return node_; }

 private:
  PassNode* node_ = nullptr;
};

// Destroyed on any thread; the place is free then. It goes with its connection from worker to
// worker.
class Pass {
 public:
  Pass() = default;
  Pass(Pass&&) noexcept = default;
  Pass& operator=(Pass&& other) noexcept;
  ~Pass() { leave(); }

  explicit operator bool() const { return node_.get() != nullptr; }

  // Who is told when the place is taken away, from now on. On the worker's thread. One that was
  // taken away before is told soon.
  void hold(std::uint16_t worker, PassHolder& holder);
  // Nobody is told any more: the holder ends, or another one follows. On its worker's thread.
  void let_go();
  // The client proved who it is: the place is free, and cannot be taken away any more. Any thread,
  // also while the holder's calls any of the others.
  void authenticated();

 private:
  friend class Guard;
  explicit Pass(PassRef node) : node_(std::move(node)) {}
  void leave();

  PassRef node_;
};

}  // namespace gatehouse::edge
