-- http.url, httpd, httpc and sockethelper (docs/skynet-rules.md 1.10), server and client in this
-- service.
local httpc <const> = require "http.httpc"
local httpd <const> = require "http.httpd"
local rules <const> = require "net_rules"
local skynet <const> = require "skynet"
local socket <const> = require "skynet.socket"
local sockethelper <const> = require "http.sockethelper"
local url <const> = require "http.url"

local HOST <const> = rules.HOST
local equal <const>, raises <const>, rule <const> = rules.equal, rules.raises, rules.rule

local last -- the request that the server read

-- Answers by the path of the request.
local answers <const> = {
	["/echo"] = function(write)
		httpd.write_response(write, 200, last.method .. " " .. last.body, { ["X-One"] = { 1, 2 } })
	end,
	["/chunks"] = function(write)
		local left = 3
		httpd.write_response(write, 200, function()
			left = left - 1
			return left >= 0 and ("%d "):format(left):rep(1000) or nil
		end)
	end,
	["/empty"] = function(write)
		httpd.write_response(write, 204, "dropped")
	end,
	["/until-end"] = function(write)
		write "HTTP/1.0 200 OK\r\nX: y\r\n\r\nup to the end"
	end,
	["/continue"] = function(write)
		write "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokmore"
	end,
	["/garbage"] = function(write)
		write "SSH-2.0-x\r\n\r\n"
	end,
	["/short"] = function(write)
		write "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"
	end,
	["/bad-chunk"] = function(write)
		write "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n"
	end,
	["/long-head"] = function(write)
		write("HTTP/1.1 200 OK\r\nX: " .. ("x"):rep(70000) .. "\r\n\r\n")
	end,
	["/silent"] = function(_, fd)
		socket.read(fd)
	end,
	["/drip"] = function(write, fd)
		write "HTTP/1.1 200 OK\r\n\r\nand then nothing"
		socket.read(fd)
	end,
}

local function http_server(fd)
	local read <const> = sockethelper.readfunc(fd)
	local write <const> = sockethelper.writefunc(fd)
	local code <const>, target <const>, method <const>, header <const>, body <const> =
		httpd.read_request(read, 20000)
	last = { code = code, url = target, method = method, header = header, body = body }
	if code == 200 then
		answers[url.parse(target)](write, fd)
	elseif code then
		httpd.write_response(write, code)
	end
end

-- What the server says to these bytes: its status.
local function raw(port, bytes)
	local fd <const> = assert(socket.open(HOST, port))
	socket.write(fd, bytes)
	local answer <const> = socket.readall(fd)
	socket.close(fd)
	return answer and tonumber(answer:match "^HTTP/1.1 (%d+)")
end

