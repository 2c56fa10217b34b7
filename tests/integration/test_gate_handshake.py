"""The gate's handshake (docs/protocol.md 3.2 to 3.5): every answer, the index, who is let in."""

import pytest
from gatehouse_client import Closed, Gate, b64, frame, request_frame
from players import Player
from server import PATIENCE

SERVER = {
    "gate": {
        "gates": [
            {"server": "sample", "listen": "127.0.0.1:0", "maxclient": 1000},
            {"server": "tiny", "listen": "127.0.0.1:0", "maxclient": 3},
        ]
    },
    "limits": {"gate_handshake_timeout_ms": 2000 * PATIENCE},
}

OK = "200 OK"
BAD_REQUEST = "400 Bad Request"
UNAUTHORIZED = "401 Unauthorized"
EXPIRED = "403 Index Expired"
NOT_FOUND = "404 User Not Found"


@pytest.fixture
def player(server):
    return Player(server)


def answer_to(server, body, closes=True):
    """The gate's answer to one handshake; every answer but 200 must close."""
    with Gate(server.gate()) as gate:
        gate.send_frame(body)
        answer = gate.read_frame().decode()
        if closes:
            assert gate.read_to_end() == b""
        return answer


def signed(player, text):
    return f"{text}:{b64(player.login.mac(text))}"


@pytest.mark.parametrize("suite", ["plain", "skynet"])
def test_three_fields(server, suite):
    gate = Player(server, suite=suite).connect()
    assert gate.request("echo") == b"echo"


@pytest.mark.parametrize("suite", ["plain", "skynet"])
def test_six_fields(server, suite):
    gate = Player(server, suite=suite).connect(conversation="abc-DEF_123", last_push=0)
    assert gate.request("echo") == b"echo"


@pytest.mark.parametrize("body", ["", "hello", "a:b", "GET / HTTP/1.1", "x" * 500])
def test_404_text_without_two_colons(server, body):
    assert answer_to(server, body) == NOT_FOUND


def test_404_unknown_user(server, player):
    unknown = player.login.handshake(1).replace(b64(player.user), b64("nobody"))
    assert answer_to(server, unknown) == NOT_FOUND


@pytest.mark.parametrize("part", ["server", "subid"])
def test_404_name_of_another_server_or_session(server, player, part):
    old = {"server": b64("sample"), "subid": b64(player.login.subid)}[part]
    name = player.login.name.replace(old, b64("999999"))
    assert answer_to(server, signed(player, f"{name}:1")) == NOT_FOUND


def test_404_at_the_gate_of_another_server(server, player):
    with Gate(server.gate("tiny")) as gate:
        assert gate.handshake(player.login) == NOT_FOUND


@pytest.mark.parametrize("mac", ["", b64(b"x" * 8), b64(b"x" * 32), b64(b"short")])
def test_401_wrong_mac(server, player, mac):
    assert answer_to(server, f"{player.login.name}:1:{mac}") == UNAUTHORIZED
    assert player.connect().request("not consumed") == b"not consumed"


def test_401_mac_of_another_text(server, player):
    other = b64(player.login.mac(f"{player.login.name}:2"))
    assert answer_to(server, f"{player.login.name}:1:{other}") == UNAUTHORIZED


def test_400_index_is_not_a_number(server, player):
    for index in ("one", "", "1x", "0x", "--1"):
        assert answer_to(server, signed(player, f"{player.login.name}:{index}")) == BAD_REQUEST


def test_400_mac_is_not_base64(server, player):
    assert answer_to(server, f"{player.login.name}:1:.-.-") == BAD_REQUEST


def test_400_conversation_that_is_none(server, player):
    for conversation in ("c" * 33, "blank blank", "dot.", "plus+"):
        text = f"{player.login.name}:1:0:{conversation}:"
        assert answer_to(server, signed(player, text)) == BAD_REQUEST
    text = f"{player.login.name}:1:minus:conversation:"
    assert answer_to(server, signed(player, text)) == BAD_REQUEST


def test_index_must_grow_and_may_jump(server, player):
    player.index = 4
    with player.connect():
        assert answer_to(server, player.login.handshake(5)) == EXPIRED
        assert answer_to(server, player.login.handshake(4)) == EXPIRED
        assert answer_to(server, player.login.handshake(0)) == EXPIRED
        player.index = 1000
    assert player.connect().request("later") == b"later"


def test_index_is_read_as_a_lua_number(server, player):
    with Gate(server.gate()) as gate:
        assert gate.handshake(player.login, " 3 ") == OK
    assert answer_to(server, player.login.handshake("0x3")) == EXPIRED
    with Gate(server.gate()) as gate:
        assert gate.handshake(player.login, "0x4") == OK


def test_index_of_a_refused_handshake_is_not_consumed(server, player):
    bad = f"{player.login.name}:7:{b64(b'x' * 32)}"
    assert answer_to(server, bad) == UNAUTHORIZED
    player.index = 6
    assert player.connect().request("seven") == b"seven"


def test_handshake_and_requests_in_one_packet(server, player):
    with Gate(server.gate()) as gate:
        packet = frame(player.login.handshake(1).encode())
        packet += b"".join(request_frame(f"r{n}", n) for n in range(1, 51))
        gate.send(packet)
        assert gate.read_frame() == b"200 OK"
        for n in range(1, 51):
            assert gate.response(n) == (1, f"r{n}".encode())


def test_handshake_byte_by_byte(server, player):
    with Gate(server.gate()) as gate:
        for byte in frame(player.login.handshake(1).encode()) + request_frame("slow", 1):
            gate.send(bytes([byte]))
        assert gate.read_frame() == b"200 OK"
        assert gate.response(1) == (1, b"slow")


def test_refused_handshake_leaves_the_connection_alone(server, player):
    gate = player.connect()
    assert answer_to(server, player.login.handshake(1)) == EXPIRED
    assert answer_to(server, f"{player.login.name}:9:{b64(b'x' * 32)}") == UNAUTHORIZED
    assert gate.request("alone") == b"alone"


def test_kicked_name_is_unknown(server, player):
    Player(server, player.user)
    assert answer_to(server, player.login.handshake(1)) == NOT_FOUND


def test_oversized_frame_before_the_handshake(start_server):
    server = start_server()
    with Gate(server.gate()) as gate:
        gate.send(b"\xff\xff" + b"x" * 2000)
        assert gate.read_to_end() in (b"", frame(b"400 Bad Request"))
    server.wait_log("frame_too_big")


def test_garbage(server):
    for garbage in (b"\x00\x01", b"\x05\x00" + bytes(range(256)) * 5, b"\x16\x03\x01" + b"z" * 900):
        with Gate(server.gate()) as gate:
            try:
                gate.send(garbage)
            except Closed:
                continue
            assert OK.encode() not in gate.read_to_end(10 * PATIENCE)
