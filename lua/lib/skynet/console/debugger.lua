-- The console's `debug ADDRESS` (docs/skynet-rules.md 2.16): a prompt whose lines go to
-- skynet.remotedebug in that service. `c` and the end of the connection let it run on.
local skynet <const> = require "skynet"
local core <const> = require "skynet.core"
local socket <const> = require "skynet.socket"

local STEPS <const> = { s = true, n = true, c = true }

---@async
local function ask(id, prompt, address, ...)
	local ok <const>, text <const> = pcall(skynet.call, address, "debug", "REMOTEDEBUG", ...)
	if not socket.invalid(id) then
		local said <const> = ok and text or "the service does not answer"
		socket.write(id, core.printable(said) .. "\n" .. prompt)
	end
end

--- Serves the prompt until `c` or the end of the connection.
---@async
---@param id integer the connection
---@param target string an address in hexadecimal digits, or a name
---@param on_prompt fun() before it waits for a line
return function(id, target, on_prompt)
	local address <const> = skynet.localname(target) or tonumber(target:match "^:?(%x+)$", 16)
	if address == nil then
		socket.write(id, "Not a valid address\n<CMD Error>\n")
		return
	end
	local prompt <const> = skynet.address(address) .. ">"
	socket.write(id, prompt)
	repeat
		on_prompt()
		local line <const> = socket.readline(id)
		local text <const> = line and line:gsub("\r$", "") or "c"
		local kind <const>, condition <const> = text:match "^%s*watch%s*(%S*)%s*(.*)$"
		if kind then
			local name <const> = kind:gsub('"', "")
			local holds <const> = condition ~= "" and condition or nil
			skynet.fork(ask, id, prompt, address, "watch", name ~= "" and name or nil, holds)
		elseif STEPS[text] and text ~= "c" then
			skynet.fork(ask, id, prompt, address, text)
		elseif text ~= "c" and text:find "%S" then
			skynet.fork(ask, id, prompt, address, "eval", text)
		end
	until text == "c"
	pcall(skynet.call, address, "debug", "REMOTEDEBUG", "c")
	if not socket.invalid(id) then
		socket.write(id, "<CMD OK>\n")
	end
end
