"""An actor module whose players end in every way but the ordinary one."""

import itertools

from gatehouse_client import Closed
from server import PATIENCE

GAME = """
local skynet = require "skynet"
local manager = require "skynet.manager"
local M = { concurrent = true }
local host = skynet.self()
local dies = {
	kill = function(self) manager.kill(self.address) end,
	exit = function() skynet.exit() end,
	host = function() manager.kill(host) end,
}
function M.load(self, data) self.count = data or 0 end
function M.save(self) return self.count end
function M.request(self, msg)
	if dies[msg] then
		dies[msg](self)
	elseif msg == "wait" then
		skynet.wait()
	elseif msg == "count" then
		self.count = self.count + 1
		return tostring(self.count)
	end
	return msg
end
return M
"""
WAYS = ["kill", "exit", "host"]

_numbers = itertools.count()


def start(start_server, tmp_path, per_vm):
    """A server whose players end when a request names one of WAYS."""
    module = tmp_path / f"dying{next(_numbers)}.lua"
    module.write_text(GAME)
    return start_server({"agent": {"module": str(module), "per_vm": per_vm}})


def read_to_end(gate):
    """{session: its responses} of all that comes until the gate closes."""
    try:
        gate.read_until_closed(20 * PATIENCE)
    except Closed:
        pass
    return gate.responses
