"""A game whose requests tell what became of them: for the tests of what is promised to them."""

MODULE = """
local skynet <const> = require "skynet"

local M <const> = { concurrent = CONCURRENT }

function M.load(self, data)
	self.bought = data and data.bought or 0
end

function M.save(self)
	return { bought = self.bought }
end

-- buy MS, take MS   adds one after MS milliseconds, and replies the count; buy commits
-- big BYTES         buys, and replies so many bytes
-- fail MS           buys, waits, and raises
-- flush             adds one, and replies when that is durable
-- look              replies the count
function M.request(self, msg)
	local word <const>, rest <const> = msg:match "^(%a+) ?(.*)$"
	local number <const> = tonumber(rest) or 0
	if word == "look" then
		return tostring(self.bought)
	end
	if word == "buy" or word == "take" then
		skynet.sleep(number // 10)
	end
	self.bought = self.bought + 1
	if word == "take" then
		return tostring(self.bought)
	elseif word == "flush" then
		self:flush()
		return tostring(self.bought)
	end
	self:commit()
	if word == "fail" then
		skynet.sleep(number // 10)
		error "as asked"
	end
	return word == "big" and ("x"):rep(number) or tostring(self.bought)
end

HOOK
return M
"""

ROLLBACK = """
function M.rollback(self)
	self.bought = 1000
end
"""


def shop(folder, concurrent=False, hook=""):
    """The path of the module, written into the folder."""
    text = MODULE.replace("CONCURRENT", str(concurrent).lower()).replace("HOOK", hook)
    path = folder / "shop.lua"
    path.write_text(text)
    return str(path)


def shop_config(folder, **options):
    """The `agent` section: what is stored is what a request stores."""
    return {"agent": {"module": shop(folder, **options), "save_interval_ms": 0}}
