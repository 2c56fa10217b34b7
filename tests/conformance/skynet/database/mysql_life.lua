-- skynet.db.mysql (docs/skynet-rules.md 1.10, 5.2): the life of connections. The server on the port
-- `mysql_port` is this script's own; the test starts it again whenever it has ended.
local coroutine_lib <const> = require "skynet.coroutine"
local mysql <const> = require "skynet.db.mysql"
local net <const> = require "net_rules"
local skynet <const> = require "skynet"
require "skynet.manager"
local equal <const>, rule <const>, raises <const> = net.equal, net.rule, net.raises

local PORT <const> = math.tointeger(tonumber(skynet.getenv "mysql_port"))

local function connect(changes)
	local options <const> = { host = net.HOST, port = PORT, user = "root" }
	for key, value in pairs(changes or {}) do
		options[key] = value
	end
	return mysql.connect(options)
end

local function id_of(db)
	return db:query("SELECT CONNECTION_ID() id")[1].id
end

local function is_gone(control, id)
	local sql <const> = "SELECT COUNT(*) n FROM information_schema.processlist WHERE id = " .. id
	return control:query(sql)[1].n == 0
end

-- Ends another's connection, and returns once the server has done it.
local function kill(control, id)
	control:query("KILL " .. id)
	net.wait_until(function()
		return is_gone(control, id)
	end)
end

local function sleeps(control, id)
	local sql <const> = "SELECT info FROM information_schema.processlist WHERE id = " .. id
	local row <const> = control:query(sql)[1]
	return row and row.info and row.info:find "SLEEP" ~= nil
end

local function wait_for_sleep(control, id)
	net.wait_until(function()
		return sleeps(control, id)
	end)
end

