-- skynet.dns (docs/skynet-rules.md 1.8) against a name server of this script.
local rules <const> = require "net_rules"
local skynet <const> = require "skynet"
local dns <const> = require "skynet.dns"
local socket <const> = require "skynet.socket"

local A <const>, CNAME <const>, AAAA <const> = 1, 5, 28
local V6 <const> = ("\0"):rep(15) .. "\1"

local function encoded(name)
	return (name:gsub("([^.]+)%.?", function(label)
		return string.pack("s1", label)
	end)) .. "\0"
end

local function record(name, kind, ttl, data)
	return name .. string.pack(">I2I2I4s2", kind, 1, ttl, data)
end

-- Answers questions by script(name, kind, packet, number of the question) -> packets.
local function serve(script)
	local server = { asked = 0 }
	local id
	id = socket.udp_listen(rules.HOST, 0, function(packet, from)
		server.asked = server.asked + 1
		local labels, at = {}, 13
		while packet:byte(at) ~= 0 do
			labels[#labels + 1], at = string.unpack("s1", packet, at)
		end
		local kind <const> = string.unpack(">I2", packet, at + 1)
		local name <const> = table.concat(labels, ".")
		for _, answer in ipairs { script(name, kind, packet, server.asked, from) } do
			socket.sendto(id, from, answer)
		end
	end)
	for _, row in ipairs(socket.netstat()) do
		if row.id == id then
			server.port = tonumber(row.sock:match ":(%d+)$")
		end
	end
	server.id = id
	dns.flush()
	dns.server(rules.HOST, server.port)
	return server
end

-- The answer to a question, with records behind it; code 0 when left out.
local function answer(packet, records, code, flags)
	local id <const> = string.unpack(">I2", packet)
	local head <const> = string.pack(
		">I2I2I2I2I2I2", id, (flags or 0x8180) | (code or 0), 1, #records, 0, 0
	)
	return head .. packet:sub(13) .. table.concat(records)
end

local function question_rules()
	local server <const> = serve(function(name, kind, packet)
		if name == "two.example" and kind == A then
			return answer(packet, {
				record("\xc0\x0c", A, 60, "\127\0\0\7"), record("\xc0\x0c", A, 60, "\127\0\0\8"),
			})
		elseif name == "two.example" and kind == AAAA then
			return answer(packet, { record("\xc0\x0c", AAAA, 60, V6) })
		elseif name == "alias.example" then
			return answer(packet, {
				record("\xc0\x0c", CNAME, 60, encoded "real.example"),
				record(encoded "real.example", A, 60, "\127\0\0\9"),
			})
		elseif name == "brief.example" then
			return answer(packet, { record("\xc0\x0c", A, 0, "\127\0\0\1") })
		elseif name == "cut.example" then
			return answer(packet, { record("\xc0\x0c", A, 1, "\127\0\0\3") }, 0, 0x8380)
		end
		return answer(packet, {}, 3)
	end)
	rules.rule("1.8 resolve gives the first and all addresses", function()
		local ip <const>, all <const> = dns.resolve "two.example"
		rules.same("127.0.0.7", 2, "127.0.0.7", "127.0.0.8")(ip, #all, all[1], all[2])
		all[1] = "spoilt by the caller"
		rules.equal(dns.resolve "Two.Example", "127.0.0.7")
	end)
	rules.rule("1.8 AAAA is asked for when wanted", function()
		local ip <const>, all <const> = dns.resolve("two.example", true)
		rules.same("::1", 1)(ip, #all)
	end)
	rules.rule("1.8 other names lead to the address", function()
		rules.equal((dns.resolve "alias.example"), "127.0.0.9")
	end)
	rules.rule("1.8 answers are kept for their time to live", function()
		local asked = server.asked
		dns.resolve "two.example"
		rules.equal(server.asked, asked)
		dns.resolve "brief.example"
		dns.resolve "brief.example"
		rules.equal(server.asked, asked + 2)
		dns.flush()
		asked = server.asked
		dns.resolve "two.example"
		rules.equal(server.asked, asked + 1)
	end)
	rules.rule("1.8 a truncated answer is taken", function()
		rules.equal((dns.resolve "cut.example"), "127.0.0.3")
	end)
	rules.rule("1.8 a name that does not exist raises at once", function()
		rules.raises("timeout or no answer", dns.resolve, "missing.example")
		rules.raises("timeout or no answer", dns.resolve, "two.missing.example", true)
	end)
	socket.close(server.id)
end

local function literal_rules()
	rules.rule("1.8 a numeric address is its own answer", function()
		rules.same("127.0.0.1")(dns.resolve "127.0.0.1")
		rules.same("::1")(dns.resolve "::1")
	end)
	rules.rule("1.8 illegal names", function()
		for _, name in ipairs { "a b", "", ".a", "a..b", ("a"):rep(64) .. ".example", "a/b",
			("a."):rep(127) .. "b" } do
			rules.same(nil, "illegal name")(dns.resolve(name))
		end
	end)
	rules.rule("1.8 the hosts file comes first", function()
		local server <const> = serve(function(_, _, packet)
			return answer(packet, {}, 3)
		end)
		local path <const> = os.tmpname()
		local file <const> = assert(io.open(path, "w"))
		file:write("# 127.0.0.4 comment.example\n127.0.0.5\thost.example other # end\n")
		file:write("127.0.0.6 host.example\n::1 host.example\n")
		file:close()
		dns.DEFAULT_HOSTS = path
		local ip <const>, all <const> = dns.resolve "HOST.example"
		rules.same("127.0.0.5", 2)(ip, #all)
		rules.equal((dns.resolve "other"), "127.0.0.5")
		rules.equal((dns.resolve("host.example", true)), "::1")
		rules.equal(server.asked, 0)
		rules.raises("no answer", dns.resolve, "comment.example")
		rules.equal(server.asked, 1)
		dns.DEFAULT_HOSTS = "/etc/hosts"
		os.remove(path)
		socket.close(server.id)
	end)
	rules.rule("1.8 DEFAULT_RESOLV_CONF names the server", function()
		local path <const> = os.tmpname()
		dns.DEFAULT_RESOLV_CONF = path
		rules.raises("Can't get name server", dns.server)
		assert(io.open(path, "w")):write("# comment\nnameserver 127.0.0.1\n"):close()
		dns.server()
		dns.DEFAULT_RESOLV_CONF = "/etc/resolv.conf"
		os.remove(path)
	end)
end

local function stubborn_rules()
	rules.rule("1.8 a lost question is asked again", function()
		local server <const> = serve(function(_, _, packet, number)
			if number > 1 then
				return answer(packet, { record("\xc0\x0c", A, 60, "\127\0\0\2") })
			end
		end)
		rules.equal((dns.resolve "again.example"), "127.0.0.2")
		rules.equal(server.asked, 2)
		socket.close(server.id)
	end)
	rules.rule("1.8 no answer at all raises", function()
		local server <const> = serve(function() end)
		dns.TIMEOUT = 10
		rules.raises("timeout or no answer", dns.resolve, "silent.example")
		socket.close(server.id)
		rules.raises("timeout or no answer", dns.resolve, "silent.example")
		dns.TIMEOUT = 3000
	end)
	rules.rule("1.8 answers to other questions do not count", function()
		local wrong <const> = { record("\xc0\x0c", A, 60, "\127\0\0\66") }
		local stranger <const> = socket.udp(nil, rules.HOST)
		local server <const> = serve(function(_, _, packet, _, from)
			local other_id <const> = string.pack(">I2", (string.unpack(">I2", packet) + 1) & 0xffff)
			socket.sendto(stranger, from, answer(packet, wrong))
			local other_name <const> = packet:gsub("right", "wrong")
			local other_kind <const> = packet:gsub("\0\1\0\1$", "\0\28\0\1")
			return answer(other_id .. packet:sub(3), wrong), answer(other_name, wrong),
				answer(other_kind, wrong), answer(packet, wrong, 0, 0x0100), "", "short",
				answer(packet, { "\xc0" }), answer(packet, { "\xc0\x0c\0" }),
				answer(packet, { record("\xc0\x40", A, 60, "abcd") }),
				answer(packet, { record("\xc0\x0c", A, 60, "\127\0\0\5") })
		end)
		rules.equal((dns.resolve "right.example"), "127.0.0.5")
		socket.close(stranger)
		socket.close(server.id)
	end)
	rules.rule("1.8 many at once", function()
		local server <const> = serve(function(name, _, packet)
			local number <const> = tonumber(name:match "%d+")
			return answer(packet, { record("\xc0\x0c", A, 60, "\127\0\1" .. string.char(number)) })
		end)
		local done = 0
		for i = 1, 50 do
			skynet.fork(function()
				rules.equal((dns.resolve("host" .. i .. ".example")), "127.0.1." .. i)
				done = done + 1
			end)
		end
		rules.wait_until(function()
			return done == 50
		end)
		socket.close(server.id)
	end)
	rules.rule("1.8 without a server the system is asked", function()
		dns.flush()
		dns.server()
		rules.equal((dns.resolve "localhost"), "127.0.0.1")
		rules.raises("no-such-host.invalid", dns.resolve, "no-such-host.invalid")
	end)
end

rules.run("dns", function()
	question_rules()
	literal_rules()
	stubborn_rules()
	rules.rule("1.8 no socket is left", function()
		rules.wait_until(rules.no_connection)
	end)
end)
