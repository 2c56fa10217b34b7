-- skynet.db.mysql (docs/skynet-rules.md 1.10, 5.2) against a real server on the port `mysql_port`,
-- whose root has no password: values, results, errors, statements.
local mysql <const> = require "skynet.db.mysql"
local net <const> = require "net_rules"
local skynet <const> = require "skynet"
local socket <const> = require "skynet.socket"
local equal <const>, rule <const>, raises <const> = net.equal, net.rule, net.raises

local PORT <const> = math.tointeger(tonumber(skynet.getenv "mysql_port"))

local function options(changes)
	local all <const> =
		{ host = net.HOST, port = PORT, user = "root", database = "values_db", charset = "utf8mb4" }
	for key, value in pairs(changes or {}) do
		all[key] = value
	end
	return all
end

local function done(result)
	assert(type(result) == "table" and not result.badresult, result and result.err)
	return result
end

local function refused(result, number, state)
	equal(result.badresult, true)
	equal(result.errno, number)
	equal(result.sqlstate, state)
	assert(#result.err > 0)
end

-- Compares a row with what is wanted, absent values included.
local function same_row(row, wanted)
	for name, value in pairs(wanted) do
		if row[name] ~= value or math.type(row[name]) ~= math.type(value) then
			error(string.format("%s is %s, wanted %s", name, row[name], value), 2)
		end
	end
	for name in pairs(row) do
		assert(wanted[name] ~= nil, name)
	end
end

local TABLE <const> = [[CREATE TABLE kinds (id INT PRIMARY KEY, ti TINYINT, tu TINYINT UNSIGNED,
	sm SMALLINT, me MEDIUMINT, mu MEDIUMINT UNSIGNED, i INT, iu INT UNSIGNED, b BIGINT,
	bu BIGINT UNSIGNED, d DOUBLE, de DECIMAL(20,5), de0 DECIMAL(10,0), y YEAR, bi BIT(10),
	da DATE, dt DATETIME, dt6 DATETIME(6), ts TIMESTAMP NULL, tm TIME, tm3 TIME(3), c CHAR(5),
	v VARCHAR(50) CHARACTER SET utf8mb4, bl BLOB, e ENUM('a','b'), s SET('x','y'), j JSON,
	z INT ZEROFILL)]]
local INSERT <const> = [[INSERT INTO kinds VALUES (1, -128, 255, -32768, -8388608, 16777215,
	-2147483648, 4294967295, -9223372036854775808, 9223372036854775807, 2.25, -1234.5, 77, 2024,
	b'1010101010', '2020-02-29', '2020-02-29 01:02:03', '2020-02-29 01:02:03.000456',
	'2021-01-01 00:00:00', '-838:59:59', '01:02:03.004', 'abc', 'grün', x'00FF01', 'b', 'x,y',
	'{"a":1}', 42)]]
local WANTED <const> = {
	id = 1, ti = -128, tu = 255, sm = -32768, me = -8388608, mu = 16777215, i = -2147483648,
	iu = 4294967295, b = math.mininteger, bu = math.maxinteger, d = 2.25, de = -1234.5, de0 = 77,
	y = 2024, bi = "\2\170", da = "2020-02-29", dt = "2020-02-29 01:02:03",
	dt6 = "2020-02-29 01:02:03.000456", ts = "2021-01-01 00:00:00", tm = "-838:59:59",
	tm3 = "01:02:03.004", c = "abc", v = "grün", bl = "\0\255\1", e = "b", s = "x,y",
	j = '{"a":1}', z = 42,
}

local function make_kinds(db)
	done(db:query "CREATE DATABASE IF NOT EXISTS values_db CHARACTER SET utf8mb4")
	done(db:query "USE values_db; DROP TABLE IF EXISTS kinds, items, t")
	done(db:query(TABLE))
	done(db:query "CREATE TABLE items (id INT PRIMARY KEY AUTO_INCREMENT, n INT, data BLOB)")
	done(db:query(INSERT))
	done(db:query "INSERT INTO kinds (id) VALUES (2)")
	done(db:query [[SET sql_mode = ''; INSERT INTO kinds (id, da, dt, dt6, tm) VALUES
		(3, '0000-00-00', '0000-00-00', '0000-00-00', '00:00:00'), (4, '2020-00-00', NULL, NULL,
		'100:00:00'); SET sql_mode = DEFAULT]])
end

local ZERO <const> = { id = 3, da = "0000-00-00", dt = "0000-00-00 00:00:00",
	dt6 = "0000-00-00 00:00:00.000000", tm = "00:00:00" }

local function value_rules(db)
	rule("1.10 the text protocol gives numbers and strings", function()
		local rows <const> = db:query "SELECT * FROM kinds ORDER BY id"
		equal(#rows, 4)
		same_row(rows[1], WANTED)
		same_row(rows[2], { id = 2 })
	end)

	rule("5.2 execute gives the same, dates and times included", function()
		local statement <const> = done(db:prepare "SELECT * FROM kinds WHERE id = ?")
		for id = 1, 4 do
			local rows <const> = done(db:execute(statement, id))
			equal(#rows, 1)
			same_row(rows[1], done(db:query("SELECT * FROM kinds WHERE id = " .. id))[1])
		end
		same_row(done(db:execute(statement, 3))[1], ZERO)
		equal(#done(db:execute(statement, 9)), 0)
	end)

	rule("1.10 floating numbers", function()
		local sql <const> = "SELECT CAST(3.5 AS DOUBLE) a, CAST(3 AS DOUBLE) b, 1e300 c"
		same_row(db:query(sql)[1], { a = 3.5, b = 3, c = 1e300 })
		same_row(db:execute(db:prepare(sql))[1], { a = 3.5, b = 3.0, c = 1e300 })
	end)

	rule("1.10 unsigned integers above 2^63", function()
		local sql <const> = "SELECT 18446744073709551615 a"
		same_row(db:query(sql)[1], { a = 2.0 ^ 64 })
		same_row(db:execute(db:prepare(sql))[1], { a = -1 })
	end)

	rule("1.10 rows as lists", function()
		local compact <const> = mysql.connect(options { compact_arrays = true })
		local sql <const> = "SELECT 1 a, NULL b, 'x' c"
		same_row(compact:query(sql)[1], { 1, nil, "x" })
		same_row(compact:execute(compact:prepare(sql))[1], { 1, nil, "x" })
		compact:set_compact_arrays(false)
		same_row(compact:query(sql)[1], { a = 1, c = "x" })
		compact:disconnect()
	end)

	rule("1.10 quote_sql_str makes any bytes a literal", function()
		local bytes <const> = {}
		for i = 0, 255 do
			bytes[#bytes + 1] = string.char(i)
		end
		local all <const> = table.concat(bytes)
		equal(mysql.quote_sql_str "it's", [['it\'s']])
		local quoted <const> = mysql.quote_sql_str(all)
		done(db:query("INSERT INTO items (n, data) VALUES (0, _binary" .. quoted .. ")"))
		equal(db:query("SELECT data FROM items WHERE n = 0")[1].data, all)
	end)
end

local function result_rules(db)
	rule("1.10 a statement without rows gives its numbers", function()
		local result = db:query "INSERT INTO items (n) VALUES (1), (2)"
		equal(result.affected_rows, 2)
		assert(math.type(result.insert_id) == "integer" and result.insert_id > 0)
		equal(result.warning_count, 0)
		equal(result.server_status, 2)
		assert(result.message:find("Records: 2", 1, true))
		result = db:query "UPDATE items SET n = n WHERE n > 0"
		equal(result.affected_rows, 2)
		equal(#db:query "SELECT * FROM items WHERE n = 99", 0)
	end)

	rule("1.10 several statements give several sets", function()
		local result <const> = db:query "SELECT 1 a; SET @x = 1; SELECT 2 b"
		equal(#result, 3)
		equal(result[1][1].a, 1)
		equal(result[2].affected_rows, 0)
		equal(result[3][1].b, 2)
		equal(result.multiresultset, true)
		equal(result.mulitresultset, true)
	end)

	rule("1.10 an error of the server is returned", function()
		refused(db:query "SELECT nothing FROM nowhere", 1146, "42S02")
		refused(db:query "", 1065, "42000")
		refused(db:prepare "SELECT (", 1064, "42000")
		local result <const> = db:query "SELECT 1 a; SELECT nothing; SELECT 3"
		refused(result, 1054, "42S22")
		equal(#result, 1)
		equal(result[1][1].a, 1)
		equal(result.multiresultset, true)
	end)

	rule("1.10 procedures with several sets", function()
		done(db:query "CREATE OR REPLACE PROCEDURE two(x INT) BEGIN SELECT x a; SELECT 5 b; END")
		local statement <const> = done(db:prepare "CALL two(?)")
		equal(statement.param_count, 1)
		for _, result in ipairs {
			db:query "CALL two(4)",
			db:execute(statement, 4),
			db:execute(statement, 4),
		} do
			equal(#result, 3)
			equal(result[1][1].a, 4)
			equal(result[2][1].b, 5)
			equal(result[3].affected_rows, 0)
			equal(result.mulitresultset, true)
		end
	end)

	rule("1.10 ping and server_ver", function()
		equal(done(db:ping()).affected_rows, 0)
		assert(db:server_ver():find "^%d+%.%d+")
	end)

	rule("5.2 a large value arrives whole, a larger result than allowed raises", function()
		equal(#db:query("SELECT REPEAT('x', 5000000) x")[1].x, 5000000)
		local small <const> = mysql.connect(options { result_bytes_max = 100000 })
		raises("result_bytes_max", small.query, small, "SELECT REPEAT('x', 200000) x")
		local statement <const> = small:prepare "SELECT REPEAT('x', ?) x"
		raises("result_bytes_max", small.execute, small, statement, 200000)
		equal(small:execute(statement, 3)[1].x, "xxx")
		small:disconnect()
	end)
end

local function statement_rules(db)
	rule("1.10 prepare describes the statement", function()
		local statement <const> = db:prepare "SELECT id, data FROM items WHERE n = ? OR n = ?"
		equal(math.type(statement.prepare_id), "integer")
		equal(statement.param_count, 2)
		equal(statement.field_count, 2)
		equal(statement.fields[2].name, "data")
		raises("2 parameters, not 1", db.execute, db, statement, 1)
		raises("invalid parameter type", db.execute, db, statement, 1, {})
	end)

	rule("1.10 parameters keep their types and bytes", function()
		local statement <const> = db:prepare "INSERT INTO items (n, data) VALUES (?, ?)"
		local bytes <const> = "\0\255\128'\\\n"
		local id <const> = done(db:execute(statement, 7, bytes)).insert_id
		equal(db:query("SELECT data FROM items WHERE id = " .. id)[1].data, bytes)
		done(db:execute(statement, 8, nil))
		equal(db:query("SELECT data FROM items WHERE n = 8")[1].data, nil)
	end)

	rule("1.10 each kind of parameter comes back", function()
		local statement <const> = db:prepare "SELECT ? a, ? b, ? c, ? d, ? e"
		same_row(
			done(db:execute(statement, math.mininteger, 2.5, "s\0x", true, nil))[1],
			{ a = math.mininteger, b = 2.5, c = "s\0x", d = 1 }
		)
	end)

	rule("1.10 a thousand executions", function()
		local statement <const> = db:prepare "SELECT ? + 1 n, ? s"
		for i = 1, 1000 do
			local row <const> = db:execute(statement, i, "s" .. i)[1]
			assert(row.n == i + 1 and row.s == "s" .. i)
		end
		db:stmt_close(statement)
	end)

	rule("1.10 reset and close", function()
		local statement <const> = db:prepare "SELECT ? a"
		equal(done(db:stmt_reset(statement)).affected_rows, 0)
		equal(db:execute(statement, 1)[1].a, 1)
		db:stmt_close(statement)
		refused(db:execute(statement, 1), 1243, "HY000")
		refused(db:stmt_reset(statement), 1243, "HY000")
	end)

	rule("1.10 a statement follows its table", function()
		done(db:query "CREATE TABLE t (a INT); INSERT INTO t VALUES (1)")
		local statement <const> = db:prepare "SELECT * FROM t"
		same_row(db:execute(statement)[1], { a = 1 })
		done(db:query "ALTER TABLE t MODIFY a VARCHAR(9)")
		same_row(db:execute(statement)[1], { a = "1" })
		done(db:query "ALTER TABLE t ADD b VARCHAR(9) DEFAULT 'x'")
		raises("prepared again", db.execute, db, statement)
		same_row(db:execute(statement)[1], { a = "1", b = "x" })
		done(db:query "DROP TABLE t")
		refused(db:execute(statement), 1146, "42S02")
	end)
end

local function connect_rules(db)
	local function fails(text, changes)
		raises(text, mysql.connect, options(changes))
	end

	rule("1.10 connect raises with the server's reason", function()
		done(db:query "CREATE OR REPLACE USER test1@'127.0.0.1' IDENTIFIED BY 'only for tests'")
		done(db:query "GRANT ALL ON values_db.* TO test1@'127.0.0.1'")
		fails("Access denied for user 'test1'", { user = "test1", password = "wrong" })
		fails("Access denied for user 'test1'", { user = "test1" })
		mysql.connect(options { user = "test1", password = "only for tests" }):disconnect()
		fails("Unknown database 'nowhere'", { database = "nowhere" })
		fails("no_such_charset", { charset = "no_such_charset" })
		fails("it does not offer TLS", { tls = { mode = "required" } })
	end)

	rule("1.10 connect raises when nobody is there, or answers", function()
		fails("cannot connect to MySQL at 127.0.0.1", { port = net.free_port() })
		local listener <const>, _, port <const> = socket.listen(net.HOST, 0)
		fails("cannot connect to MySQL", { port = port, connect_timeout_ms = 100 })
		socket.close(listener)
	end)

	rule("1.10 the charset is the server's default or the named one", function()
		local sql <const> = "SELECT @@character_set_client c, @@GLOBAL.character_set_client d"
		local default <const> = mysql.connect(options { charset = "_default" })
		local row <const> = default:query(sql)[1]
		equal(row.c, row.d)
		default:disconnect()
		equal(db:query(sql)[1].c, "utf8mb4")
		local gbk <const> = mysql.connect(options { charset = "gbk" })
		equal(gbk:query(sql)[1].c, "gbk")
		gbk:disconnect()
	end)

	rule("1.10 disconnect is for good", function()
		local other <const> = mysql.connect(options())
		other:disconnect()
		other:disconnect()
		raises("closed", other.query, other, "SELECT 1")
	end)
end

net.run("mysql", function()
	local first <const> = mysql.connect(options { database = "" })
	make_kinds(first)
	first:disconnect()
	local db <const> = mysql.connect(options())
	value_rules(db)
	result_rules(db)
	statement_rules(db)
	connect_rules(db)
	db:disconnect()
end)
