-- For the console's inject: a coroutine that waits for ever.
local skynet <const> = require "skynet"

skynet.fork(skynet.wait, {})
