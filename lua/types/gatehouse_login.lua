---@meta gatehouse.login

-- What a login policy (lua/game/login_policy.lua, or the file that login.policy names) may call.

---@class gatehouse.login
local login = {}

---@class gatehouse.Token what auth_handler gets
---@field user string normalised, 1 to 64 characters
---@field server string
---@field password string
---@field totp string code of a second factor, "" when the client sent none
---@field ticket string "" when the client sent a password
---@field address string the client's IP address
---@field suite "skynet"|"plain"|"x25519"

---@class gatehouse.LoginPolicy what the policy file returns
---@field auth_handler? async fun(token: gatehouse.Token): string, string server, uid; an error: 401
---@field login_handler? async fun(server: string, uid: string, secret: string): string the subid;
--- an error: 403

--- Hands the handlers over. Called by lua/service/login_policy.lua.
---@param auth_handler? function
---@param login_handler? function
function login.serve(auth_handler, login_handler) end

--- What happens without a login_handler: the older session is kicked, the session claimed, the
--- player loaded and the agent started. The account is made, without a password, when there is
--- none. Raises when no gate serves the server, the account is banned, the server is closed or in
--- maintenance (which lets staff in), the store is away, or the uid is no name (of a new account:
--- none that auth.names allows). The uid is normalised.
---@async
---@param server string
---@param uid string
---@param secret string 8 or 32 bytes
---@return string subid
function login.place(server, uid, secret) end

--- Ends a player's session.
---@param uid string
---@param reason? string
---@return boolean # false: not online
function login.kick(uid, reason) end

return login
