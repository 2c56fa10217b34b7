-- skynet.db.redis (docs/skynet-rules.md 1.10), against redis_server.
local redis <const> = require "skynet.db.redis"
local rules <const> = require "net_rules"
local skynet <const> = require "skynet"

local HOST <const> = rules.HOST
local equal <const>, raises <const>, rule <const> = rules.equal, rules.raises, rules.rule

local function commands(db)
	rule("1.10 redis commands are methods", function()
		equal(db:set("a", "hello"), "OK")
		equal(db:get "a", "hello")
		equal(db:GET "a", "hello")
		equal(db:get "none", nil)
		equal(db:del "a", 1)
		equal(db:set("n", 12), "OK")
		equal(db:get "n", "12")
		local bytes <const> = "\0\r\n$5\r\n\xff" .. ("x"):rep(300000)
		db:set("bytes", bytes)
		equal(db:get "bytes", bytes)
		db:set("empty", "")
		equal(db:get "empty", "")
	end)
	rule("1.10 redis arguments in one table", function()
		equal(db:hmset { "hash", "x", 1, "y", 2 }, "OK")
		equal(table.concat(db:hgetall "hash", " "), "x 1 y 2")
		equal(#db:hgetall "none", 0)
	end)
	rule("1.10 redis lists with nil", function()
		local values <const> = db:mget("n", "none", "empty")
		equal(values[1], "12")
		equal(values[2], nil)
		equal(values[3], "")
	end)
	rule("1.10 redis exists and sismember are boolean", function()
		equal(db:exists "n", true)
		equal(db:exists "none", false)
		db:sadd("set", "one")
		equal(db:sismember("set", "one"), true)
		equal(db:sismember("set", "two"), false)
	end)
	rule("1.10 redis errors raise", function()
		raises("WRONGTYPE", db.get, db, "set")
		raises("unknown command", db.no_such_thing, db)
		raises("argument 2 of SET is nil", db.set, db, "a", nil)
		equal(db:get "n", "12")
	end)
	rule("1.10 redis multi and exec", function()
		equal(db:multi(), "OK")
		equal(db:get "n", "QUEUED")
		equal(db:exists "n", "QUEUED")
		local replies <const> = db:exec()
		equal(replies[1], "12")
		equal(replies[2], 1)
		db:multi()
		db:get "n"
		db:get "set"
		local ok <const>, bad <const> = pcall(db.exec, db)
		equal(ok, false)
		equal(bad[1], "12")
		equal(bad[2], "WRONGTYPE another kind of value")
	end)
	rule("1.10 redis pipeline", function()
		local results <const> =
			db:pipeline({ { "set", "p", 1 }, { "get", "set" }, { "get", "p" }, { "get", "none" } }, {})
		equal(#results, 4)
		equal(results[1].ok, true)
		equal(results[1].out, "OK")
		equal(results[2].ok, false)
		equal(results[3].out, "1")
		equal(results[4].ok, true)
		equal(results[4].out, nil)
		equal(db:pipeline { { "set", "p", 2 }, { "get", "p" } }, "2")
		raises("WRONGTYPE", db.pipeline, db, { { "get", "p" }, { "get", "set" } })
		raises("without commands", db.pipeline, db, {})
	end)
	rule("1.10 redis coroutines share a connection", function()
		local answers <const> = {}
		for i = 1, 50 do
			skynet.fork(function()
				db:set("k" .. i, i)
				answers[i] = db:get("k" .. i)
			end)
		end
		rules.wait_until(function()
			return #answers == 50
		end)
		for i = 1, 50 do
			equal(answers[i], tostring(i))
		end
	end)
end

local function connections(db, server)
	rule("1.10 redis connects again", function()
		local before <const> = skynet.call(server, "lua", "connections")
		raises("[Error: socket]", db.quit, db)
		equal(db:get "n", "12")
		equal(db:where(), "nobody 3")
		equal(skynet.call(server, "lua", "connections"), before + 1)
	end)
	rule("1.10 redis bad replies end the connection", function()
		for _, bytes in ipairs {
			"what\r\n",
			"$x\r\n",
			"$-2\r\n",
			"$3\r\nabcde",
			"$99999999999\r\n",
			":\r\n",
			"*1x\r\n",
			("*1\r\n"):rep(40),
		} do
			raises("not a reply", db.raw, db, bytes)
			equal(db:get "n", "12")
		end
	end)
	rule("1.10 redis disconnect", function()
		db:disconnect()
		raises("[Error: socket]", db.get, db, "n")
	end)
end

local function logins()
	local server <const> = skynet.newservice("redis_server", "secret")
	local port <const> = skynet.call(server, "lua", "port")
	rule("1.10 redis auth, username, db", function()
		local db <const> = redis.connect { host = HOST, port = port, auth = "secret", db = 2 }
		equal(db:where(), "default 2")
		db:disconnect()
		local other <const> =
			redis.connect { host = HOST, port = port, auth = "secret", username = "test1" }
		equal(other:where(), "test1 0")
		other:disconnect()
	end)
	rule("1.10 redis connect raises", function()
		raises("WRONGPASS", redis.connect, { host = HOST, port = port, auth = "wrong" })
		raises("[Error: socket]", redis.connect, { host = HOST, port = rules.free_port() })
	end)
end

local function messages(db, server, port)
	local watch <const> = redis.watch { host = HOST, port = port }
	local function message()
		return table.concat({ watch:message() }, " ")
	end
	-- Subscriptions are not answered: publish until somebody listens.
	local function publish(topic, text, count)
		rules.wait_until(function()
			return db:publish(topic, text) == count
		end)
	end
	rule("1.10 redis.watch subscribe", function()
		watch:subscribe("foo", "bar")
		publish("foo", "one", 1)
		equal(message(), "one foo")
		publish("bar", "two", 1)
		equal(message(), "two bar")
	end)
	rule("1.10 redis.watch psubscribe", function()
		watch:psubscribe "hello.*"
		publish("hello.x", "three", 1)
		equal(message(), "three hello.x hello.*")
	end)
	rule("1.10 redis.watch unsubscribe", function()
		watch:unsubscribe "bar"
		publish("bar", "lost", 0)
		publish("foo", "kept", 1)
		repeat
			local text <const> = message()
		until text == "kept foo"
	end)
	rule("1.10 redis.watch subscribes again", function()
		local result
		skynet.fork(function()
			result = table.pack(pcall(message))
		end)
		skynet.yield() -- it waits before the connection ends
		skynet.call(server, "lua", "drop_subscribers")
		rules.wait_until(function()
			return result
		end)
		equal(tostring(result[2]), "[Error: socket]")
		local text
		skynet.fork(function()
			text = message()
		end)
		publish("hello.y", "again", 1)
		rules.wait_until(function()
			return text
		end)
		assert(text:find "^again hello.y hello", text)
		publish("foo", "still", 1)
		repeat
			text = message()
		until text == "still foo"
		equal(db:publish("bar", "still not"), 0)
	end)
	rule("1.10 redis.watch disconnect", function()
		local result
		skynet.fork(function()
			result = table.pack(pcall(message))
		end)
		skynet.yield()
		watch:disconnect()
		rules.wait_until(function()
			return result
		end)
		equal(tostring(result[2]), "[Error: socket]")
		raises("[Error: socket]", message)
	end)
end

rules.run("redis", function()
	local server <const> = skynet.newservice "redis_server"
	local port <const> = skynet.call(server, "lua", "port")
	local db <const> = redis.connect { host = HOST, port = port, db = 3 }
	commands(db)
	messages(db, server, port)
	connections(db, server)
	logins()
	rule("1.10 redis leaves no socket", function()
		rules.wait_until(rules.no_connection)
	end)
end)
