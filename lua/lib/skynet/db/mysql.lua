-- A MySQL and MariaDB client (docs/skynet-rules.md 1.10) on libmariadb. Each connection has a
-- thread of the process for itself, and what is asked of it is done in order; the service waits
-- without being held up.
--
-- What the server refuses is returned as { badresult = true, err=, errno=, sqlstate= }. An end
-- of the connection raises, and whether the statement ran is unknown: nothing is run twice. The
-- next call connects again, runs on_connect again, and prepares statements again where they are
-- used. A connection that ended while nothing ran on it is replaced without a word, unless a
-- transaction was open.
local core <const> = require "skynet.core"
local driver <const> = require "gatehouse.mysql"
local error_text <const> = require "skynet.error_text"
local skynet <const> = require "skynet"

local M <const> = {}

local PORT <const> = 3306
local CONNECT_TIMEOUT_MS <const> = 5000
local RESULT_BYTES_MAX <const> = 64 << 20
-- Requests that wait when overload(true) is called, and when overload(false).
local OVERLOAD <const> = 512
local RELIEF <const> = 256
-- A request meets so many connections that are gone before it gives up.
local ATTEMPTS_MAX <const> = 3

---@class MysqlTls
---@field mode "off"|"required"|"verify" verify: the certificate is issued by ca for the host
---@field ca? string file; the system's certificates when left out
---@field cert? string file with a certificate of our own
---@field key? string file with its key

---@class MysqlOptions
---@field host string
---@field port? integer 3306
---@field user? string
---@field password? string
---@field database? string
---@field charset? string the server's default when left out, or "_default"
---@field compact_arrays? boolean rows are lists, not tables by column
---@field on_connect? async fun(db: Mysql) runs at every new connection, before anything else
---@field overload? fun(overloaded: boolean)
---@field max_packet_size? integer without effect: result_bytes_max bounds what arrives
---@field result_bytes_max? integer of one call's result, 64 MiB
---@field connect_timeout_ms? integer 5000
---@field io_timeout_ms? integer of waiting for the server; 0 or left out: any time
---@field tls? MysqlTls

---@class MysqlStatement
---@field prepare_id integer
---@field param_count integer
---@field field_count integer
---@field warning_count integer
---@field fields { name: string, type: integer, is_signed: boolean }[]

---@class Mysql
---@field private connection table
---@field private options MysqlOptions
---@field private compact boolean
---@field private connected boolean
---@field private closed boolean
---@field private version string
---@field private generation integer number of the connection
---@field private attempt? { owner: thread, waiting: table[], error?: string }
local db <const> = {}
db.__index = db

local function raise(text)
	error("mysql: " .. tostring(text), 0)
end

-- Hands a request in and waits for its answer: "done", "lost" or "away" and a value.
---@async
local function ask(self, method, ...)
	local connection <const> = self.connection
	local session <const>, why <const> = connection[method](connection, ...)
	if not session then
		raise(why)
	end
	local overload <const> = self.options.overload
	if overload and not self.overloaded and connection:waiting() >= OVERLOAD then
		self.overloaded = true
		overload(true)
	end
	core.await(session)
	local state <const>, value <const> = connection:take(session, self.compact)
	if overload and self.overloaded and connection:waiting() <= RELIEF then
		self.overloaded = false
		overload(false)
	end
	return state, value
end

-- Connects; on_connect's own requests pass meanwhile, all others wait for the end. They fail
-- with it, but when this coroutine is killed, one of them tries.
---@async
local function connect(self)
	local attempt <const> = { owner = coroutine.running(), waiting = {} }
	self.attempt = attempt
	local _ <close> = setmetatable({}, {
		__close = function()
			self.attempt = nil
			for _, token in ipairs(attempt.waiting) do
				skynet.wakeup(token)
			end
		end,
	})
	local state <const>, value <const> = ask(self, "connect")
	if state ~= "done" then
		attempt.error = value
		raise(value)
	end
	self.version = value
	self.generation = self.generation + 1
	if self.options.on_connect then
		local ok <const>, message <const> = pcall(self.options.on_connect, self)
		if not ok then
			attempt.error = "on_connect: " .. error_text(message)
			raise(attempt.error)
		end
	end
	self.connected = true
end

