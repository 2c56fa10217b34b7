-- Runs a login policy file (login.policy; lua/game/login_policy.lua by default) and hands its
-- functions to the login daemon.
local core <const> = require "skynet.core"
local login <const> = require "gatehouse.login"
local skynet <const> = require "skynet"

local file <const> = ...
local policy <const> = assert(core.loadfile(file))()
assert(type(policy) == "table", file .. " must return a table")
login.serve(policy.auth_handler, policy.login_handler)

skynet.start(function() end)
