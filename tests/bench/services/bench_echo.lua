-- Answers every request with its values.
local skynet <const> = require "skynet"
local service <const> = require "bench_service"

service.serve({}, skynet.retpack)
