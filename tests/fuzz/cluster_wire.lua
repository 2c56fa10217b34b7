-- An input is frames, each of a 2-byte length and a body, as requests and as answers: a message
-- that comes out is whole and no larger than it told, unfinished ones stay in their bounds, and
-- what is packed anew is parsed as the same.
local wire <const> = require "skynet.cluster.wire"

local function frames(input)
	local at = 1
	return function()
		if at + 1 > #input then
			return nil
		end
		local size <const> = math.min(string.unpack(">I2", input, at), #input - at - 1)
		local body <const> = input:sub(at + 2, at + 1 + size)
		at = at + 2 + size
		return body
	end
end

-- Feeds frames to an assembler until one is refused.
local function run(input, parse)
	local assembler <const> = wire.assembler()
	local whole <const> = {}
	for body in frames(input) do
		local frame <const>, why <const> = parse(body)
		if frame == nil then
			assert(type(why) == "string")
			break
		end
		assert(frame.data == nil or #frame.data <= #body)
		local size <const> = frame.size
		local message <const>, refused <const> = assembler:take(frame)
		if message == nil then
			assert(type(refused) == "string")
			break
		elseif message then
			assert(message.kind == "whole" or message.kind == "error" or message.kind == "trace")
			assert(message.size == nil or #message.data == message.size)
			whole[#whole + 1] = message
		else
			assert(size == nil or size <= wire.MESSAGE_BYTES_MAX)
		end
		assert(assembler.count <= wire.UNFINISHED_MAX and assembler.cost <= #input + 64 * 4096)
	end
	return whole
end

-- What the frames of one message are parsed as.
local function once(packed, parse)
	local whole <const> = run(table.concat(packed), parse)
	assert(#whole == 1)
	return whole[1]
end

return function(input)
	for _, message in ipairs(run(input, wire.parse_request)) do
		if message.kind == "whole" then
			local address <const> = message.address
			local session <const> = message.session
			local again <const> =
				once(wire.request(address, session, message.data, message.push), wire.parse_request)
			assert(again.address == address and again.data == message.data)
			assert(not again.push == not message.push)
			assert(again.session == session or message.push)
		end
	end
	for _, message in ipairs(run(input, wire.parse_answer)) do
		local ok <const> = message.kind == "whole"
		local again <const> =
			once(wire.answer(message.session, ok, message.data), wire.parse_answer)
		assert(again.session == message.session)
		assert(again.data == message.data:sub(1, ok and -1 or wire.PART_BYTES))
	end
end
