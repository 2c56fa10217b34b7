---@meta skynet.netpack

-- The frames of a gateserver (docs/skynet-rules.md 1.8): 2 bytes of length, the higher first, then
-- the body. For a service that registers PTYPE_SOCKET itself, with `filter` as unpack function, and
-- starts its sockets by socketdriver.start. Nothing yields.

---@class skynet.netpack
local netpack = {}

---@class skynet.netpack.Queue: userdata frees the frames that were not popped

--- Takes a PTYPE_SOCKET message apart. Kinds: "data", id, pointer, size: one frame, which belongs
--- to the caller; "more": pop them; "open", id, peer of an accepted connection; "close", id;
--- "error", id, text; "warning", id, KiB of unsent output, 0: all has left; "init", id, ip, port
--- of a listener; nothing: bytes that are not a frame yet.
---@param queue? skynet.netpack.Queue the one that the call before returned
---@param message lightuserdata
---@param size integer
---@return skynet.netpack.Queue|nil queue, string? kind, ... any
function netpack.filter(queue, message, size) end

---@param queue? skynet.netpack.Queue
---@return integer|nil id, lightuserdata? message, integer? size
function netpack.pop(queue) end

--- A frame for socketdriver.send or socket.write, which free it. Raises over 65535 bytes.
---@param body string|lightuserdata not freed
---@param size? integer
---@return lightuserdata frame, integer size
function netpack.pack(body, size) end

--- The body of a frame, which is freed.
---@param message lightuserdata
---@param size integer
---@return string
function netpack.tostring(message, size) end

---@param queue? skynet.netpack.Queue
function netpack.clear(queue) end

return netpack
