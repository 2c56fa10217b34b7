-- Names to addresses (docs/skynet-rules.md 1.8). Without server(ip) the system's resolver looks
-- names up, off the worker's thread; with it that server is asked over UDP, after the hosts file,
-- and answers are kept for their time to live. Truncated answers are taken as they are.
local skynet <const> = require "skynet"
local crypt <const> = require "skynet.crypt"
local message <const> = require "skynet.dns.message"
local socket <const> = require "skynet.socket"

local SYSTEM_RESOLV_CONF <const> = "/etc/resolv.conf"
local PORT <const> = 53
local FIRST_WAIT <const> = 100 -- centiseconds until the question is asked again; then doubled
local CACHED_MAX <const> = 4096

local M <const> = {}

M.DEFAULT_HOSTS = "/etc/hosts"
M.DEFAULT_RESOLV_CONF = SYSTEM_RESOLV_CONF
--- Centiseconds that resolve takes at most when a server is asked.
M.TIMEOUT = 3000

local name_server ---@type { ip: string, port: integer }|nil nil: the system's resolver
local hosts ---@type { path: string, [integer]: table<string, string[]> }|nil
local cache = {} -- kind .. name -> { until=, addresses... }
local cached = 0

local function is_v6(address)
	return address:find(":", 1, true) ~= nil
end

---------------------------------------------------------------- files

local function lines_of(path)
	local file <close>, why <const> = io.open(path)
	if file == nil then
		return nil, why
	end
	local lines <const> = {}
	for line in file:lines() do
		lines[#lines + 1] = line:gsub("#.*", "")
	end
	return lines
end

-- The addresses that the hosts file has for a name, or nil.
local function find_host(name, kind)
	if hosts == nil or hosts.path ~= M.DEFAULT_HOSTS then
		hosts = { path = M.DEFAULT_HOSTS, [message.A] = {}, [message.AAAA] = {} }
		for _, line in ipairs(lines_of(hosts.path) or {}) do
			local address <const>, names <const> = line:match "^%s*(%S+)%s+(.*)"
			for host in (names or ""):gmatch "%S+" do
				local of_kind <const> = hosts[is_v6(address) and message.AAAA or message.A]
				local list <const> = of_kind[host:lower()] or {}
				of_kind[host:lower()] = list
				list[#list + 1] = address
			end
		end
	end
	return hosts[kind][name:lower()]
end

---------------------------------------------------------------- asking

local function remember(key, answer)
	if cached >= CACHED_MAX then
		M.flush()
	end
	if cache[key] == nil then
		cached = cached + 1
	end
	cache[key] = { ends = skynet.now() + answer.ttl * 100, addresses = answer.addresses }
end

local function recall(key)
	local entry <const> = cache[key]
	if entry and entry.ends > skynet.now() then
		return entry.addresses
	end
end

-- Asks the server until it answers; nil after M.TIMEOUT. A socket and a number of its own for
-- each question make answers hard to forge.
---@async
local function ask(name, kind)
	local server_ip <const> = socket.resolve(name_server.ip)[1]
	local server_port <const> = name_server.port
	local id <const> = string.unpack(">I2", crypt.randomkey())
	local question <const> = message.question(id, name, kind)
	local token <const> = {}
	local answer
	local fd <const> = socket.udp_dial(server_ip, server_port, function(data, from)
		local ip <const>, port <const> = socket.udp_address(from)
		if answer == nil and ip == server_ip and port == server_port then
			answer = message.answer(data, id, name, kind)
			if answer then
				skynet.wakeup(token)
			end
		end
	end)
	local _ <close> = setmetatable({}, {
		__close = function()
			socket.close(fd)
		end,
	})
	local deadline <const> = skynet.now() + M.TIMEOUT
	local wait = FIRST_WAIT
	repeat
		socket.write(fd, question)
		skynet.sleep(math.min(wait, deadline - skynet.now()), token)
		wait = wait * 2
	until answer or skynet.now() >= deadline
	return answer
end

---@async
local function ask_server(name, kind)
	local key <const> = kind .. name:lower()
	local addresses = find_host(name, kind) or recall(key)
	if addresses then
		return addresses
	end
	local answer <const> = ask(name, kind)
	if answer == nil or answer.code ~= 0 or #answer.addresses == 0 then
		local why <const> = answer and ", code " .. answer.code or ""
		error(string.format("%s: timeout or no answer%s", name, why))
	end
	if answer.ttl > 0 then
		remember(key, answer)
	end
	return answer.addresses
end

---@async
local function ask_system(name, kind)
	local addresses <const> = M.DEFAULT_HOSTS ~= "/etc/hosts" and find_host(name, kind)
	if addresses then
		return addresses
	end
	local list <const> = {}
	for _, address in ipairs(socket.resolve(name)) do
		if is_v6(address) == (kind == message.AAAA) then
			list[#list + 1] = address
		end
	end
	if #list == 0 then
		error(name .. ": timeout or no answer")
	end
	return list
end

---------------------------------------------------------------- interface

--- Has resolve ask this server. Without one: the first of M.DEFAULT_RESOLV_CONF when that is not
--- the system's file, otherwise the system's resolver.
---@param ip? string
---@param port? integer 53
function M.server(ip, port)
	if ip == nil and M.DEFAULT_RESOLV_CONF ~= SYSTEM_RESOLV_CONF then
		for _, line in ipairs(assert(lines_of(M.DEFAULT_RESOLV_CONF))) do
			ip = ip or line:match "^%s*nameserver%s+(%S+)"
		end
		assert(ip, "Can't get name server")
	end
	name_server = ip and { ip = ip, port = port or PORT } or nil
end

--- The addresses of a host. A numeric address is its own answer; raises "timeout or no answer".
---@async
---@param name string
---@param ipv6? boolean AAAA instead of A
---@return string|nil address, string[]|string? addresses nil, "illegal name"
function M.resolve(name, ipv6)
	if is_v6(name) or name:find "^%d+%.%d+%.%d+%.%d+$" then
		return name
	elseif not message.is_host_name(name) then
		return nil, "illegal name"
	end
	local kind <const> = ipv6 and message.AAAA or message.A
	local addresses <const> = (name_server and ask_server or ask_system)(name, kind)
	return addresses[1], table.move(addresses, 1, #addresses, 1, {})
end

--- Forgets all answers and the hosts file.
function M.flush()
	cache = {}
	cached = 0
	hosts = nil
end

return M
