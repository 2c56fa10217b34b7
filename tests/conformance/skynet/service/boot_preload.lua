-- The preload file of boot.lua.
rawset(_G, "PRELOADED", table.concat({ ... }, " "))
