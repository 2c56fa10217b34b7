#include "edge/pass.hpp"

#include "base/assert.hpp"
#include "edge/pass_node.hpp"

namespace gatehouse::edge {

PassRef::PassRef(PassNode* node) : node_(node) {
  ++node_->refs;
}

PassRef::~PassRef() {
  if (node_ == nullptr) return;
  {
    std::lock_guard lock(node_->guard.mutex_);
    if (--node_->refs != 0) return;
  }
  GATEHOUSE_ASSERT(node_->state != PassNode::State::kCounted);
  delete node_;
}

Pass& Pass::operator=(Pass&& other) noexcept {
  if (this != &other) {
    leave();
    node_ = PassRef();
    node_ = std::move(other.node_);
  }
  return *this;
}

void Pass::hold(std::uint16_t worker, PassHolder& holder) {
  PassNode* node = node_.get();
  PassRef told;
  {
    std::lock_guard lock(node->guard.mutex_);
    GATEHOUSE_ASSERT(node->holder == nullptr);
    node->worker = worker;
    node->holder = &holder;
    if (node->state == PassNode::State::kShed) told = PassRef(node);
  }
  if (told.get() != nullptr) node->guard.tell(std::move(told));
}

void Pass::let_go() {
  PassNode* node = node_.get();
  if (node == nullptr) return;
  std::lock_guard lock(node->guard.mutex_);
  node->holder = nullptr;
  node->worker = PassNode::kNoWorker;
}

void Pass::authenticated() {
  PassNode* node = node_.get();
  if (node == nullptr) return;
  std::lock_guard lock(node->guard.mutex_);
  if (node->state == PassNode::State::kCounted) node->guard.remove(*node);
  node->state = PassNode::State::kFree;
}

void Pass::leave() {
  PassNode* node = node_.get();
  if (node == nullptr) return;
  std::lock_guard lock(node->guard.mutex_);
  node->holder = nullptr;
  node->worker = PassNode::kNoWorker;
  if (node->state == PassNode::State::kCounted) node->guard.remove(*node);
  node->state = PassNode::State::kFree;
}

}  // namespace gatehouse::edge
