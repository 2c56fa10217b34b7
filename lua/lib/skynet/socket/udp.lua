-- UDP of skynet.socket (docs/skynet-rules.md 1.3, 2.12). Every datagram is a message to the owner
-- of the socket, whose callback runs in a coroutine of its own. Datagrams get lost: in the network,
-- when 4 MiB of them wait for the owner, and when its mailbox is full (metric
-- gatehouse_udp_dropped).
--
-- What yields: udp, udp_listen, udp_dial and udp_connect when the host is a name.
local driver <const> = require "skynet.socketdriver"

local BYTES_MAX <const> = 65507

local M <const> = {}

-- Checks what socket.write sends as one datagram.
function M.check(data)
	if type(data) == "string" and #data > BYTES_MAX then
		local text <const> = "a datagram of %d bytes is too long (%d at most)"
		error(text:format(#data, BYTES_MAX), 3)
	end
end

--- Adds the functions to `socket`. `sockets` and `event` are its tables of states by id and of
--- handlers by kind of event.
function M.add_to(socket, sockets, event)
	event[6] = function(id, _, data, from) -- a datagram
		local s <const> = sockets[id]
		if s and s.callback then
			s.callback(data, from)
		end
	end

	-- The addresses of a host, and the port; "host:port" and "[ip]:port" have it themselves.
	---@async
	local function addresses(host, port)
		if port == nil then
			local inner <const>, number <const> = host:match "^%[(.*)%]:(%d+)$"
			local name <const>, name_port <const> = host:match "^([^:]+):(%d+)$"
			host, port = inner or name or host, tonumber(number or name_port)
		end
		if host:find "^[%d.]+$" or host:find(":", 1, true) then
			return { host }, port
		end
		return socket.resolve(host), port
	end

	---@async
	local function open(f, host, port, callback)
		local list
		if host then
			list, port = addresses(host, port)
		end
		local id <const>, message <const> = f(list and list[1], port)
		if id == nil then
			error("udp init failed: " .. message, 3)
		end
		sockets[id] = { id = id, connected = true, udp = true, callback = callback }
		return id
	end

	--- A socket on the port, or on any. Hosts may be "host:port" here and below.
	---@async
	---@param callback? fun(data: string, from: string)
	---@param host? string nil: all addresses of IPv4
	---@param port? integer nil or 0: any
	---@return integer id
	function socket.udp(callback, host, port)
		local id <const> = open(driver.udp, host, port, callback)
		return id
	end

	--- The same; the host decides between IPv4 and IPv6.
	---@async
	---@param host string
	---@param port integer
	---@param callback? fun(data: string, from: string)
	---@return integer id
	function socket.udp_listen(host, port, callback)
		local id <const> = open(driver.udp_listen, host, port, callback)
		return id
	end

	--- A socket on any port, whose write() sends to the host.
	---@async
	---@param host string
	---@param port integer
	---@param callback? fun(data: string, from: string)
	---@return integer id
	function socket.udp_dial(host, port, callback)
		local id <const> = open(driver.udp_dial, host, port, callback)
		return id
	end

	--- Has write() send to the host. Datagrams of others arrive all the same.
	---@async
	---@param id integer
	---@param host string
	---@param port integer
	---@param callback? fun(data: string, from: string) instead of the one before
	function socket.udp_connect(id, host, port, callback)
		local s <const> = sockets[id]
		assert(s and s.udp, "not a UDP socket of this service")
		local message
		local list <const>, number <const> = addresses(host, port)
		for _, ip in ipairs(list) do
			local connected <const>, why <const> = driver.udp_connect(id, ip, number)
			if connected then
				s.callback = callback or s.callback
				return
			end
			message = message or why
		end
		error("udp connect failed: " .. message, 2)
	end

	--- Sends one datagram to who `from` names; raises when it has more than 65507 bytes.
	---@param id integer
	---@param from string
	---@param data string
	---@return boolean sent false: there is no such socket, or the system refused
	function socket.sendto(id, from, data)
		return driver.udp_send(id, from, data)
	end

	--- Who sent a datagram.
	---@param from string
	---@return string ip, integer port
	function socket.udp_address(from)
		return driver.udp_address(from)
	end
end

return M
