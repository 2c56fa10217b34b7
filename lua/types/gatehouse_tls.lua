---@meta gatehouse.tls

-- TLS 1.2 and 1.3 without sockets; also `require "ltls.c"`. Services use http.tlshelper.

---@class gatehouse.tls
local tls = {}

---@return gatehouse.tls.context
function tls.newctx() end

--- Raises when the context has no certificate for a server, and when a client that verifies has
--- no hostname.
---@param method "client"|"server"
---@param ctx gatehouse.tls.context
---@param hostname? string a name or an IP address
---@return gatehouse.tls.session
function tls.newtls(method, ctx, hostname) end

-- What sessions have in common. Everything raises what cannot be read or used.
---@class gatehouse.tls.context
local context = {}

--- The only certificate of a server. Sessions that run keep theirs.
---@param certfile string PEM: the certificate, and the intermediate ones behind it
---@param keyfile string PEM, not encrypted
function context:set_cert(certfile, keyfile) end

--- One more certificate, for clients that ask for its name.
---@param certfile string
---@param keyfile string
function context:add_cert(certfile, keyfile) end

--- OpenSSL's list; names that begin with TLS_ are suites of TLS 1.3.
---@param list string
function context:set_ciphers(list) end

--- Protocols (ALPN) by preference; none: they are not talked about.
---@param ... string
function context:set_alpn(...) end

--- Whether clients verify their server. They do.
---@param verify boolean
function context:set_verify(verify) end

--- Clients trust the certificates of this PEM file as well, or what the system trusts. A client
--- whose context trusts nobody trusts what the system trusts.
---@param file? string
function context:trust(file) end

---@class gatehouse.tls.session
local session = {}

--- Takes what the peer sent; a client begins with nothing. Goes on after the handshake: what the
--- peer says waits for read or take. Raises what the peer did wrong, and output has an alert then.
---@param received? string
---@return string|nil out what to send
function session:handshake(received) end

---@return boolean
function session:finished() end

--- handshake, and all that the peer said and nobody took.
---@param received? string
---@return string
function session:read(received) end

--- n bytes of what the peer said, or all there is; nil when there is less, or nothing.
---@param n? integer
---@return string|nil
function session:take(n) end

--- Raises before the handshake is over and after the session's end.
---@param data string
---@return string out what to send
function session:write(data) end

---@return string|nil out what is left to send
function session:output() end

--- Says that nothing more will be written.
---@return string|nil out what to send
function session:farewell() end

--- Whether the peer said that nothing more comes; when the transport has ended without that, why
--- this is an error.
---@param transport_ended? boolean
---@return boolean, string|nil why
function session:ended(transport_ended) end

--- Whether the peer made handshake, read or write raise.
---@return boolean
function session:failed() end

---@return { version: string, cipher?: string, alpn?: string, server_name?: string }
function session:info() end

--- Gives its memory back; all but close and failed raise afterwards.
function session:close() end

return tls
