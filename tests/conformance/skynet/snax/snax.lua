-- skynet.snax (docs/skynet-rules.md 1.9, 2.13).
local skynet <const> = require "skynet"
local snax <const> = require "skynet.snax"
local rules <const> = require "rules"

local rule <const>, same <const>, raises <const> = rules.rule, rules.same, rules.raises

local reports <const> = {} -- what exit functions said

skynet.dispatch("lua", function(_, _, ...)
	reports[#reports + 1] = table.pack(...)
end)

local PATCH <const> = [[
local i
local step
local advance
local bonus = 1000

function accept.advance()
	step = 50
	advance()
	i = i + bonus
end

function response.count()
	return "patched", i
end

function hotfix(...)
	local before = i
	i = i + 1
	return before, ...
end
]]

local function hotfixes(object)
	object.post.add(1)
	local before <const> = object.req.count()
	same(before, "argument", nil)(snax.hotfix(object, PATCH, "argument", nil))
	same("patched", before + 1)(object.req.count())
	object.post.advance()
	same("patched", before + 1051)(object.req.count())
	raises(
		"Patch mismatch accept.fresh",
		snax.hotfix,
		object,
		"function response.count() return 'half' end function accept.fresh() end"
	)
	raises("patch:1:", snax.hotfix, object, "function response.count(")
	raises("in the patch", snax.hotfix, object, "error 'in the patch'")
	same("patched", before + 1051)(object.req.count())
end

local function unique()
	local found <const> = {}
	skynet.fork(function()
		found[1] = snax.queryservice "sample"
	end)
	for i = 2, 10 do
		skynet.fork(function()
			found[i] = snax.uniqueservice("sample", 42)
		end)
	end
	rules.await(function()
		return #found == 10 -- 2..10 can be there before 1
	end)
	for i = 2, 10 do
		same(found[1])(found[i])
	end
	same(42)(found[1].req.count())
	local global <const> = snax.globalservice("sample", 43)
	same(43)(global.req.count())
	same(global)(snax.queryglobal "sample")
	same(false)(global == found[1])
	raises("call failed", snax.uniqueservice, "broken")
end

local function ends()
	local object <const> = snax.newservice("sample", 0, skynet.self())
	local pending
	skynet.fork(function()
		pending = select(2, pcall(object.req.never))
	end)
	skynet.yield()
	same()(snax.kill(object, "killed", nil, 3))
	rules.await(function()
		return reports[1] and pending
	end)
	same("killed", nil, 3)(table.unpack(reports[1], 1, reports[1].n))
	assert(pending:find("call failed", 1, true), pending)
	raises("call to invalid address", object.req.echo, 1)
	same()(object.post.add(1))

	local leaver <const> = snax.newservice("sample", 0, skynet.self())
	leaver.post.leave "left by itself"
	rules.await(function()
		return reports[2]
	end)
	same "left by itself"(table.unpack(reports[2], 1, reports[2].n))
	-- The report comes before the end.
	rules.await(function()
		return not pcall(leaver.req.echo)
	end)
end

local function initialisation()
	raises("call failed", snax.newservice, "sample", 1, nil, "raise")
	raises("cannot open", snax.newservice, "nowhere")
	local raw <const> = snax.rawnewservice("sample", 5)
	same "integer"(math.type(raw))
	same(5)(snax.bind(raw, "sample").req.count())
	raises("call failed", skynet.call, raw, "snax", 1) -- once
	local bare <const> = skynet.newservice("snaxd", "sample")
	raises("call failed", skynet.call, bare, "snax", 7) -- first
end

rules.run("snax", function()
	local object
	rule("1.9 newservice runs init and gives an object", function()
		object = snax.newservice("sample", 7)
		same "sample"(object.type)
		same(string.format("[sample:%x]", object.handle))(tostring(object))
		same(7)(object.req.count())
	end)
	rule("1.9 req returns all values", function()
		same(1, nil, "x", nil)(object.req.echo(1, nil, "x", nil))
		same()(object.req.echo())
		same("late", nil)(object.req.later("late", nil))
	end)
	rule("1.9 post does not wait", function()
		same()(object.post.add(3))
		object.post.fails()
		same(10)(object.req.count())
	end)
	rule("1.9 an error in response fails the request", function()
		raises("call failed", object.req.fails)
		same(10)(object.req.count())
	end)
	rule("1.9 an unknown function raises here", function()
		raises("request sample:nothing no exist", function()
			object.req.nothing()
		end)
		raises("post sample:echo no exist", function()
			object.post.echo()
		end)
	end)
	rule("1.9 bind knows an address by its type", function()
		same(object)(snax.bind(object.handle, "sample"))
		raises("[sample:", snax.bind, object.handle, "sample_folder")
	end)
	rule("1.9 self is the service's own object", function()
		same(object.handle, tostring(object), "sample")(object.req.identity())
	end)
	rule("1.9 interface lists the functions", function()
		local found <const> = snax.interface "sample"
		same("sample", "number")(found.name, type(found.accept.add))
		same("number", nil)(type(found.response.echo), found.response.add)
		same(1, 2, 3, 4)(
			found.system.init, found.system.exit, found.system.hotfix, found.system.profile
		)
		same(5, 6, 7)(found.response.echo, found.response.later, found.response.count)
		same(11, 12)(found.accept.add, found.accept.advance)
	end)
	rule("1.9 a service may be a folder", function()
		same("the part", "sample_folder")(snax.newservice("sample_folder").req.part())
	end)
	rule("1.9 enablecluster takes lua messages", function()
		same("by lua", 2)(skynet.call(object.handle, "lua", 5, "by lua", 2))
	end)
	rule("1.9 profile_info counts calls", function()
		local found <const> = snax.profile_info(object)
		same(2, "float")(found.add and found.add.count + 1, math.type(found.add.time))
		same(1)(found.fails.count // 2)
	end)
	rule("1.9 unique services are started once", unique)
	rule("2.13 init runs once, and first", initialisation)
	rule("2.13 kill runs exit and waits", ends)
	rule("2.13 hotfix replaces functions and keeps locals", function()
		hotfixes(object)
	end)
	rule("1.9 printf logs a formatted line", function()
		snax.printf("printed %d by %s", 5, "snax")
	end)
end)