-- read_request of these bytes, which come in parts of n.
local function read_request(bytes, n, limit)
	local function readbytes(size)
		if bytes == "" then
			error(sockethelper.socket_error, 0)
		end
		size = math.min(size or n, n, #bytes)
		local part <const> = bytes:sub(1, size)
		bytes = bytes:sub(size + 1)
		return part
	end
	return httpd.read_request(readbytes, limit)
end

local function urls()
	rule("1.10 url.parse", function()
		local path <const>, query <const> = url.parse "/a%20b/c?x=1%26&y=2"
		equal(path, "/a b/c")
		equal(query, "x=1%26&y=2")
		equal(select(2, url.parse "/only"), "")
	end)
	rule("1.10 url.parse_query", function()
		local q <const> = url.parse_query "a=1&b=x%3Dy+z&a=2&a=3&c="
		equal(table.concat(q.a, ","), "1,2,3")
		equal(q.b, "x=y z")
		equal(q.c, "")
	end)
end

local function requests()
	rule("1.10 read_request, in any parts", function()
		local text <const> = "POST /p?q=1 HTTP/1.1\r\nHost: h\r\nX-A:  one \r\nX-B: 1\r\nx-b: 2\r\n"
			.. "Folded: a\r\n  b\r\nContent-Length: 5\r\n\r\nhello"
		for _, n in ipairs { 1, 2, 3, 7, 1000 } do
			local code <const>, target <const>, method <const>, header <const>, body <const> =
				read_request(text, n)
			equal(code, 200)
			equal(target, "/p?q=1")
			equal(method, "POST")
			equal(header["x-a"], "one")
			equal(table.concat(header["x-b"], ","), "1,2")
			equal(header.folded, "a b")
			equal(body, "hello")
		end
	end)
	rule("1.10 read_request, chunked", function()
		local text <const> = "\r\nPUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
			.. "5;x=y\r\nhello\r\nA\r\n, chunks!!\r\n0\r\nHost: not-a-header\r\n\r\n"
		for _, n in ipairs { 1, 2, 3, 7, 1000 } do
			local code <const>, _, _, header <const>, body <const> = read_request(text, n)
			equal(code, 200)
			equal(body, "hello, chunks!!")
			equal(header.host, nil)
		end
		equal(read_request(text, 5, 14), 413)
		equal(read_request(text, 5, 15), 200)
	end)
	rule("1.10 read_request, the connection ends", function()
		local code <const>, message <const> = read_request("GET / HT", 3)
		equal(code, nil)
		equal(message, sockethelper.socket_error)
		equal(read_request("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell", 3), nil)
	end)
	rule("1.10 malformed requests are 400", function()
		local head <const> = "POST / HTTP/1.1\r\n"
		for _, text in ipairs {
			"nonsense\r\n\r\n",
			"GET  / HTTP/1.1\r\n\r\n",
			"GET / HTTP/1.1 \r\n\r\n",
			"G\1T / HTTP/1.1\r\n\r\n",
			"GET / HTTP/1.1\r\nno colon\r\n\r\n",
			"GET / HTTP/1.1\r\nblank before : x\r\n\r\n",
			"GET / HTTP/1.1\r\n folded nowhere\r\n\r\n",
			"GET / HTTP/1.1\r\nX: a\nb\r\n\r\n",
			head .. "Content-Length: -1\r\n\r\n",
			head .. "Content-Length: 0x10\r\n\r\n",
			head .. "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
			head .. "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			head .. "Transfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n",
			head .. "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
			head .. "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
			head .. "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
		} do
			local code <const> = read_request(text, 1000)
			assert(code == 400, text .. " gave " .. tostring(code))
		end
	end)
	rule("1.10 other versions and codings", function()
		equal(read_request("GET / HTTP/2.0\r\n\r\n", 1000), 505)
		equal(read_request("GET / HTTP/0.9\r\n\r\n", 1000), 505)
		equal(read_request("GET / HTTP/1.0\r\n\r\n", 1000), 200)
		equal(read_request("PUT / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 9), 501)
	end)
	rule("1.10 long heads and bodies are 413", function()
		local long <const> = "GET / HTTP/1.1\r\nX: " .. ("x"):rep(8192)
		equal(read_request(long .. "\r\n\r\n", 1000), 413)
		equal(read_request(long, 1000), 413)
		equal(read_request(("\r\n"):rep(10000), 100), 413)
		local large <const> = "PUT / HTTP/1.1\r\nContent-Length: "
		equal(read_request(large .. "11\r\n\r\n", 1000, 10), 413)
		equal(read_request(large .. "10\r\n\r\n0123456789", 1000, 10), 200)
		equal(read_request(large .. "999999999999999\r\n\r\n", 1000), 413)
	end)
end

local function responses()
	rule("1.10 write_response", function()
		local written = ""
		local function write(data)
			written = written .. data
		end
		equal(httpd.write_response(write, 200, "body", { a = "b" }), true)
		equal(written, "HTTP/1.1 200 OK\r\na: b\r\ncontent-length: 4\r\n\r\nbody")
		written = ""
		equal(httpd.write_response(write, 404), true)
		equal(written, "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
		local parts <const> = { "one", "", "three" }
		written = ""
		equal(
			httpd.write_response(write, 200, function()
				return table.remove(parts, 1)
			end),
			true
		)
		equal(
			written,
			"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n5\r\nthree\r\n0\r\n\r\n"
		)
	end)
	rule("1.10 write_response that fails", function()
		local ok, message = httpd.write_response(function()
			error(sockethelper.socket_error, 0)
		end, 200, "x")
		equal(ok, false)
		equal(message, sockethelper.socket_error)
		ok, message = httpd.write_response(print, 200, "x", { a = "b\r\nc: d" })
		equal(ok, false)
		equal(message, "not a header: a")
	end)
end

local function client(port)
	local host <const> = HOST .. ":" .. port
	rule("1.10 httpc.get", function()
		local header <const> = {}
		local code <const>, body <const> = httpc.get("http://" .. host, "/echo", header, { a = "b" })
		equal(code, 200)
		equal(body, "GET ")
		equal(table.concat(header["x-one"], ","), "1,2")
		equal(last.header.host, host)
		equal(last.header.a, "b")
		equal(select(2, httpc.get(host, "/echo", nil, nil, "content")), "GET content")
	end)
	rule("1.10 httpc.post", function()
		local code <const>, body <const> = httpc.post(host, "/echo", { ["a b"] = "1&2=3" })
		equal(code, 200)
		equal(body, "POST a%20b=1%262%3D3")
		equal(last.header["content-type"], "application/x-www-form-urlencoded")
	end)
	rule("1.10 httpc.head", function()
		equal(httpc.head(host, "/echo"), 200)
		equal(last.method, "HEAD")
	end)
	rule("1.10 httpc.request", function()
		local code <const>, body <const> =
			httpc.request("PUT", host, "/echo", nil, { ["Host"] = "other" }, ("x"):rep(20000))
		equal(code, 200)
		equal(#body, 20004)
		equal(last.header.host, "other")
		equal((httpc.request("PUT", host, "/echo", nil, nil, ("x"):rep(20001))), 413)
	end)
	rule("1.10 bodies of responses", function()
		local chunks <const> = ("2 "):rep(1000) .. ("1 "):rep(1000) .. ("0 "):rep(1000)
		equal(select(2, httpc.get(host, "/chunks")), chunks)
		local code <const>, body <const> = httpc.get(host, "/empty")
		equal(code, 204)
		equal(body, "")
		equal(select(2, httpc.get(host, "/until-end")), "up to the end")
		equal(select(2, httpc.get(host, "/continue")), "ok")
	end)
	rule("1.10 httpc raises for bad responses", function()
		raises("not an HTTP response", httpc.get, host, "/garbage")
		raises("[Socket Error]", httpc.get, host, "/short")
		raises("a bad chunk", httpc.get, host, "/bad-chunk")
		raises("too long", httpc.get, host, "/long-head")
		raises("cannot connect", httpc.get, HOST .. ":" .. rules.free_port(), "/")
	end)
	rule("1.10 httpc checks what it sends", function()
		raises("not a header", httpc.get, host, "/echo", nil, { a = "b\r\nc: d" })
		raises("not a request", httpc.get, host, "/echo HTTP/1.1\r\nX: y")
		raises("not a host", httpc.get, "http://", "/")
		raises("not a host", httpc.get, HOST .. ":70000", "/")
	end)
	rule("1.10 httpc schemes", function()
		raises("ftp is not supported", httpc.get, "ftp://" .. host, "/")
		equal((httpc.get("HTTP://" .. host, "/echo")), 200)
	end)
	rule("1.10 httpc.dns", function()
		local asked <const> = {}
		local before <const> = package.loaded["skynet.dns"]
		package.loaded["skynet.dns"] = {
			server = function(...)
				asked.server = table.pack(...)
			end,
			resolve = function(name)
				asked.name = name
				assert(name == "game.test" or name == HOST, "nobody of this name")
				return HOST
			end,
		}
		httpc.dns(HOST, 5353)
		package.loaded["skynet.dns"] = before
		equal(asked.server[2], 5353)
		equal((httpc.get("game.test:" .. port, "/echo")), 200)
		equal(last.header.host, "game.test:" .. port)
		raises("nobody of this name", httpc.get, "other.test:" .. port, "/echo")
		httpc.timeout = 3000
		equal((httpc.get("game.test:" .. port, "/echo")), 200)
		raises("cannot connect", httpc.get, "other.test:" .. port, "/echo")
		httpc.timeout = nil
	end)
	rule("1.10 httpc.timeout", function()
		httpc.timeout = 20
		raises("timeout", httpc.get, host, "/silent")
		raises("timeout", httpc.get, host, "/drip")
		httpc.timeout = 3000
		equal((httpc.get(host, "/echo")), 200)
		httpc.timeout = nil
	end)
	rule("1.10 httpc.request_stream", function()
		local parts <const> = {}
		for part, stream in httpc.request_stream("GET", host, "/chunks") do
			parts[#parts + 1] = part
			equal(stream.status, 200)
			equal(stream.header["transfer-encoding"], "chunked")
		end
		equal(#parts, 3)
		local left
		for part, stream in httpc.request_stream("GET", host, "/drip") do
			left = stream
			if part then
				break
			end
		end
		equal(left.connected, false)
		local stream <const> = httpc.request_stream("GET", host, "/short")
		equal(stream(), "short")
		raises("[Socket Error]", stream)
		equal(stream.connected, false)
		equal(stream(), nil)
	end)
end

local function server(port)
	rule("1.10 httpd against raw bytes", function()
		equal(raw(port, "nonsense\r\n\r\n"), 400)
		equal(raw(port, "GET / HTTP/3.0\r\n\r\n"), 505)
		equal(raw(port, "GET /echo HTTP/1.0\r\n\r\n"), 200)
		equal(raw(port, "PUT /echo HTTP/1.1\r\nContent-Length: 20001\r\n\r\n"), 413)
		local many <const> = {}
		for i = 1, 50 do
			skynet.fork(function()
				local code <const> = raw(port, "\0\xff" .. i .. "\r\n\r\n")
				many[#many + 1] = code
			end)
		end
		rules.wait_until(function()
			return #many == 50
		end)
		for i = 1, 50 do
			equal(many[i], 400)
		end
	end)
	rule("1.10 sockethelper", function()
		raises("[Socket Error]", sockethelper.connect, HOST, rules.free_port())
		raises("[Socket Error]", sockethelper.connect, HOST, rules.free_port(), 3000)
		local fd <const> = sockethelper.connect(HOST, port, 3000)
		sockethelper.writefunc(fd) "GET /echo HTTP/1.1\r\n\r\n"
		local read <const> = sockethelper.readfunc(fd, "before")
		equal(read(2), "be")
		equal(read(5), "foreH")
		equal(read(3), "TTP")
		assert(sockethelper.readall(fd):find "GET $")
		equal(sockethelper.readall(fd), "")
		raises("[Socket Error]", read)
		sockethelper.shutdown(fd)
		sockethelper.close(fd)
	end)
end

rules.run("http", function()
	urls()
	requests()
	responses()
	local port <const> = rules.serve(http_server)
	client(port)
	server(port)
	rule("1.10 http leaves no socket", function()
		rules.wait_until(rules.no_connection)
	end)
end)