---@async
local function connected(self)
	while not self.connected or self.closed do
		local attempt <const> = self.attempt
		if self.closed then
			raise "the connection was closed"
		elseif not attempt then
			connect(self)
		elseif attempt.owner == coroutine.running() then
			return
		else
			local token <const> = {}
			table.insert(attempt.waiting, token)
			skynet.wait(token)
			if attempt.error then
				raise(attempt.error)
			end
		end
	end
end

---@async
local function request(self, method, ...)
	for _ = 1, ATTEMPTS_MAX do
		connected(self)
		local generation <const> = self.generation
		local state <const>, value <const> = ask(self, method, ...)
		if state == "done" then
			return value
		end
		if generation == self.generation then
			self.connected = false
		end
		if state == "lost" then
			raise(value)
		elseif self.attempt and self.attempt.owner == coroutine.running() then
			break -- in on_connect: there is no connection to make here
		end
	end
	raise "the server closes its connections"
end

--- Runs one statement, or several divided by semicolons.
---@async
---@param sql string
---@return table result rows, { affected_rows=, ... }, or a list of them with multiresultset
function db:query(sql)
	return request(self, "query", sql)
end

---@async
---@param sql string with a question mark for each parameter
---@return MysqlStatement|table statement or a table with badresult
function db:prepare(sql)
	return request(self, "prepare", sql)
end

---@async
---@param statement MysqlStatement
---@param ... string|number|boolean|nil a value for each parameter
---@return table result as that of query
function db:execute(statement, ...)
	local count <const> = select("#", ...)
	if count ~= statement.param_count then
		local text <const> = "the statement has %d parameters, not %d"
		error(text:format(statement.param_count, count), 2)
	end
	return request(self, "execute", statement.prepare_id, ...)
end

---@async
---@param statement MysqlStatement
---@return table result
function db:stmt_reset(statement)
	return request(self, "reset", statement.prepare_id)
end

--- The statement cannot be executed any more.
---@param statement MysqlStatement
function db:stmt_close(statement)
	if not self.closed then
		self.connection:close_statement(statement.prepare_id)
	end
end

---@async
---@return table result
function db:ping()
	return request(self, "ping")
end

---@return string
function db:server_ver()
	return self.version
end

--- Whether the rows of later calls are lists.
---@param compact boolean
function db:set_compact_arrays(compact)
	self.compact = compact
end

--- Ends the connection for good: what runs, waits or comes later raises.
function db:disconnect()
	if not self.closed then
		self.closed = true
		self.connected = false
		self.connection:close()
	end
end

local function text_of(value)
	return value == nil and "" or tostring(value)
end

--- Connects and logs in; raises.
---@async
---@param options MysqlOptions
---@return Mysql
function M.connect(options)
	local charset = text_of(options.charset)
	if charset == "_default" then
		charset = ""
	end
	local tls <const> = options.tls or { mode = "off" }
	local connection <const>, why <const> = driver.open(
		options.host,
		options.port or PORT,
		text_of(options.user),
		text_of(options.password),
		text_of(options.database),
		charset,
		options.connect_timeout_ms or CONNECT_TIMEOUT_MS,
		options.io_timeout_ms or 0,
		options.result_bytes_max or RESULT_BYTES_MAX,
		tls.mode,
		text_of(tls.ca),
		text_of(tls.cert),
		text_of(tls.key)
	)
	if not connection then
		raise(why)
	end
	local self <const> = setmetatable({
		connection = connection,
		options = options,
		compact = options.compact_arrays,
		connected = false,
		closed = false,
		overloaded = false,
		generation = 0,
	}, db)
	local ok <const>, message <const> = pcall(connected, self)
	if not ok then
		self:disconnect()
		error(message, 0)
	end
	return self
end

local ESCAPES <const> = {
	["\0"] = "\\0",
	["\b"] = "\\b",
	["\n"] = "\\n",
	["\r"] = "\\r",
	["\t"] = "\\t",
	["\26"] = "\\Z",
	["\\"] = "\\\\",
	["'"] = "\\'",
	['"'] = '\\"',
}

--- A string as a literal in SQL, with its quotes. Not for the sql_mode NO_BACKSLASH_ESCAPES, and
--- not for the charsets gbk, big5, sjis and cp932: prepare statements there.
---@param text string
---@return string
function M.quote_sql_str(text)
	return "'" .. text:gsub("[%z\b\n\r\t\26\\'\"]", ESCAPES) .. "'"
end

return M
