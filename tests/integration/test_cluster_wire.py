"""skynet.cluster's wire, byte for byte: a script is the other node."""

import socket
import struct
import threading

import pytest
from server import PATIENCE
from skynet_process import SkynetProcess

HOST = "127.0.0.1"
PART = 0x8000
ECHO = bytes.fromhex("24 4543484f")  # "ECHO" in skynet's serialisation
NOTE = bytes.fromhex("24 4e4f5445")
NOTES = bytes.fromhex("2c 4e4f544553")


def u32(number):
    return struct.pack("<I", number)


def frame(body):
    return struct.pack(">H", len(body)) + body


def packed(text):
    """A long string in skynet's serialisation."""
    if len(text) < 65536:
        return b"\x15" + struct.pack("<H", len(text)) + text
    return b"\x25" + u32(len(text)) + text


def parts(message, head, last_head):
    """The frames' bodies of a message in parts."""
    pieces = [message[i : i + PART] for i in range(0, len(message), PART)]
    return [head + piece for piece in pieces[:-1]] + [last_head + pieces[-1]]


class Wire:
    """One connection of the script."""

    def __init__(self, stream):
        self.stream = stream
        stream.settimeout(20 * PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stream.close()

    def send(self, *bodies):
        self.stream.sendall(b"".join(map(frame, bodies)))

    def read(self, size):
        data = b""
        while len(data) < size:
            more = self.stream.recv(size - len(data))
            assert more, f"the connection ended after {data!r}"
            data += more
        return data

    def receive(self):
        return self.read(struct.unpack(">H", self.read(2))[0])

    def at_end(self):
        """Whether the other side closes and sends nothing before."""
        try:
            return self.stream.recv(1) == b""
        except ConnectionResetError:
            return True


# --- Requests of a script to our node ---


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    folder = tmp_path_factory.mktemp("node")
    with SkynetProcess(folder, "cluster_node", {"peer_port": 0}) as process:
        _, found = process.wait_line(r"listening (\d+) (\d+)")
        process.port, process.target = int(found[1]), int(found[2])
        yield process


@pytest.fixture
def wire(node):
    with Wire(socket.create_connection((HOST, node.port))) as connection:
        yield connection
        # Whatever the test did, the connection works.
        connection.send(b"\x80\x07@target" + u32(99) + ECHO + b"\x0a\x05")
        assert connection.receive() == u32(99) + b"\x01\x0a\x05"


def test_request_by_number(node, wire):
    body = b"\x00" + u32(node.target) + bytes.fromhex("01000000 24 4543484f 0c61 0a01")
    wire.stream.sendall(bytes.fromhex("0012") + body)
    assert wire.read(11) == bytes.fromhex("0009 01000000 01 0c61 0a01")


def test_request_by_name(wire):
    wire.stream.sendall(bytes.fromhex("0012 80 07 40746172676574 feffffff 24 4543484f"))
    assert wire.read(7) == bytes.fromhex("0005 feffffff 01")
    wire.send(b"\x80\x07.target" + u32(2) + ECHO)
    assert wire.receive() == u32(2) + b"\x01"


def test_query(node, wire):
    assert node.target < 256
    wire.send(b"\x00" + u32(0) + u32(3) + b"\x34target")
    assert wire.receive() == u32(3) + b"\x01\x0a" + bytes([node.target])
    wire.send(b"\x00" + u32(0) + u32(4) + b"\x34nobody")
    assert wire.receive() == u32(4) + b"\x00name not found"
    wire.send(b"\x00" + u32(0) + u32(5) + b"\xff")
    assert wire.receive() == u32(5) + b"\x00name not found"


def test_errors(wire):
    wire.send(b"\x80\x07@target" + u32(1) + b"\x2cRAISE")
    assert wire.receive() == u32(1) + b"\x00call failed"
    wire.send(b"\x00" + u32(0xFFFFFF) + u32(2) + ECHO)
    assert wire.receive() == u32(2) + b"\x00call to invalid address :00ffffff"
    wire.send(b"\x80\x07@nobody" + u32(3) + ECHO)
    assert wire.receive() == u32(3) + b"\x00Invalid name @nobody"
    wire.send(b"\x80\x07@target" + u32(4) + b"\xff")  # no message of skynet's
    assert wire.receive() == u32(4) + b"\x00call failed"
    wire.send(b"\x00" + u32(0xFFFFFF) + u32(0) + ECHO)  # a push to nobody
    wire.send(b"\x80\x02:z" + u32(5) + ECHO)
    assert wire.receive().startswith(u32(5) + b"\x00")


def test_pushes_and_trace(node, wire):
    text = b"p" * 40000
    message = NOTE + packed(text)
    wire.send(
        b"\x04tag",
        b"\x80\x07@target" + u32(0) + NOTE + b"\x0a\x07",
        b"\x41" + u32(node.target) + u32(11) + u32(len(message)),
        *parts(message, b"\x02" + u32(11), b"\x03" + u32(11)),
        b"\xc1\x07@target" + u32(12) + u32(6),
        b"\x03" + u32(12) + NOTES,
        b"\x00" + u32(node.target) + u32(13) + NOTES,
    )
    assert wire.receive() == u32(13) + b"\x01" + b"\x3c7 40000"


def test_big_requests(node, wire):
    first, second = ECHO + packed(b"f" * 100000), ECHO + packed(b"s" * 70000)
    begin = b"\x01" + u32(node.target) + u32(21) + u32(len(first))
    first_parts = parts(first, b"\x02" + u32(21), b"\x03" + u32(21))
    second_parts = parts(second, b"\x02" + u32(22), b"\x03" + u32(22))
    wire.send(
        begin,
        b"\x81\x07@target" + u32(22) + u32(len(second)),
        first_parts[0],
        second_parts[0],
        second_parts[1],
        first_parts[1],
        first_parts[2],
        b"\x00" + u32(node.target) + u32(23) + ECHO,
        second_parts[2],
        first_parts[3],
    )
    assert wire.receive() == u32(23) + b"\x01"
    for session, message in ((22, second[5:]), (21, first[5:])):
        assert wire.receive() == u32(session) + b"\x02" + u32(len(message))
        for body in parts(message, u32(session) + b"\x03", u32(session) + b"\x04"):
            assert wire.receive() == body


def test_sizes_of_parts(node, wire):
    """An answer of 32768 bytes is whole, one more makes parts."""
    text = b"t" * (PART - 3)
    message = ECHO + packed(text)
    for extra in (b"", b"\x09"):
        request = message + extra
        wire.send(
            b"\x01" + u32(node.target) + u32(31) + u32(len(request)),
            *parts(request, b"\x02" + u32(31), b"\x03" + u32(31)),
        )
        answer = request[5:]
        if not extra:
            assert wire.receive() == u32(31) + b"\x01" + answer
            continue
        assert wire.receive() == u32(31) + b"\x02" + u32(PART + 1)
        assert wire.receive() == u32(31) + b"\x03" + answer[:PART]
        assert wire.receive() == u32(31) + b"\x04\x09"


def test_single_bytes(node, wire):
    for byte in frame(b"\x00" + u32(node.target) + u32(41) + ECHO + b"\x09"):
        wire.stream.sendall(bytes([byte]))
    assert wire.receive() == u32(41) + b"\x01\x09"


def test_slow_reader(node, wire):
    """Somebody who asks for much and reads late gets it all."""
    count, message = 24, ECHO + packed(b"m" * (1 << 20))

    def ask():
        for session in range(1, count + 1):
            wire.send(
                b"\x01" + u32(node.target) + u32(session) + u32(len(message)),
                *parts(message, b"\x02" + u32(session), b"\x03" + u32(session)),
            )

    asking = threading.Thread(target=ask)
    asking.start()
    finished = set()
    while len(finished) < count:
        body = wire.receive()
        assert body[4] in (2, 3, 4)
        if body[4] == 4:
            finished.add(body[:4])
    asking.join()


@pytest.mark.parametrize(
    ("bodies", "why"),
    [
        ([b""], "empty frame"),
        ([b"\x05"], "a request of the type 05"),
        ([b"GET / HTTP/1.1"], "a request of the type 47"),
        ([b"\x00" + u32(1) + b"\0\0\0"], "a request that is too short"),
        ([b"\x80\x00" + u32(1)], "a request that is too short"),
        ([b"\x80\xff@target" + u32(1)], "a request that is too short"),
        ([b"\x01" + u32(1) + u32(1) + b"\0\0\0"], "a request that is too short"),
        ([b"\x01" + u32(1) + u32(1) + u32(9) + b"x"], "a request that is too long"),
        ([b"\x81\x01a" + u32(1) + u32(0xFFFFFFFF)], "a message of 4294967295 bytes"),
        ([b"\x01" + u32(1) + u32(1) + u32(9)] * 2, "session 1 begins twice"),
        ([b"\x02" + u32(1) + b"x"], "a part of session 1, which has not begun"),
        ([b"\x03\x01"], "a request that is too short"),
        (
            [b"\x01" + u32(1) + u32(1) + u32(3), b"\x02" + u32(1) + b"four"],
            "session 1 has not the size that it told",
        ),
        (
            [b"\x01" + u32(1) + u32(1) + u32(3), b"\x03" + u32(1) + b"x"],
            "session 1 has not the size that it told",
        ),
        (
            [b"\x01" + u32(1) + u32(i) + u32(9) for i in range(4097)],
            "too many unfinished messages",
        ),
    ],
)
def test_garbage(node, wire, bodies, why):
    seen = len(node.lines)
    with Wire(socket.create_connection((HOST, node.port))) as other:
        other.send(*bodies)
        assert other.at_end()
    node.wait_line(rf".*cluster: closed {HOST}:\d+: it sent {why}", since=seen)


def test_parts_end_with_their_connection(node, wire):
    with Wire(socket.create_connection((HOST, node.port))) as other:
        other.send(b"\x01" + u32(node.target) + u32(1) + u32(6), b"\x02" + u32(1) + ECHO)
        other.stream.sendall(b"\x00\x10\x00")
    wire.send(b"\x03" + u32(51))
    assert wire.at_end()
    wire.stream = socket.create_connection((HOST, node.port))
    wire.send(b"\x01" + u32(node.target) + u32(1) + u32(5), b"\x03" + u32(1) + ECHO)
    assert wire.receive() == u32(1) + b"\x01"


def test_requests_are_bounded(node, wire):
    """Who has 10000 requests without an answer gets errors; others are served."""
    with Wire(socket.create_connection((HOST, node.port))) as other:
        head = b"\x00" + u32(node.target)
        for first in range(1, 10001, 1000):
            other.send(*(head + u32(first + i) + b"\x24HANG" for i in range(1000)))
        other.send(head + u32(20001) + ECHO)
        refused = b"\x00too many requests wait for their answers"
        assert other.receive() == u32(20001) + refused
        wire.send(head + u32(1) + ECHO)
        assert wire.receive() == u32(1) + b"\x01"


# --- Our requests to a script ---


class Script:
    """Listens as a node that cluster_sender.lua, with these steps, sends to."""

    def __init__(self, folder, steps):
        self.listener = socket.create_server((HOST, 0))
        self.listener.settimeout(20 * PATIENCE)
        keys = {"peer_port": self.listener.getsockname()[1], "steps": " ".join(steps)}
        self.sender = SkynetProcess(folder, "cluster_sender", keys)
        self.line = 0

    def accept(self):
        return Wire(self.listener.accept()[0])

    def reports(self, pattern):
        number, _ = self.sender.wait_line(pattern, since=self.line)
        self.line = number + 1

    def __enter__(self):
        self.sender.start()
        return self

    def __exit__(self, *unused):
        self.sender.kill()
        self.listener.close()


def test_what_we_send(tmp_path):
    steps = ["number", "name", "query", "push", "big", "bigpush"]
    with Script(tmp_path, steps) as script, script.accept() as wire:
        assert wire.read(15) == bytes.fromhex("000d 00 04030201 01000000 0c61 0a01")
        wire.send(u32(1) + b"\x01\x0cx")
        script.reports("got 1")
        assert wire.read(17) == bytes.fromhex("000f 80 05 406e616d65 02000000 0c61 0a01")
        wire.send(u32(2) + b"\x00boom")
        script.reports(r"raised call failed: cluster node \[peer\] \(127.0.0.1:\d+\): boom")
        assert wire.read(16) == bytes.fromhex("000e 00 00000000 03000000 24 6e616d65")
        wire.send(u32(3) + b"\x01\x0a\x05")
        script.reports("got 1")
        assert wire.read(15) == bytes.fromhex("000d 80 05 2e6e616d65 00000000 0c61")
        assert wire.read(13) == bytes.fromhex("000b 00 05000000 00000000 0c61")

        message = packed(b"b" * 70000)
        begin = wire.receive()
        session = begin[5:9]
        assert begin == b"\x01" + u32(7) + session + u32(len(message))
        for body in parts(message, b"\x02" + session, b"\x03" + session):
            assert wire.receive() == body
        answer = packed(b"c" * 50000)
        pieces = parts(answer, session + b"\x03", session + b"\x04")
        wire.send(u32(999) + b"\x01", session + b"\x02" + u32(len(answer)), *pieces)
        script.reports("got 50000")

        message = packed(b"b" * 40000)
        begin = wire.receive()
        session = begin[4:8]
        assert begin == b"\xc1\x02@n" + session + u32(len(message))
        for body in parts(message, b"\x02" + session, b"\x03" + session):
            assert wire.receive() == body
        script.reports("done")


FAULTS = [
    [b"\x01\x00\x00\x00"],
    [u32(1) + b"\x05"],
    [u32(1) + b"\x02" + u32(9) + b"x"],
    [u32(1) + b"\x02" + u32(0xFFFFFFFF)],
    [u32(1) + b"\x02" + u32(9)] * 2,
    [u32(1) + b"\x03x"],
    [u32(1) + b"\x02" + u32(3), u32(1) + b"\x03four"],
    [u32(1) + b"\x02" + u32(3), u32(1) + b"\x04x"],
    [u32(i) + b"\x02" + u32(9) for i in range(4097)],
    [b""],
]


def test_faulty_answers(tmp_path):
    """Each ends the connection and fails the call; the next call connects again."""
    with Script(tmp_path, ["number"] * (len(FAULTS) + 3)) as script:
        for bodies in FAULTS:
            with script.accept() as wire:
                wire.read(15)
                wire.send(*bodies)
                assert wire.at_end()
            script.reports("raised call failed: .*there is no connection, or it ended")
        for rest in (b"", b"\x00\x07\x01"):  # the end, also within a frame
            with script.accept() as wire:
                wire.read(15)
                wire.stream.sendall(rest)
            script.reports("raised call failed: .*there is no connection, or it ended")
        with script.accept() as wire:
            session = wire.read(15)[7:11]
            wire.send(session + b"\x01\x14ok")
            script.reports("got 2")
