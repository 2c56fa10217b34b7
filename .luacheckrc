-- luacheck lua: standard Lua 5.4 and not one global of our own. Tabs indent.
std = "lua54"
globals = {}
max_line_length = 100
-- Functions without a body, for the language server only.
files["lua/types"] = { ignore = { "212", "241" } }
-- What the loader and the snax loader put into the globals of a service.
files["tests/conformance"] = { read_globals = { "SERVICE_NAME" } }
files["tests/conformance/skynet/snax/*/**"] = {
	globals = { "accept", "response", "init", "exit", "hotfix" },
}
