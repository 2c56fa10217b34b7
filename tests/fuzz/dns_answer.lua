-- An input is a packet, in which "!" as the first byte stands for the head of an answer to our
-- question: nothing is raised, and the addresses of an answer are addresses.
local message <const> = require "skynet.dns.message"

local ID <const> = 0x1234
local NAME <const> = "games.example.com"

return function(input)
	for _, kind in ipairs { message.A, message.AAAA } do
		local packet = input
		if packet:sub(1, 1) == "!" then
			local question <const> = message.question(ID, NAME, kind)
			local answers <const> = string.pack(">I2", packet:byte(2) or 0)
			packet = question:sub(1, 2) .. "\x81\x80" .. question:sub(5, 6) .. answers
				.. question:sub(9) .. packet:sub(3)
		end
		local answer <const> = message.answer(packet, ID, NAME, kind)
		if answer then
			assert(answer.code >= 0 and answer.code <= 15 and answer.ttl >= 0)
			for _, address in ipairs(answer.addresses) do
				assert(type(address) == "string" and #address > 0)
			end
		end
	end
	assert(not message.is_host_name(input) or #message.question(ID, input, 1) <= 271)
end
