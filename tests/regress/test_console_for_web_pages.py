"""The kind of fault: a port that can do everything takes what was made for another protocol, or
by somebody else's page, for an order of its operator."""

import os
import re
import stat

import pytest
from raw_http import connect, exchange, read_all
from server import PATIENCE, Server, run

TIMEOUT = 30 * PATIENCE
START = 1000  # milliseconds
ORDER = b"setenv taken yes"


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """TCP, as somebody asked for it, without HTTP."""
    console = {"listen": "127.0.0.1:0"}
    with Server(tmp_path_factory.mktemp("lines"), {"console": console}) as server:
        yield server


@pytest.fixture(scope="module")
def http(tmp_path_factory):
    console = {"listen": "127.0.0.1:0", "http": True}
    with Server(tmp_path_factory.mktemp("http"), {"console": console}) as server:
        yield server


def ask(server, request):
    return exchange(server.ready["console"], request, TIMEOUT)


def say(server, *commands):
    """What the console answers to lines, and then to the end of them."""
    with connect(server.ready["console"], TIMEOUT) as connection:
        connection.sendall("".join(command + "\n" for command in commands).encode())
        connection.shutdown(1)
        return read_all(connection)


def taken(server):
    return "taken\tyes" in say(server, "getenv taken")


def post(body, *headers):
    head = [b"POST / HTTP/1.1", *headers, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def test_lines_are_served(lines):
    assert "service_mgr" in say(lines, "list")


@pytest.mark.parametrize(
    "request_bytes",
    [
        post(ORDER + b"\n", b"Host: 127.0.0.1"),
        post(b"\n" + ORDER + b"\n", b"Host: 127.0.0.1", b"Content-Type: text/plain"),
        b"GET /setenv/taken/yes HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /setenv/taken/yes HTTP/1.0\r\n\r\n",
        b"garbage\n" + ORDER + b"\n",
        b"HELO mail.example\r\n" + ORDER + b"\r\n",
        b"\r\n\r\nOPTIONS * HTTP/1.1\r\n" + ORDER + b"\r\n",
        b"\x16\x03\x01\x02\x00\n" + ORDER + b"\n",
        b"ping 3\nPOST / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + ORDER + b"\n",
    ],
)
def test_another_protocol_gives_no_order(lines, request_bytes):
    ask(lines, request_bytes)
    assert not taken(lines)


@pytest.mark.parametrize(
    "headers",
    [
        [b"Host: game.example"],
        [b"Host: 127.0.0.1.game.example"],
        [b"Host: localhost", b"Host: game.example"],
        [],
        [b"Host: 127.0.0.1", b"Origin: http://game.example"],
        [b"Host: 127.0.0.1", b"Origin: null"],
        [b"Host: 127.0.0.1", b"Origin: http://127.0.0.1"],
        [b"Host: 127.0.0.1", b"Referer: http://game.example/page"],
        [b"Host: 127.0.0.1", b"Sec-Fetch-Site: cross-site", b"Sec-Fetch-Mode: no-cors"],
        [b"Host: 127.0.0.1", b"Sec-Fetch-Site: same-site"],
        [b"Host: 127.0.0.1", b"Sec-Fetch-Site: none"],
    ],
)
def test_a_page_gives_no_order(http, headers):
    ask(http, post(ORDER, *headers))
    get = b"GET /setenv/taken/yes HTTP/1.1\r\n" + b"".join(h + b"\r\n" for h in headers) + b"\r\n"
    assert "<CMD OK>" not in ask(http, get)
    assert not taken(http)


def test_a_program_of_this_machine_does(http):
    host = b"Host: localhost:8000"
    assert "service_mgr" in ask(http, b"GET /list HTTP/1.1\r\n" + host + b"\r\n\r\n")
    assert "service_mgr" in ask(http, b"GET /list HTTP/1.0\r\n\r\n")
    assert "<CMD OK>" in ask(http, post(b"ping 3", host))
    assert "<CMD OK>" not in ask(http, b"PUT /ping/3 HTTP/1.1\r\n" + host + b"\r\n\r\n")


def half_said(server, count):
    connections = [connect(server.ready["console"], TIMEOUT) for _ in range(count)]
    for connection in connections:
        connection.sendall(b"GET /li")
    return connections


def test_half_requests_do_not_fill_it(lines):
    connections = half_said(lines, 80)
    try:
        assert "service_mgr" in say(lines, "list"), "there is room for who has an order"
    finally:
        for connection in connections:
            connection.close()


def test_half_requests_end_with_their_time(start_server):
    server = start_server({"console": {"listen": "127.0.0.1:0", "start_timeout_ms": START}})
    for connection in half_said(server, 5):
        assert read_all(connection) in ("", "Welcome to skynet console\n")
        connection.close()
    server.wait_log("debug console: a connection is over its time")


def test_silence_ends_with_its_time(start_server):
    server = start_server({"console": {"listen": "127.0.0.1:0", "idle_timeout_ms": START}})
    with connect(server.ready["console"], TIMEOUT) as connection:
        connection.sendall(b"ping 3\n")
        assert read_all(connection).endswith("<CMD OK>\n")


def test_unix_socket_for_its_user_alone(tmp_path):
    server = Server(tmp_path / "server", {"console": {"listen": "unix:c.sock"}}).start()
    path = server.folder / "c.sock"
    try:
        assert server.ready["console"] == f"unix:{path}"
        mode = os.stat(path).st_mode
        assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600
        assert "service_mgr" in say(server, "list")
        server.kill()
        server.start()  # over what the killed one has left
        assert "service_mgr" in say(server, "list")
        second = run("--config", server.config_path, "--set", "store.sqlite.path=" +
                     str(tmp_path / "other.db"))
        assert second[0] == 1 and "console.listen" in second[1], second
    finally:
        server.stop()
    assert not path.exists()


@pytest.mark.parametrize(
    "settings, complaint",
    [
        (["console.listen=127.0.0.1:0", "console.password=sesame"], "less than 12 characters"),
        (["console.password=elevenchars"], "less than 12 characters"),
        (["console.listen=0.0.0.0:8000", "console.password=long enough a word"], "no TLS"),
        (["console.listen=[::]:8000"], "no TLS"),
        (["console.listen=console.example:8000"], "no TLS"),
        (["console.listen=unix:" + "x" * 108], "a path of"),
    ],
)
def test_check_refuses_what_is_open_to_others(settings, complaint):
    arguments = [word for setting in settings for word in ("--set", setting)]
    code, text = run("check", "--config", "config/quickstart.json", *arguments)
    assert code == 2 and re.search(rf"^console\.\w+: .*{complaint}", text, re.MULTILINE), text


def test_output_does_nothing_to_a_terminal(lines):
    answer = say(lines, "getenv \x1b[8m\x9b\u202e", "ping \x1b[8m")
    assert "<CMD OK>" in answer and "\\x1b[8m" in answer, answer
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", answer), answer
