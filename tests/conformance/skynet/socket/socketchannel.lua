-- skynet.socketchannel (docs/skynet-rules.md 1.4), against servers of this service.
local skynet <const> = require "skynet"
local rules <const> = require "net_rules"
local socket <const> = require "skynet.socket"
local socketchannel <const> = require "skynet.socketchannel"

local HOST <const> = rules.HOST
local equal <const>, raises <const>, rule <const> = rules.equal, rules.raises, rules.rule

local function read_line(sock)
	return true, sock:readline()
end

-- A line for each line; some words mean more.
local function line_server(fd, number)
	while true do
		local line <const> = socket.readline(fd)
		if not line or line == "quit" then
			return
		elseif line == "who" then
			socket.write(fd, number .. "\n")
		elseif line == "half" then
			socket.write(fd, "no end of line")
			return
		elseif line == "last" then
			socket.write(fd, "answer\n")
			return
		elseif line ~= "hush" then
			socket.write(fd, "<" .. line .. ">\n")
		end
	end
end

-- Answers "session:text" lines in the reverse order, two by two.
local function session_server(fd)
	while true do
		local first <const> = socket.readline(fd)
		local second <const> = first and socket.readline(fd)
		if not second then
			return
		end
		socket.write(fd, { second, "\n", first, "\n" })
	end
end

local function read_session(sock)
	local line <const> = sock:readline()
	local session <const>, kind <const>, text <const> = line:match "^(%d+):(%a*):?(.*)$"
	return tonumber(session), kind ~= "error", text, kind == "part"
end

