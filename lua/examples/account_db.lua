-- A snax service around the table account (sql/README.md), for game code that wants to know more
-- of a player than its own data. It reads, and writes only what sql/README.md lets you edit.
--
--   local accounts = snax.uniqueservice("account_db", { host = "127.0.0.1", user = "game",
--       password = "...", database = "gatehouse" })
--   local account = accounts.req.find "cocos1"
--
-- The configuration's `snax` names the folder: snax = "./lua/examples/?.lua".
local mysql <const> = require "skynet.db.mysql"
local skynet <const> = require "skynet"

-- luacheck: globals accept response init exit

local BAN <const> = "UPDATE account SET status = 'banned', ban_reason = ?, banned_until = "
local SQL <const> = {
	-- name_key is the name byte by byte; = on name would also find "cocos1 ".
	find = "SELECT id, name, status, banned_until, ban_reason, created_at, last_login_at, "
		.. "session_server, staff FROM account WHERE name_key = ?",
	online = "SELECT name FROM account WHERE session_server = ? AND session_gate <> '' "
		.. "ORDER BY name_key LIMIT ?",
	count = "SELECT status, COUNT(*) AS n FROM account GROUP BY status",
	ban = BAN .. "UTC_TIMESTAMP() + INTERVAL ? SECOND WHERE name_key = ? AND status <> 'closed'",
	ban_for_ever = BAN .. "NULL WHERE name_key = ? AND status <> 'closed'",
	unban = "UPDATE account SET status = 'active', banned_until = NULL, ban_reason = '' "
		.. "WHERE name_key = ? AND status = 'banned'",
}

local db
local statements <const> = {}

-- Runs one of the statements. They outlive the connection: db prepares them again by itself.
---@async
local function run(name, ...)
	local statement = statements[name]
	if not statement then
		statement = db:prepare(SQL[name])
		if statement.badresult then
			error(statement.err)
		end
		statements[name] = statement
	end
	local result <const> = db:execute(statement, ...)
	if result.badresult then
		error(result.err)
	end
	return result
end

--- Raises when the database is away: the service does not start then.
---@param options MysqlOptions
function init(options)
	options.charset = "utf8mb4"
	options.on_connect = function(new)
		new:query "SET time_zone = '+00:00'"
	end
	db = mysql.connect(options)
	skynet.error(string.format("account_db on %s, MySQL %s", options.host, db:server_ver()))
end

function exit()
	db:disconnect()
end

--- The account of that name, or nil. Dates are UTC.
function response.find(name)
	return run("find", name)[1]
end

--- Names of the players who are on a game server now, `limit` at most.
function response.online(server, limit)
	local names <const> = {}
	for i, row in ipairs(run("online", server, limit or 100)) do
		names[i] = row.name
	end
	return names
end

--- How many accounts there are: { active = , banned = , closed = }.
function response.count()
	local counts <const> = { active = 0, banned = 0, closed = 0 }
	for _, row in ipairs(run "count") do
		counts[row.status] = row.n
	end
	return counts
end

--- Bans for so many seconds, or for ever; a session that is open ends within seconds. False: no
--- such account, or it is closed.
function response.ban(name, reason, seconds)
	local result <const> = seconds and run("ban", reason, seconds, name)
		or run("ban_for_ever", reason, name)
	return result.affected_rows > 0
end

function response.unban(name)
	return run("unban", name).affected_rows > 0
end
