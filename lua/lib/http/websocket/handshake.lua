-- The opening handshake of WebSocket (RFC 6455 section 4), for http.websocket.
local crypt <const> = require "skynet.crypt"
local httpd <const> = require "http.httpd"
local internal <const> = require "http.internal"

local M <const> = {}

local GUID <const> = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" -- section 1.3
local HEAD_BYTES_MAX <const> = 65536 -- of a response

--- Sec-WebSocket-Accept of a key.
---@param key string
---@return string
function M.accept_key(key)
	return crypt.base64encode(crypt.sha1(key .. GUID))
end

-- The words of a header field, which are divided by commas.
local function words(value)
	local list <const> = {}
	local text <const> = type(value) == "table" and table.concat(value, ",") or value or ""
	for word in text:gmatch "[^,]+" do
		word = word:match "^[ \t]*(.-)[ \t]*$"
		list[#list + 1] = word ~= "" and word or nil
	end
	return list
end

local function has_word(value, wanted)
	for _, word in ipairs(words(value)) do
		if word:lower() == wanted then
			return true
		end
	end
	return false
end

-- The sub-protocol to answer with: the first one offered that `supported` has; without such a
-- list the first one, because browsers give up when none of theirs is taken.
local function choose_protocol(header, supported)
	local offered <const> = words(header["sec-websocket-protocol"])
	if supported == nil then
		return offered[1]
	end
	for _, name in ipairs(offered) do
		for _, own in ipairs(supported) do
			if name == own then
				return name
			end
		end
	end
end

-- nil when the request asks for a websocket; otherwise the status and why.
local function refuse(method, header)
	local key <const> = header["sec-websocket-key"]
	local fine <const>, nonce <const> = pcall(crypt.base64decode, key)
	if method ~= "GET" then
		return 405, "a websocket begins with GET"
	elseif not has_word(header.upgrade, "websocket") then
		return 426, "this is a websocket"
	elseif not has_word(header.connection, "upgrade") then
		return 400, "connection: upgrade is missing"
	elseif not header.host then
		return 400, "host is missing"
	elseif header["sec-websocket-version"] ~= "13" then
		return 426, "version 13 is spoken here"
	elseif not fine or #nonce ~= 16 or #key ~= 24 then
		return 400, "sec-websocket-key is not a key"
	end
end

--- Reads the request of a client.
---@async
---@param readbytes async fun(n?: integer): string
---@return table|nil request { method=, url=, header=, rest= }
---@return integer? status of a request that is none
function M.read_request(readbytes)
	local lines <const> = {}
	local rest <const> = internal.recvheader(readbytes, lines)
	if rest == nil then
		return nil, 413
	end
	local method <const>, url <const>, version <const> = lines[1]:match "^(%u+) (%S+) HTTP/(%d%.%d)$"
	local header <const> = method and internal.parseheader(lines, 2, {})
	if not header then
		return nil, 400
	elseif version ~= "1.1" then
		return nil, 505
	end
	return { method = method, url = url, header = header, rest = rest }
end

--- Answers a refused request.
---@async
function M.write_refusal(write, status, text)
	httpd.write_response(write, status, text, {
		connection = "close",
		upgrade = status == 426 and "websocket" or nil,
		["sec-websocket-version"] = status == 426 and "13" or nil,
	})
end

--- Answers the request of a client.
---@async
---@param write async fun(data: string)
---@param request table method, header
---@param protocols? string[] sub-protocols; nil: whichever comes first
---@return boolean ok, string? why
function M.answer(write, request, protocols)
	local status <const>, text <const> = refuse(request.method, request.header)
	if status then
		M.write_refusal(write, status, text)
		return false, text
	end
	write("HTTP/1.1 101 Switching Protocols\r\n" .. internal.format_header {
		upgrade = "websocket",
		connection = "Upgrade",
		["sec-websocket-accept"] = M.accept_key(request.header["sec-websocket-key"]),
		["sec-websocket-protocol"] = choose_protocol(request.header, protocols),
	} .. "\r\n")
	return true
end

--- The client's part: sends the request and checks the answer; raises.
---@async
---@param readbytes async fun(n?: integer): string
---@param write async fun(data: string)
---@param authority string host[:port]
---@param url string
---@param header? table<string, any> more fields
---@return string rest bytes behind the answer
---@return table<string, string|string[]> header
function M.open(readbytes, write, authority, url, header)
	local key <const> = crypt.base64encode(crypt.randomkey() .. crypt.randomkey())
	write(string.format("GET %s HTTP/1.1\r\n", url) .. internal.format_header {
		host = not internal.field(header, "host") and authority or nil,
		upgrade = "websocket",
		connection = "Upgrade",
		["sec-websocket-version"] = "13",
		["sec-websocket-key"] = key,
	} .. internal.format_header(header) .. "\r\n")
	local lines <const> = {}
	local rest <const> = internal.recvheader(readbytes, lines, nil, HEAD_BYTES_MAX)
	local status <const> = rest and lines[1]:match "^HTTP/1%.1 (%d%d%d)"
	local answer <const> = status and internal.parseheader(lines, 2, {})
	local protocol <const> = answer and answer["sec-websocket-protocol"]
	if not answer then
		error("websocket: not an HTTP response", 0)
	elseif status ~= "101" then
		error("websocket: the server answers " .. status, 0)
	elseif
		not has_word(answer.upgrade, "websocket")
		or not has_word(answer.connection, "upgrade")
		or answer["sec-websocket-accept"] ~= M.accept_key(key)
		or answer["sec-websocket-extensions"]
		or protocol and not has_word(internal.field(header, "sec-websocket-protocol"), protocol:lower())
	then
		error("websocket: the server accepts something else", 0)
	end
	return rest, answer
end

return M
