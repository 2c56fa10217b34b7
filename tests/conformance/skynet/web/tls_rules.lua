-- What the scripts about TLS share: certificates, contexts, and a server on them.
local rules <const> = require "net_rules"
local skynet <const> = require "skynet"
local socket <const> = require "skynet.socket"
local tlshelper <const> = require "http.tlshelper"

local M <const> = setmetatable({}, { __index = rules })

local FOLDER <const> = skynet.getenv "certificates"

function M.pem(name)
	return FOLDER .. "/" .. name .. ".pem"
end

function M.key(name)
	return FOLDER .. "/" .. name .. ".key"
end

--- A server's context with the certificate of that name.
function M.showing(name)
	local ctx <const> = tlshelper.newctx()
	ctx:set_cert(M.pem(name), M.key(name))
	return ctx
end

--- Serves TLS with the certificate of that name: serve(fd, tls) for each connection whose
--- handshake went well.
--- The last handshake that failed left its error in last_refusal.
---@return integer port, table seen as rules.serve
function M.serve_tls(name, serve)
	local ctx <const> = M.showing(name)
	local port <const>, _, seen <const> = rules.serve(function(fd)
		local tls <const> = tlshelper.newtls("server", ctx)
		local ok <const>, message <const> = pcall(tlshelper.init_responsefunc(fd, tls))
		if ok then
			serve(fd, tls)
		else
			M.last_refusal = message
		end
		socket.close(fd)
		tlshelper.closefunc(tls)()
	end)
	return port, seen
end

--- A client's session on a new connection after its handshake, trusting `ca`.
---@return integer fd, gatehouse.tls.session
function M.connect_tls(port)
	local fd <const> = assert(socket.open(rules.HOST, port))
	local ctx <const> = tlshelper.context_for { ca_file = M.pem "ca" }
	local tls <const> = tlshelper.newtls("client", ctx, rules.HOST)
	tlshelper.init_requestfunc(fd, tls)()
	return fd, tls
end

return M
