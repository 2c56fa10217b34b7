-- skynet.db.redis against a Redis server: its port and password are in the configuration, and
-- there is a second server without password whose port is `redis_other`.
local redis <const> = require "skynet.db.redis"
local rules <const> = require "net_rules"
local skynet <const> = require "skynet"

local equal <const>, raises <const>, rule <const> = rules.equal, rules.raises, rules.rule

local conf <const> = {
	host = rules.HOST,
	port = tonumber(skynet.getenv "redis_port"),
	auth = skynet.getenv "redis_password",
}

-- Tries f until it does not raise: a server that was ended is being started again.
local function retry(f)
	local result
	rules.await(function()
		local ok <const>, value <const> = pcall(f)
		result = value
		return ok
	end)
	return result
end

local function values(db)
	rule("1.10 redis values of every kind", function()
		equal(db:flushdb(), "OK")
		local bytes <const> = string.rep("\0\r\n$5\r\n\xff", 100000)
		equal(db:set("bytes", bytes), "OK")
		equal(db:get "bytes", bytes)
		equal(db:incrby("count", 9007199254740993), 9007199254740993)
		equal(db:get "nothing", nil)
		equal(db:exists "bytes", true)
		equal(db:exists "nothing", false)
		db:hmset { "hash", "x", 1, "y", "two" }
		equal(table.concat(db:hmget("hash", "x", "y"), " "), "1 two")
		equal(db:zadd("ranks", 1.5, "a", 2, "b"), 2)
		equal(table.concat(db:zrange("ranks", 0, -1, "WITHSCORES"), " "), "a 1.5 b 2")
	end)
	rule("1.10 redis scripts, with nested replies", function()
		local reply <const> = db:eval("return {1, {KEYS[1], ARGV[1]}, false}", 1, "key", "word")
		equal(reply[1], 1)
		equal(table.concat(reply[2], " "), "key word")
		raises("as told", db.eval, db, "return redis.error_reply('as told')", 0)
	end)
	rule("1.10 redis transactions", function()
		db:multi()
		equal(db:incr "total", "QUEUED")
		equal(db:incr "total", "QUEUED")
		equal(table.concat(db:exec(), " "), "1 2")
	end)
	rule("1.10 redis pipelines", function()
		local commands <const>, results <const> = {}, {}
		for i = 1, 1000 do
			commands[i] = { "set", "key" .. i, i }
			commands[i + 1000] = { "get", "key" .. i }
		end
		db:pipeline(commands, results)
		equal(#results, 2000)
		equal(results[2000].out, "1000")
	end)
	rule("1.10 redis coroutines share a connection", function()
		local seen = 0
		for i = 1, 200 do
			skynet.fork(function()
				equal(db:echo("word " .. i), "word " .. i)
				seen = seen + 1
			end)
		end
		rules.await(function()
			return seen == 200
		end)
	end)
end

local function passwords()
	rule("1.10 redis passwords", function()
		local wrong <const> = { host = conf.host, port = conf.port, auth = "guess" }
		raises("WRONGPASS", redis.connect, wrong)
		local none <const> = redis.connect { host = conf.host, port = conf.port }
		raises("NOAUTH", none.get, none, "count")
		none:disconnect()
	end)
	rule("1.10 redis databases", function()
		local second <const> = redis.connect {
			host = conf.host, port = conf.port, auth = conf.auth, db = 2,
		}
		second:flushdb()
		equal(second:get "count", nil)
		second:disconnect()
	end)
end

local function messages(db)
	rule("1.10 redis watch gets messages", function()
		local watch <const> = redis.watch(conf)
		watch:subscribe("news", "other")
		watch:psubscribe "we*"
		rules.await(function()
			return db:publish("weather", "rain") == 1
		end)
		rules.same("rain", "weather", "we*")(watch:message())
		equal(db:publish("news", "one"), 1)
		rules.same("one", "news")(watch:message())
		watch:unsubscribe "news"
		rules.await(function()
			return db:publish("news", "two") == 0
		end)
		watch:disconnect()
	end)
	rule("1.10 redis a blocking command holds up no other connection", function()
		local waiting <const> = redis.connect(conf)
		local popped
		skynet.fork(function()
			popped = waiting:blpop("queue", 0)
		end)
		rules.await(function()
			return tostring(db:client "list"):find("cmd=blpop", 1, true)
		end)
		db:rpush("queue", "job")
		rules.await(function()
			return popped
		end)
		equal(table.concat(popped, " "), "queue job")
		waiting:disconnect()
	end)
end

local function ends(db)
	rule("1.10 redis a connection that is killed raises, and the next command connects", function()
		local id <const> = db:client "id"
		local killer <const> = redis.connect(conf)
		local failed
		skynet.fork(function()
			failed = not pcall(db.blpop, db, "never", 0)
		end)
		rules.await(function()
			return tostring(killer:client "list"):find("cmd=blpop", 1, true)
		end)
		equal(killer:client("kill", "id", id), 1)
		rules.await(function()
			return failed
		end)
		equal(retry(function()
			return db:ping()
		end), "PONG")
		killer:disconnect()
	end)
	rule("1.10 redis a server that ends and comes back", function()
		local other <const> = redis.connect {
			host = rules.HOST, port = tonumber(skynet.getenv "redis_other"),
		}
		equal(other:set("a", 1), "OK")
		pcall(other.shutdown, other, "nosave")
		raises("", other.ping, other)
		equal(retry(function()
			return other:ping()
		end), "PONG")
		equal(other:get "a", nil)
		other:disconnect()
	end)
end

rules.run("redis_real", function()
	local db <const> = redis.connect(conf)
	values(db)
	passwords()
	messages(db)
	ends(db)
	db:disconnect()
end)
