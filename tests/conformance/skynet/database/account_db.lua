-- lua/examples/account_db.lua on the schema of sql/mysql, with the accounts cocos1 and test1, in
-- the database `mysql_database`.
local mysql <const> = require "skynet.db.mysql"
local net <const> = require "net_rules"
local skynet <const> = require "skynet"
local snax <const> = require "skynet.snax"
local equal <const>, rule <const>, raises <const> = net.equal, net.rule, net.raises

local OPTIONS <const> = {
	host = net.HOST,
	port = math.tointeger(tonumber(skynet.getenv "mysql_port")),
	user = "root",
	database = skynet.getenv "mysql_database",
}

net.run("account_db", function()
	local db <const> = mysql.connect(OPTIONS)
	local accounts <const> = snax.uniqueservice("account_db", OPTIONS)

	rule("1.9 find gives the account", function()
		local found <const> = accounts.req.find "cocos1"
		equal(found.name, "cocos1")
		equal(math.type(found.id), "integer")
		equal(found.status, "active")
		equal(found.staff, 0)
		equal(found.banned_until, nil)
		assert(found.created_at:find "^%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d$")
		equal(accounts.req.find "cocos1 ", nil)
		equal(accounts.req.find "' OR '1'='1", nil)
	end)

	rule("1.9 online lists a server's players", function()
		db:query "UPDATE account SET session_gate = 'g', session_server = 'sample'"
		equal(table.concat(accounts.req.online "sample", " "), "cocos1 test1")
		equal(table.concat(accounts.req.online("sample", 1), " "), "cocos1")
		equal(#accounts.req.online "other", 0)
	end)

	rule("1.9 ban and unban", function()
		equal(accounts.req.ban("test1", "a reason", 3600), true)
		local banned <const> = accounts.req.find "test1"
		equal(banned.status, "banned")
		equal(banned.ban_reason, "a reason")
		assert(banned.banned_until > banned.created_at)
		equal(accounts.req.ban("test1", "longer"), true)
		equal(accounts.req.find("test1").banned_until, nil)
		local counts <const> = accounts.req.count()
		equal(counts.active, 1)
		equal(counts.banned, 1)
		equal(accounts.req.unban "test1", true)
		equal(accounts.req.unban "test1", false)
		equal(accounts.req.ban("nobody", "x"), false)
	end)

	rule("1.9 what the database refuses fails the request", function()
		db:query "RENAME TABLE account TO elsewhere"
		raises("call failed", accounts.req.find, "cocos1")
		db:query "RENAME TABLE elsewhere TO account"
		equal(accounts.req.find("cocos1").name, "cocos1")
	end)

	snax.kill(accounts)
	db:disconnect()
end)
