-- luacheck lua: standard Lua 5.4 and not one global of our own. Tabs indent.
std = "lua54"
globals = {}
max_line_length = 100
-- Functions without a body, for the language server only.
files["lua/types"] = { ignore = { "212", "241" } }