local function order_rules()
	rule("1.10 the coroutines of a service share a connection in order", function()
		local db <const> = connect()
		db:query "CREATE DATABASE IF NOT EXISTS life; USE life"
		db:query "CREATE TEMPORARY TABLE test_order (n INT PRIMARY KEY AUTO_INCREMENT, who INT)"
		local done = 0
		for i = 1, 20 do
			skynet.fork(function()
				local result <const> = db:query("INSERT INTO test_order (who) VALUES (" .. i .. ")")
				assert(result.insert_id == i)
				done = done + 1
				assert(done == i)
			end)
		end
		net.wait_until(function()
			return done == 20
		end)
		db:disconnect()
	end)

	rule("1.10 two connections work at once, and the service goes on", function()
		local slow <const>, fast <const> = connect(), connect()
		local id <const> = id_of(slow)
		local slept = false
		skynet.fork(function()
			slow:query "SELECT SLEEP(600)"
			slept = true
		end)
		wait_for_sleep(fast, id)
		local partner <const> = skynet.newservice "mysql_sleeper"
		equal(skynet.call(partner, "lua", "echo", 7), 7)
		equal(slept, false)
		fast:query("KILL QUERY " .. id)
		net.wait_until(function()
			return slept
		end)
		skynet.kill(partner)
		slow:disconnect()
		fast:disconnect()
	end)

	rule("1.10 queries work in a nested coroutine", function()
		local db <const> = connect()
		local co <const> = coroutine_lib.wrap(function()
			local n <const> = db:query("SELECT 3 n")[1].n
			coroutine_lib.yield(n)
			return db:execute(db:prepare "SELECT ? n", 4)[1].n
		end)
		equal(co(), 3)
		equal(co(), 4)
		db:disconnect()
	end)

	rule("1.10 too many that wait raise, and overload is told before", function()
		local told <const> = {}
		local db <const> = connect {
			overload = function(overloaded)
				told[#told + 1] = overloaded
			end,
		}
		local control <const> = connect()
		local id <const> = id_of(db)
		skynet.fork(db.query, db, "SELECT SLEEP(600)")
		wait_for_sleep(control, id)
		local fine, full = 0, 0
		for _ = 1, 1030 do
			skynet.fork(function()
				local ok <const>, message <const> = pcall(db.query, db, "DO 1")
				fine = fine + (ok and 1 or 0)
				full = full + (not ok and message:find "too many" and 1 or 0)
			end)
		end
		net.wait_until(function()
			return full > 0
		end)
		equal(told[1], true)
		control:query("KILL QUERY " .. id)
		net.wait_until(function()
			return fine + full == 1030
		end)
		equal(fine, 1024)
		equal(told[2], false)
		db:disconnect()
		control:disconnect()
	end)
end

local function reconnect_rules()
	rule("5.2 a connection that ended is made again, with its statements", function()
		local connects = 0
		local db <const> = connect {
			on_connect = function(new)
				connects = connects + 1
				assert(new:query("SET @mine = " .. connects).affected_rows == 0)
			end,
		}
		local control <const> = connect()
		local statement <const> = db:prepare "SELECT ? a, @mine mine"
		equal(db:execute(statement, 1)[1].mine, 1)
		kill(control, id_of(db))
		local row <const> = db:execute(statement, 2)[1]
		equal(row.a, 2)
		equal(row.mine, 2)
		kill(control, id_of(db))
		equal(db:query("SELECT @mine mine")[1].mine, 3)
		equal(connects, 3)
		db:disconnect()
		control:disconnect()
	end)

	rule("5.2 many coroutines make one new connection", function()
		local connects, done = 0, 0
		local db <const> = connect {
			on_connect = function(new)
				new:query "DO SLEEP(0.01)"
				connects = connects + 1
			end,
		}
		local control <const> = connect()
		kill(control, id_of(db))
		for i = 1, 20 do
			skynet.fork(function()
				assert(db:query("SELECT " .. i .. " n")[1].n == i)
				done = done + 1
			end)
		end
		net.wait_until(function()
			return done == 20
		end)
		equal(connects, 2)
		db:disconnect()
		control:disconnect()
	end)

	rule("5.2 what may have run is not repeated", function()
		local db <const>, control <const> = connect(), connect()
		control:query "CREATE DATABASE IF NOT EXISTS life; CREATE OR REPLACE TABLE life.t (n INT)"
		local id <const> = id_of(db)
		local raised
		skynet.fork(function()
			local _
			_, raised = pcall(db.query, db, "INSERT INTO life.t VALUES (1); DO SLEEP(600)")
		end)
		wait_for_sleep(control, id)
		kill(control, id)
		net.wait_until(function()
			return raised ~= nil
		end)
		equal(db:query("SELECT COUNT(*) n FROM life.t")[1].n, 1)
		db:disconnect()
		control:disconnect()
	end)

	rule("5.2 the end of a transaction's connection is not hidden", function()
		local db <const>, control <const> = connect(), connect()
		db:query "START TRANSACTION"
		kill(control, id_of(db))
		raises("during a transaction", db.query, db, "DO 1")
		equal(db:query("DO 1").affected_rows, 0)
		db:disconnect()
		control:disconnect()
	end)

	rule("1.10 an on_connect that raises fails the connection", function()
		raises("as asked", connect, {
			on_connect = function()
				error "as asked"
			end,
		})
	end)

	rule("1.10 disconnect raises in who waits", function()
		local db <const>, control <const> = connect(), connect()
		local id <const> = id_of(db)
		local raised = 0
		for _ = 1, 3 do
			skynet.fork(function()
				local ok <const>, message <const> = pcall(db.query, db, "SELECT SLEEP(600)")
				assert(not ok and message:find "closed")
				raised = raised + 1
			end)
		end
		wait_for_sleep(control, id)
		db:disconnect()
		net.wait_until(function()
			return raised == 3
		end)
		control:disconnect()
	end)
end

local function end_rules()
	rule("2.3 who ends takes its connection along", function()
		local control <const> = connect()
		local sleeper <const> = skynet.newservice "mysql_sleeper"
		local id <const> = skynet.call(sleeper, "lua", "connect", PORT)
		local failed
		skynet.fork(function()
			failed = not pcall(skynet.call, sleeper, "lua", "sleep")
		end)
		wait_for_sleep(control, id)
		skynet.kill(sleeper)
		net.wait_until(function()
			return failed
		end)
		net.wait_until(function()
			return is_gone(control, id)
		end)
		control:disconnect()
	end)

	rule("1.10 the server ends and comes back", function()
		local db <const> = connect()
		local statement <const> = db:prepare "SELECT ? n"
		db:query "SHUTDOWN"
		local raised = 0
		net.wait_until(function()
			local ok <const>, result <const> = pcall(db.execute, db, statement, 5)
			raised = raised + (ok and 0 or 1)
			return raised > 0 and ok and result[1].n == 5
		end)
		db:disconnect()
	end)
end

net.run("mysql_life", function()
	order_rules()
	reconnect_rules()
	end_rules()
	-- The process ends with a query under way.
	local db <const>, control <const> = connect(), connect()
	local id <const> = id_of(db)
	skynet.fork(db.query, db, "SELECT SLEEP(600)")
	wait_for_sleep(control, id)
end)
