-- The standard libraries that fill themselves at the first access behave like those of a fresh
-- state.
local testing <const> = require "testing"

-- testing.lua has used debug already; each of the others is met here for the first time, in the
-- way that its row names.
testing.run(function()
	testing.equal(rawget(_G, "math"), package.loaded.math, "one table")
	testing.equal(require "math", math, "require")
	testing.equal(math.type(1), "integer", "indexed")
	testing.equal(getmetatable(math), nil, "an ordinary table once filled")
	testing.equal(rawget(math, "pi"), math.pi, "filled whole")

	local names <const> = {}
	for name in pairs(utf8) do
		names[#names + 1] = name
	end
	table.sort(names)
	testing.equal(
		table.concat(names, " "),
		"char charpattern codepoint codes len offset",
		"pairs of a library that nobody has touched"
	)

	local own <const> = function() end
	rawget(_G, "os").time = own
	testing.equal(os.time, own, "a replaced function stays replaced")
	testing.equal(type(os.getenv), "function", "and the others are there")

	testing.equal(io.type(io.stdout), "file")
	testing.equal(type(debug.traceback()), "string")
	testing.equal(rawget(_G, "math").nothing, nil)

	testing.equal(next(package.preload), nil, "no state holds modules that nobody requires")
	package.preload.md5 = function(name, data)
		return { name = name, data = data }
	end
	testing.equal(require("md5").data, ":preload:", "a script's own loader comes first")
	testing.equal(select(2, require "json"), ":native:", "a module of the program")
	testing.equal(package.loaded.json, require "json", "loaded once")
end)
