-- A service with a VM of its own, for the sweep over failing allocations
-- (tests/regress/full_vm_test.cpp).
local skynet <const> = require "skynet"
local socket <const> = require "skynet.socket"

local function echo(text)
	local id <const> = assert(socket.open("127.0.0.1", tonumber(skynet.getenv("full_vm_port"))))
	socket.write(id, text .. "\n")
	local line <const> = socket.readline(id)
	socket.close(id)
	return line
end

skynet.start(function()
	skynet.dispatch("lua", function(session, _, text)
		if session == 0 then
			skynet.exit()
		end
		skynet.fork(skynet.sleep, 0)
		skynet.timeout(0, function()
			error(setmetatable({}, {
				__tostring = function()
					error("again")
				end,
			}))
		end)
		local _ <close> = setmetatable({}, {
			__close = function()
				skynet.sleep(0)
			end,
		})
		skynet.sleep(0)
		setmetatable({}, {
			__gc = function()
				return { text }
			end,
		})
		skynet.retpack(echo(text))
	end)
end)
