// "skynet.netpack" (docs/skynet-rules.md 1.8): what happens to a service's sockets, as skynet's
// gateservers want to hear it, and their bytes cut into frames of a 2-byte big-endian length. The
// bytes of an unfinished frame stay in the socket; a frame is one message block, so that sending it
// on copies nothing.
#include <cstring>
#include <deque>
#include <new>

#include "modules/modules.hpp"
#include "script/bind_util.hpp"
#include "sockets/socket_table.hpp"

namespace gatehouse::modules {
namespace {

constexpr const char* kQueueType = "skynet.netpack queue";
constexpr std::size_t kFrameBytesMax = 0xffff;
constexpr std::size_t kHeadBytes = 2;

struct Frame {
  std::uint32_t id = 0;
  actor::MessagePtr body;
};
// In a full userdata, which owns it.
using FrameQueue = std::deque<Frame>;

// The queue at `index`, or nullptr for nil.
FrameQueue* check_queue(lua_State* L, int index) {
  if (lua_isnoneornil(L, index)) return nullptr;
  return static_cast<FrameQueue*>(luaL_checkudata(L, index, kQueueType));
}

// Pushes the queue at index 1, or a new one.
FrameQueue& push_queue(lua_State* L) {
  if (FrameQueue* queue = check_queue(L, 1)) {
    lua_pushvalue(L, 1);
    return *queue;
  }
  auto* queue = new (lua_newuserdatauv(L, sizeof(FrameQueue), 0)) FrameQueue();
  luaL_setmetatable(L, kQueueType);
  return *queue;
}

// Moves all whole frames of a socket to the queue.
void take_frames(sockets::LuaSocket& socket, FrameQueue& queue) {
  while (true) {
    const sockets::LuaSocket::Chunk chunk = socket.find(sockets::LuaSocket::Want::kFrame, 0, {});
    if (!chunk.found) break;
    queue.push_back({socket.id(), actor::make_message(chunk.bytes)});
    socket.consume(chunk.consumed);
  }
  socket.want_frames();
}

// Pushes the first frame as id, pointer, size; it belongs to whoever gets it.
int push_frame(lua_State* L, FrameQueue& queue) {
  luaL_checkstack(L, 3, nullptr);
  Frame& frame = queue.front();
  lua_pushinteger(L, frame.id);
  lua_pushlightuserdata(L, frame.body->data());
  lua_pushinteger(L, frame.body->size);
  static_cast<void>(frame.body.release());
  queue.pop_front();
  return 3;
}

// -> queue, "data", id, pointer, size: one frame; or "more": pop them; or nothing more
int filter_data(lua_State* L, sockets::SocketTable& table, std::uint32_t id) {
  FrameQueue& queue = push_queue(L);
  sockets::LuaSocket* socket = table.find(id, script::current_service(L).id());
  if (socket == nullptr) return 1;
  const bool waiting = !queue.empty();
  take_frames(*socket, queue);
  if (queue.empty()) return 1;
  if (waiting || queue.size() > 1) {
    lua_pushliteral(L, "more");
    return 2;
  }
  lua_pushliteral(L, "data");
  return 2 + push_frame(L, queue);
}

// A connection has come from another worker: start() works now, or another move is awaited.
int filter_ready(lua_State* L, sockets::SocketTable& table, std::uint32_t id) {
  const ServiceId self = script::current_service(L).id();
  bool failed = false;
  {
    const auto started = table.start(id, self);
    failed = !started;
    if (failed) {
      lua_pushliteral(L, "error");
      lua_pushinteger(L, id);
      script::push_owned(L, started.error().message);
    }
  }
  if (failed) return 4;
  if (sockets::LuaSocket* socket = table.find(id, self)) socket->want_frames();
  return 1;
}

// filter(queue, message, size) -> queue, kind, ...: "data", id, pointer, size; "more";
// "open", id, peer; "close", id; "error", id, text; "warning", id, KiB; "init", id, ip, port
int l_filter(lua_State* L) {
  const std::string_view payload = script::view_payload(L, 2);
  sockets::SocketEvent event;
  luaL_argcheck(L, payload.size() >= sizeof event, 2, "not a socket event");
  std::memcpy(&event, payload.data(), sizeof event);
  sockets::SocketTable& table = script::Vm::of(L).runtime().sockets;
  const ServiceId self = script::current_service(L).id();
  if (event.type == sockets::SocketEventType::kData) return filter_data(L, table, event.id);
  lua_settop(L, 3);
  if (check_queue(L, 1) == nullptr) {
    lua_pushnil(L);
  } else {
    lua_pushvalue(L, 1);
  }
  switch (event.type) {
    case sockets::SocketEventType::kOpen:
      if (sockets::LuaSocket* socket = table.find(event.id, self)) socket->want_frames();
      lua_pushliteral(L, "init");
      lua_pushinteger(L, event.id);
      script::push_view(L, payload.substr(sizeof event));
      lua_pushinteger(L, event.value);
      return 5;
    case sockets::SocketEventType::kClose:
      table.release(event.id, self);
      lua_pushliteral(L, "close");
      lua_pushinteger(L, event.id);
      return 3;
    case sockets::SocketEventType::kAccept:
      lua_pushliteral(L, "open");
      lua_pushinteger(L, event.value);
      script::push_view(L, payload.substr(sizeof event));
      return 4;
    case sockets::SocketEventType::kError:
      lua_pushliteral(L, "error");
      lua_pushinteger(L, event.id);
      script::push_view(L, payload.substr(sizeof event));
      return 4;
    case sockets::SocketEventType::kWarning:
      lua_pushliteral(L, "warning");
      lua_pushinteger(L, event.id);
      lua_pushinteger(L, event.value);
      return 4;
    case sockets::SocketEventType::kReady:
      return filter_ready(L, table, event.id);
    default:
      return 1;
  }
}

// pop(queue) -> id, pointer, size, or nothing
int l_pop(lua_State* L) {
  FrameQueue* queue = check_queue(L, 1);
  return queue == nullptr || queue->empty() ? 0 : push_frame(L, *queue);
}

// pack(string | pointer, size) -> pointer, size of the frame; what a pointer names stays as is
int l_netpack_pack(lua_State* L) {
  const std::string_view body = script::view_payload(L, 1);
  if (body.size() > kFrameBytesMax) {
    return luaL_error(L, "Invalid size (too long) of data : %d", static_cast<int>(body.size()));
  }
  actor::Message* frame = actor::make_message(kHeadBytes + body.size()).release();
  frame->data()[0] = static_cast<char>(body.size() >> 8);
  frame->data()[1] = static_cast<char>(body.size() & 0xff);
  if (!body.empty()) std::memcpy(frame->data() + kHeadBytes, body.data(), body.size());
  lua_pushlightuserdata(L, frame->data());
  lua_pushinteger(L, frame->size);
  return 2;
}

// tostring(pointer, size): copies, and frees the block; "" for nil
int l_netpack_tostring(lua_State* L) {
  if (lua_type(L, 1) != LUA_TLIGHTUSERDATA) {
    script::push_view(L, script::view_payload(L, 1));
    return 1;
  }
  script::push_view(L, script::view_payload(L, 1));
  actor::MessagePtr(actor::message_of_payload(lua_touserdata(L, 1))).reset();
  return 1;
}

// clear(queue): frees the frames that wait
int l_clear(lua_State* L) {
  if (FrameQueue* queue = check_queue(L, 1)) queue->clear();
  return 0;
}

int l_collect(lua_State* L) {
  static_cast<FrameQueue*>(luaL_checkudata(L, 1, kQueueType))->~FrameQueue();
  return 0;
}

const luaL_Reg kNetpackFunctions[] = {
    {"filter", script::bind<l_filter>},     {"pop", script::bind<l_pop>},
    {"pack", script::bind<l_netpack_pack>}, {"tostring", script::bind<l_netpack_tostring>},
    {"clear", script::bind<l_clear>},       {nullptr, nullptr},
};

}  // namespace

int open_netpack(lua_State* L) {
  luaL_newmetatable(L, kQueueType);
  lua_pushcfunction(L, script::bind<l_collect>);
  lua_setfield(L, -2, "__gc");
  luaL_newlib(L, kNetpackFunctions);
  return 1;
}

}  // namespace gatehouse::modules
