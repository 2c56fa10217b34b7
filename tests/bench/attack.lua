-- What attacks are measured with: "push BYTES" has the server push so many bytes, fifty times a
-- second, for as long as the player is there; all else comes back as it is.
local skynet <const> = require "skynet"

return {
	request = function(self, msg)
		local bytes <const> = tonumber(msg:match "^push (%d+)$")
		if not bytes then
			return msg
		end
		local text <const> = ("x"):rep(bytes)
		skynet.fork(function()
			while self:push(text) do
				skynet.sleep(2)
			end
		end)
		return "pushing"
	end,
}
