---@meta skynet.stm

-- A value that one service writes and others read without a message (docs/skynet-rules.md 1.5).

---@class skynet.stm
local stm = {}

--- writer(message, size) replaces the content.
---@param message string|lightuserdata what skynet.pack gave is taken over
---@param size? integer
---@return fun(message: string|lightuserdata, size?: integer) writer
function stm.new(message, size) end

---@param writer function
---@return lightuserdata # for one newcopy, in any service
function stm.copy(writer) end

--- reader(f, value): true and f(pointer, size, value) when the content is new to it, else false.
---@param copy lightuserdata
---@return fun(f: function, value: any): boolean, ... reader
function stm.newcopy(copy) end

return stm
