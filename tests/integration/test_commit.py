"""self:commit(): data and reply are durable together, so that a client which asks again after a
crash of the server gets the same reply, and the work is not done twice
(docs/lua-api.md, "What is promised to a request")."""

import pytest
from conftest import mysql_store
from players import Player
from server import PATIENCE


def test_a_committed_reply_survives_a_crash(start_server):
    server = start_server()
    player = Player(server)
    gate = player.connect(conversation="shop")
    assert gate.request("buy", 1) == b"1"
    assert gate.request("buy", 2) == b"2"
    server.kill()
    server.start()
    back = Player(server, player.user).connect(conversation="shop")
    assert back.request("buy", 2) == b"2", "the reply of the work that was done"
    assert back.request("buy", 1) == b"1"
    assert back.request("buy", 3) == b"3", "and nothing was done twice"


@pytest.mark.parametrize("conversation", ["other", "", None])
def test_another_conversation_starts_afresh(start_server, conversation):
    server = start_server()
    player = Player(server)
    assert player.connect(conversation="shop").request("buy", 1) == b"1"
    server.kill()
    server.start()
    extended = {} if conversation is None else {"conversation": conversation}
    back = Player(server, player.user).connect(**extended)
    assert back.request("buy", 1) == b"2", "its session 1 is a new request"


def test_a_commit_without_conversation_is_durable_data(start_server):
    server = start_server()
    player = Player(server)
    assert player.connect().request("buy", 1) == b"1"
    server.kill()
    server.start()
    assert Player(server, player.user).connect().request("count") == b"2"


def test_a_commit_waits_for_a_store_that_is_down(own_mariadb, start_server):
    server = start_server({"store": mysql_store(own_mariadb, "commit").config})
    gate = Player(server).connect(conversation="shop")
    assert gate.request("buy", 1) == b"1"
    own_mariadb.kill()
    since = server.log_size()
    gate.send_request("buy", 2)
    server.wait_log("the store does not answer yet", since, 30)
    gate.ping()
    assert not gate.responses.get(2), "no reply says that it was done, or that it was not"
    own_mariadb.start()
    assert gate.response(2, timeout=30 * PATIENCE) == (1, b"2")
