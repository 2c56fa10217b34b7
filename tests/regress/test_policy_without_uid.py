"""A login policy that names nobody: auth_handler returned without a user, and the client got no
answer and no end. Whatever a policy leaves out or returns that cannot be a user, the client is
refused."""

import pytest
from gatehouse_client import login
from server import PATIENCE

POLICY = """
local M = {}
function M.auth_handler(token)
	local results = {
		server_only = { token.server },
		nothing = {},
		empty = { token.server, "" },
		table = { token.server, {} },
		boolean = { token.server, false },
		swapped = { nil, token.user },
		good = { token.server, token.user },
	}
	local result = results[token.user]
	return result[1], result[2]
end
return M
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from server import Server

    folder = tmp_path_factory.mktemp("policy")
    (folder / "policy.lua").write_text(POLICY)
    instance = Server(folder, {"login": {"policy": str(folder / "policy.lua")}}).start()
    yield instance
    instance.stop()


@pytest.mark.parametrize("user", ["server_only", "nothing", "empty", "table", "boolean", "swapped"])
@pytest.mark.parametrize("suite", ["plain", "skynet"])
def test_it_is_refused(server, user, suite):
    answer = login(server.login, user, "secret", "sample", suite, timeout=15 * PATIENCE)
    assert answer.line == "401 Unauthorized"


def test_others_are_not(server):
    assert login(server.login, "good", "secret", "sample").code == 200
