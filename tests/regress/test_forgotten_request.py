"""What is older than the memory of it ran again: the bounds of what may be pending, of the answers
kept and of the committed replies stored were three numbers that did not fit together, and a number
that was forgotten was taken for a new one. In a conversation a number runs once, ever: it is
answered, awaited, or refused with `410 Gone`."""

import urllib.request
from random import Random

import pytest
from gatehouse_client import Closed, Gate, request_frame
from players import Player
from server import PATIENCE
from shop import shop_config
from waiting import wait_until

GONE = (0, b"410 Gone")
DONE = (0, b"410 Gone done")
WAIT = 60 * PATIENCE


def send_all(gate, content, numbers):
    gate.send(b"".join(request_frame(content, number) for number in numbers))


def answers(gate, numbers):
    return {number: gate.response(number, WAIT) for number in numbers}


def in_a_crash(server, player, gate, content, count, answered):
    """`count` requests on their way, `answered` of them answered, a crash, and all asked again."""
    numbers = range(1, count + 1)
    send_all(gate, content, numbers)
    answers(gate, range(1, answered + 1))
    server.kill()
    server.start()
    back = Player(server, player.user).connect(conversation="shop")
    send_all(back, content, numbers)
    return back, answers(back, numbers)


@pytest.mark.parametrize("answered", [1, 20, 40])
def test_what_was_on_its_way_in_a_crash_is_done_once(start_server, tmp_path, answered):
    server = start_server(shop_config(tmp_path))
    player = Player(server)
    gate = player.connect(conversation="shop")
    back, found = in_a_crash(server, player, gate, "buy", 40, answered)
    assert [found[number] for number in range(1, 41)] == [
        (1, str(number).encode()) for number in range(1, 41)
    ]
    assert back.request("look", 41) == b"40"


@pytest.mark.parametrize("answered", [1, 20, 40])
def test_of_those_that_ran_together_in_a_crash_each_is_done_once_or_refused(
    start_server, tmp_path, answered
):
    """With `concurrent`, the save of one may hold half of another that had begun."""
    server = start_server(shop_config(tmp_path, concurrent=True))
    player = Player(server)
    gate = player.connect(conversation="shop")
    back, found = in_a_crash(server, player, gate, "buy", 40, answered)
    refused = [number for number in range(answered + 1, 41) if found[number] == GONE]
    done = [found[number] for number in range(1, 41) if number not in refused]
    count = 40 - len(refused)
    assert sorted(done, key=lambda answer: int(answer[1])) == [
        (1, str(number).encode()) for number in range(1, count + 1)
    ]
    assert back.request("look", 41) == str(count).encode(), "what was refused was not done"


def test_a_window_of_eight_is_enough_for_what_may_be_pending_with_it(start_server, tmp_path):
    server = start_server(shop_config(tmp_path) | {"gate": {"reply_cache_count": 8}})
    player = Player(server)
    gate = player.connect(conversation="shop")
    back, found = in_a_crash(server, player, gate, "buy", 30, 12)
    assert back.request("look", 31) == b"30"
    for number, answer in found.items():
        assert answer in ((1, str(number).encode()), GONE), number
    assert all(found[number][0] == 1 for number in range(23, 31)), "the newest eight, or new"


def test_a_mark_stays_where_replies_are_too_big_to_keep(start_server, tmp_path):
    server = start_server(shop_config(tmp_path))
    player = Player(server)
    gate = player.connect(conversation="shop")
    back, found = in_a_crash(server, player, gate, "big 30000", 10, 10)
    assert back.request("look", 11) == b"10"
    assert {found[number] for number in range(1, 9)} == {DONE}
    assert found[9] == found[10] == (1, b"x" * 30000)


@pytest.mark.parametrize("word", ["buy", "take"])
def test_a_thousand_on_their_way_and_a_reconnect(start_server, tmp_path, word):
    server = start_server(shop_config(tmp_path))
    player = Player(server)
    gate = player.connect(conversation="shop")
    numbers = range(1, 1001)
    send_all(gate, word, numbers)
    gate.response(60, WAIT)
    back = player.reconnect(conversation="shop")
    send_all(back, word, numbers)
    found = answers(back, numbers)
    for number, answer in found.items():
        assert answer in ((1, str(number).encode()), GONE), number
    assert back.request("look", 1001, WAIT) == b"1000", "each once"
    assert all(found[number][0] == 1 for number in range(1001 - 128, 1001))


def test_a_client_within_its_window_is_never_refused(start_server, tmp_path):
    """Sixteen unanswered at most, connections that break at any time, and crashes in between."""
    server = start_server(shop_config(tmp_path) | {"gate": {"reply_cache_count": 16}})
    random = Random(11)
    player = Player(server)
    gate = player.connect(conversation="shop")
    unanswered, last, counted = [], 0, {}
    for turn in range(60):
        fresh = range(last + 1, last + 1 + random.randrange(17 - len(unanswered)))
        last += len(fresh)
        send_all(gate, "buy", fresh)
        unanswered += fresh
        for number in unanswered[: random.randrange(len(unanswered) + 1)]:
            kind, content = gate.response(number, WAIT)
            assert kind == 1, (turn, number)
            counted[number] = int(content)
            unanswered.remove(number)
        if turn % 15 == 14:
            server.kill()
            server.start()
            player = Player(server, player.user)
            gate = player.connect(conversation="shop")
        elif random.randrange(2):
            gate = player.reconnect(conversation="shop")
        else:
            continue
        send_all(gate, "buy", unanswered)
    counted |= {number: int(gate.response(number, WAIT)[1]) for number in unanswered}
    assert counted == {number: number for number in range(1, last + 1)}, "each once, in order"