local function in_order()
	local port <const>, _, seen <const> = rules.serve(line_server)
	local ch <const> = socketchannel.channel { host = HOST, port = port }
	rule("1.4 request connects", function()
		equal(ch:request("hello\n", read_line), "<hello>")
		equal(seen.count, 1)
	end)
	rule("1.4 order mode answers in order", function()
		local answers <const> = {}
		local left = 100
		for i = 1, 100 do
			skynet.fork(function()
				local answer <const> = ch:request(i .. "\n", read_line)
				answers[#answers + 1] = answer
				left = left - 1
			end)
		end
		rules.wait_until(function()
			return left == 0
		end)
		for i = 1, 100 do
			equal(answers[i], "<" .. i .. ">")
		end
		equal(seen.count, 1)
	end)
	rule("1.4 request without response", function()
		equal(select("#", ch:request "hush\n"), 0)
		equal(ch:request({ "a", "b\n" }, read_line), "<ab>")
	end)
	rule("1.4 padding is sent behind the request", function()
		equal(ch:request("a", read_line, { "b", "c\n" }), "<abc>")
	end)
	rule("1.4 answer in several parts", function()
		local count = 0
		local list <const> = ch:request("a\nb\nc\n", function(sock)
			count = count + 1
			return true, sock:readline(), count < 3
		end)
		equal(table.concat(list, ","), "<a>,<b>,<c>")
	end)
	rule("1.4 an answer that is not ok raises its value", function()
		local ok <const>, value <const> = pcall(ch.request, ch, "bad\n", function(sock)
			return false, { sock:readline() }
		end)
		equal(ok, false)
		equal(value[1], "<bad>")
		equal(ch:request("who\n", read_line), "1")
	end)
	rule("1.4 response waits for what is pushed", function()
		local pushed
		ch:request "early\n"
		skynet.fork(function()
			pushed = ch:response(read_line)
		end)
		rules.wait_until(function()
			return pushed
		end)
		equal(pushed, "<early>")
	end)
	rule("1.4 sock:read(n)", function()
		equal(
			ch:request("abcdef\n", function(sock)
				return true, sock:read(3) .. "|" .. sock:readline "f" .. "|" .. sock:readline()
			end),
			"<ab|cde|>"
		)
	end)
	rule("1.4 the end fails all who wait", function()
		local errors <const> = {}
		for _, word in ipairs { "half", "x", "y" } do
			skynet.fork(function()
				local _, message <const> = pcall(ch.request, ch, word .. "\n", read_line)
				errors[#errors + 1] = message
			end)
		end
		rules.wait_until(function()
			return #errors == 3
		end)
		for i = 1, 3 do
			equal(errors[i], socketchannel.error)
		end
		equal(tostring(socketchannel.error), "[Error: socket]")
	end)
	rule("1.4 the next request connects again", function()
		equal(ch:request("who\n", read_line), "2")
	end)
	rule("1.4 the peer closes an idle channel", function()
		equal(ch:request("last\n", read_line), "answer")
		rules.wait_until(rules.no_connection)
		equal(ch:request("who\n", read_line), "3")
	end)
	rule("1.4 a response that raises closes the socket", function()
		raises("cannot parse", ch.request, ch, "z\n", function(sock)
			sock:readline()
			error "cannot parse"
		end)
		equal(ch:request("who\n", read_line), "4")
	end)
	rule("1.4 close", function()
		local message
		skynet.fork(function()
			message = select(2, pcall(ch.request, ch, "hush\n", read_line))
		end)
		skynet.yield()
		ch:close()
		rules.wait_until(function()
			return message
		end)
		equal(message, socketchannel.error)
		raises("[Error: socket]", ch.request, ch, "who\n", read_line)
		equal(ch:connect(true), true)
		equal(ch:request("who\n", read_line), "5")
	end)
	rule("1.4 changehost", function()
		local other <const> = rules.serve(function(fd)
			while socket.readline(fd) do
				socket.write(fd, "other\n")
			end
		end)
		ch:changehost(HOST, other)
		equal(ch:request("who\n", read_line), "other")
	end)
	ch:close()
end

local function by_session()
	local port <const> = rules.serve(session_server)
	local ch <const> = socketchannel.channel { host = HOST, port = port, response = read_session }
	local function ask(session, kind, text)
		return ch:request(string.format("%d:%s:%s\n", session, kind, text), session)
	end
	rule("1.4 session mode", function()
		local answers <const> = {}
		for i = 1, 10 do
			skynet.fork(function()
				local answer <const> = ask(i, "ok", i)
				answers[#answers + 1] = answer
			end)
		end
		rules.wait_until(function()
			return #answers == 10
		end)
		equal(table.concat(answers, " "), "2 1 4 3 6 5 8 7 10 9")
	end)
	rule("1.4 session mode, not ok", function()
		local good, bad
		skynet.fork(function()
			bad = table.pack(pcall(ask, 21, "error", "refused"))
		end)
		skynet.fork(function()
			good = ask(22, "ok", "fine")
		end)
		rules.wait_until(function()
			return good and bad
		end)
		equal(good, "fine")
		equal(bad[1], false)
		equal(bad[2], "refused")
	end)
	rule("1.4 session mode, several parts", function()
		local list
		skynet.fork(function()
			list = ch:request("31:part:b\n31:part:a\n", 31)
		end)
		skynet.fork(function()
			ch:request "31:ok:nobody\n"
			ch:request "31:last:c\n"
		end)
		rules.wait_until(function()
			return list
		end)
		equal(table.concat(list, ","), "a,b,c")
	end)
	rule("1.4 session mode, response()", function()
		local text
		skynet.fork(function()
			text = ch:response(41)
		end)
		skynet.yield()
		ch:request "41:ok:pushed\n41:ok:nobody\n"
		rules.wait_until(function()
			return text
		end)
		equal(text, "nobody") -- which comes first
	end)
	ch:close()
end

local function connecting()
	rule("1.4 connect once raises", function()
		local ch <const> = socketchannel.channel { host = HOST, port = rules.free_port() }
		raises("[Error: socket]", ch.connect, ch, true)
		raises("[Error: socket]", ch.request, ch, "x\n", read_line)
	end)
	rule("1.4 connect without once tries again", function()
		local port <const> = rules.free_port()
		local ch <const> = socketchannel.channel { host = HOST, port = port }
		local connected
		skynet.fork(function()
			connected = ch:connect()
		end)
		skynet.yield()
		raises("[Error: socket]", ch.request, ch, "x\n", read_line)
		equal(connected, nil)
		local listener <const> = socket.listen(HOST, port)
		socket.start(listener, function(fd)
			socket.start(fd)
			line_server(fd, 1)
			socket.close(fd)
		end)
		rules.wait_until(function()
			return connected
		end)
		equal(ch:request("x\n", read_line), "<x>")
		ch:close()
	end)
	rule("1.4 close ends a connect that tries again", function()
		local ch <const> = socketchannel.channel { host = HOST, port = rules.free_port() }
		local result
		skynet.fork(function()
			result = table.pack(pcall(ch.connect, ch))
		end)
		skynet.yield()
		ch:close()
		rules.wait_until(function()
			return result
		end)
		equal(result[2], socketchannel.error)
	end)
	rule("1.4 backup", function()
		local port <const> = rules.serve(line_server)
		local ch <const> = socketchannel.channel {
			host = HOST,
			port = rules.free_port(),
			backup = { { host = HOST, port = rules.free_port() }, { host = HOST, port = port } },
		}
		equal(ch:request("x\n", read_line), "<x>")
		ch:close()
		ch:changebackup {}
		raises("[Error: socket]", ch.connect, ch, true)
	end)
end

local function auth()
	local port <const> = rules.serve(line_server)
	rule("1.4 auth comes first", function()
		local greeting
		local ch <const> = socketchannel.channel {
			host = HOST,
			port = port,
			auth = function(ch)
				greeting = ch:request("password\n", read_line)
			end,
		}
		local answers <const> = {}
		for i = 1, 3 do
			skynet.fork(function()
				answers[i] = greeting .. ch:request(i .. "\n", read_line)
			end)
		end
		greeting = "early"
		equal(ch:connect(true), true)
		rules.wait_until(function()
			return #answers == 3
		end)
		equal(greeting, "<password>")
		ch:close()
	end)
	rule("1.4 auth that raises", function()
		local ch <const> = socketchannel.channel {
			host = HOST,
			port = port,
			auth = function(ch)
				ch:request("password\n", read_line)
				error("wrong password", 0)
			end,
		}
		raises("wrong password", ch.connect, ch, true)
		raises("wrong password", ch.request, ch, "x\n", read_line)
	end)
	rule("1.4 auth may change the host", function()
		local other <const> = rules.serve(line_server)
		local rounds = 0
		local ch <const> = socketchannel.channel {
			host = HOST,
			port = port,
			auth = function(ch)
				rounds = rounds + 1
				if rounds == 1 then
					ch:changehost(HOST, other)
				end
			end,
		}
		equal(ch:request("who\n", read_line), "1")
		equal(rounds, 2)
		ch:close()
	end)
end

local function options()
	rule("1.4 overload", function()
		local held, release
		local port <const> = rules.serve(function(fd)
			held = true
			rules.wait_until(function()
				return release
			end)
			socket.read(fd, 32 * 1048576)
		end)
		local calls <const> = {}
		local ch <const> = socketchannel.channel {
			host = HOST,
			port = port,
			overload = function(on)
				calls[#calls + 1] = tostring(on)
			end,
		}
		ch:connect(true)
		rules.wait_until(function()
			return held
		end)
		for _ = 1, 32 do
			ch:request(("x"):rep(1048576))
		end
		rules.wait_until(function()
			return calls[1]
		end)
		release = true
		rules.wait_until(function()
			return calls[2]
		end)
		equal(table.concat(calls, " "), "true false")
		ch:close()
	end)
	rule("1.4 socket_read and socket_readline", function()
		local port <const> = rules.serve(line_server)
		local ch <const> = socketchannel.channel {
			host = HOST,
			port = port,
			socket_read = function(fd, n)
				local data <const> = socket.read(fd, n)
				return data and data:upper()
			end,
			socket_readline = function(fd, separator)
				local line <const> = socket.readline(fd, separator)
				return line and line:upper()
			end,
		}
		equal(
			ch:request("abc\n", function(sock)
				return true, sock:read(2) .. sock:readline()
			end),
			"<ABC>"
		)
		ch:close()
	end)
end

rules.run("socketchannel", function()
	in_order()
	by_session()
	connecting()
	auth()
	options()
	rule("1.4 no socket is left", function()
		rules.wait_until(rules.no_connection)
	end)
end)
