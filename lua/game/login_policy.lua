-- The login policy: what a studio changes of the login without touching C++. Both functions are
-- optional; without them the server checks the password in its account store and places the
-- player on a gate that serves `server`.
--
-- Each runs in a coroutine of its own and may use the whole skynet API.
local M <const> = {}

-- Who is this? token: user, server, password, totp, ticket, address, suite. Returns server,
-- uid; an error answers 401.
--
-- function M.auth_handler(token)
-- 	assert(token.password == "password")
-- 	return token.server, token.user
-- end

-- Gives the player a session at a gate. Returns the subid; an error answers 403. `login` below
-- is what happens without it: kick, claim, load, launch the agent.
--
-- local login <const> = require "gatehouse.login"
-- function M.login_handler(server, uid, secret)
-- 	return login.place(server, uid, secret)
-- end

return M
