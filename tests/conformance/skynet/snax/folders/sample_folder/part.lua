-- Found beside main.lua.
return { name = "the part" }