def test_a_number_is_used_once_on_a_connection(start_server, tmp_path):
    gate = Player(start_server(shop_config(tmp_path))).connect(conversation="shop")
    for word in ("take", "buy"):
        number = gate.next_session
        gate.next_session += 1
        first = gate.request(word, number)
        send_all(gate, word, [number] * 2)
        assert gate.response(number) == gate.response(number) == (1, first)
    assert gate.request("look", 9) == b"2"
    send_all(gate, "take 300", [10] * 4)  # while it runs
    assert gate.response(10) == (1, b"3")
    assert gate.request("look", 11) == b"3"
    assert gate.responses[10] == [], "one answer for all who wait"


def test_the_handshake_of_skynet_keeps_its_rule(server):
    player = Player(server)
    gate = player.connect()
    assert gate.request("count", 1) == b"1"
    assert gate.request("count", 1) == b"2"
    gate = player.reconnect(conversation="")
    assert gate.request("count", 1) == b"2"
    assert gate.request("count", 1) == b"3"


def test_what_is_forgotten_is_refused(start_server, tmp_path):
    server = start_server(
        shop_config(tmp_path)
        | {"gate": {"reply_cache_count": 4}, "admin": {"listen": "127.0.0.1:0"}}
    )
    player = Player(server)
    gate = player.connect(conversation="shop")
    for number in (10, 11, 12, 13, 14):
        gate.request("take", number)
    gate = player.reconnect(conversation="shop")
    for number in (10, 3):
        send_all(gate, "take", [number])
        assert gate.response(number) == GONE, "never seen, but not above what was forgotten"
    assert gate.request("take", 11) == b"2"
    assert gate.request("look", 15) == b"5"
    assert metric(server, "gatehouse_gate_requests_gone") == 2


def metric(server, name):
    with urllib.request.urlopen(f"http://{server.ready['admin']}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])


def test_a_client_may_ask_for_its_window(server):
    player = Player(server)
    assert connect_line(player, conversation="a", options="window") == "200 OK window=128"
    assert connect_line(player, conversation="a") == "200 OK"
    assert connect_line(player, conversation="", options="window") == "200 OK"
    assert connect_line(player) == "200 OK"


def connect_line(player, **extended):
    player.index += 1
    with Gate(player.server.gate()) as gate:
        return gate.handshake(player.login, player.index, **extended)


def test_what_is_above_the_window_waits_unread(start_server, tmp_path):
    server = start_server(
        shop_config(tmp_path, concurrent=True)
        | {"gate": {"reply_cache_count": 16}, "admin": {"listen": "127.0.0.1:0"}}
    )
    player = Player(server)
    gate = player.connect(conversation="shop")
    send_all(gate, "take 100", range(1, 201))
    wait_until(lambda: metric(server, "gatehouse_gate_connections_held_back") > 0, WAIT)
    assert gate.response(200, WAIT)[0] == 1
    assert gate.request("look", 201) == b"200"
    # The same across a connection that breaks while it is held back.
    send_all(gate, "take 100", range(301, 501))
    gate.response(301, WAIT)
    back = player.reconnect(conversation="shop")
    send_all(back, "take 100", range(301, 501))
    found = answers(back, range(301, 501))
    assert back.request("look", 501) == b"400"
    assert set(found.values()) <= {GONE} | {(1, str(n).encode()) for n in range(201, 401)}


def test_two_devices_in_turn_find_their_conversations(start_server, tmp_path):
    server = start_server(shop_config(tmp_path))
    player = Player(server)
    gate = player.connect(conversation="phone")
    assert gate.request("buy", 1) == b"1"
    assert gate.request("take", 2) == b"2"
    gate = player.reconnect(conversation="tablet")
    assert gate.request("buy", 1) == b"3"
    gate = player.reconnect(conversation="phone")
    assert gate.request("buy", 1) == b"1"
    send_all(gate, "take", [2])
    assert gate.response(2) == GONE
    for conversation, reply in (("tablet", b"3"), ("phone", b"1")):
        server.kill()
        server.start()
        gate = Player(server, player.user).connect(conversation=conversation)
        assert gate.request("buy", 1) == reply
    assert gate.request("look", 3) == b"3"


def test_every_number_below_the_ping_is_a_number(start_server, tmp_path):
    gate = Player(start_server(shop_config(tmp_path))).connect(conversation="shop")
    for count, number in enumerate((0, 1, 2**31, 2**32 - 2), 1):
        for _ in range(2):
            gate.send(request_frame("buy", number))
            assert gate.response(number) == (1, str(count).encode())


def test_a_client_that_asks_without_end_is_still_closed(start_server, tmp_path):
    server = start_server(
        shop_config(tmp_path, concurrent=True) | {"limits": {"gate_pending_requests_max": 8}}
    )
    gate = Player(server).connect(conversation="shop")
    with pytest.raises(Closed):
        send_all(gate, "take 60000", range(1, 30))
        answers(gate, range(1, 30))
    assert [control["code"] for control in gate.controls] == [429]
