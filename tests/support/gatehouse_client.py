"""A client of gatehouse's login and gate protocols (docs/protocol.md 2 and 3).

It shares no code with the server. An address is "host:port", or an Endpoint or URL that says how
to get there (transports.py). Sockets block with a time-out; `Closed` says that the peer ended the
connection. The session secret is never part of a repr.
"""

import base64
import hashlib
import hmac
import json
import struct
import time
from dataclasses import dataclass, field

import skynet_crypto
import transports
import x25519_suite
from transports import Endpoint, parse_address  # noqa: F401  parse_address: for who imports this

KIND_ERROR, KIND_OK, KIND_PUSH, KIND_CONTROL = 0, 1, 2, 3
PING = 0xFFFFFFFF


class Closed(Exception):
    """The peer closed the connection."""


class RequestFailed(Exception):
    """The server answered a request with kind 0."""


def b64(data):
    if isinstance(data, str):
        data = data.encode()
    return base64.b64encode(data).decode()


def unb64(text):
    return base64.b64decode(text + "=" * (-len(text) % 4))


def make_token(user, password, server, totp=None, ticket=None):
    """ticket: the base64 that an earlier login got, instead of the password."""
    name = f"{b64(user)}@{b64(server)}"
    if ticket is not None:
        return f"{name}!{ticket}"
    return f"{name}:{b64(password)}" + (f":{b64(totp)}" if totp is not None else "")


class Stream:
    """A connection that reads exact counts and lines, with a time-out for each call.

    `socket` is the TCP connection, `channel` what carries the protocol.
    """

    framing = transports.Lines

    def __init__(self, address, timeout=10.0, receive_buffer=None, source=None):
        self.channel = transports.connect(
            Endpoint.of(address), self.framing, timeout, receive_buffer, source
        )
        self.socket = self.channel.socket
        self.timeout = timeout
        self.buffer = bytearray()

    def send(self, data):
        try:
            self.channel.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Closed from error

    def end_sending(self):
        """Nothing more will be sent; what the peer still says can be read."""
        self.channel.end_sending()

    def fill(self, timeout=None):
        """Reads what there is, at least one byte."""
        self.channel.settimeout(self.timeout if timeout is None else max(timeout, 0.001))
        try:
            data = self.channel.recv()
        except ConnectionResetError as error:
            raise Closed from error
        if not data:
            raise Closed
        self.buffer += data

    def take(self, count):
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def read_line(self):
        while b"\n" not in self.buffer:
            self.fill()
        return self.take(self.buffer.index(b"\n") + 1)[:-1].decode()

    def read_to_end(self, timeout=10.0):
        """Everything until the peer closes; TimeoutError when it does not."""
        deadline = time.monotonic() + timeout
        try:
            while True:
                self.fill(deadline - time.monotonic())
        except Closed:
            return self.take(len(self.buffer))

    def close(self):
        self.channel.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


@dataclass
class Login:
    """The outcome of a login: the code, and for 200 what the gate handshake needs."""

    line: str
    suite: str
    user: str
    server: str
    secret: bytes = field(default=b"", repr=False)
    extras: dict = field(default_factory=dict, repr=False)
    waited: list = field(default_factory=list)  # positions of the 102 lines

    @property
    def code(self):
        return int(self.line.split(" ", 1)[0])

    @property
    def subid(self):
        return unb64(self.line.split(" ")[1]).decode()

    @property
    def uid(self):
        return str(self.extras.get("uid", self.user))

    @property
    def name(self):
        return f"{b64(self.uid)}@{b64(self.server)}#{b64(self.subid)}"

    def mac(self, text):
        if self.suite == "skynet":
            return skynet_crypto.hmac_hash(self.secret, text.encode())
        return hmac.new(self.secret, text.encode(), hashlib.sha256).digest()

    def handshake(self, index, last_push=None, conversation=None, options=""):
        """The handshake text: 3 fields, or 6 when a conversation or options are given."""
        text = f"{self.name}:{index}"
        if conversation is not None or options:
            text += f":{last_push or 0}:{conversation or ''}:{options}"
        return f"{text}:{b64(self.mac(text))}"


def read_answer(stream, waited=None):
    while True:
        line = stream.read_line()
        if not line.startswith("102 Waiting "):
            return line
        if waited is not None:
            waited.append(int(line.removeprefix("102 Waiting ")))


def finish_login(login):
    """Takes the answer line apart: secret and addresses of the plain suite."""
    words = login.line.split(" ")
    if login.code == 200 and len(words) > 2:
        login.extras = json.loads(unb64(words[2]))
        if login.suite == "plain":
            login.secret = unb64(login.extras["secret"])
    return login


def login_plain(stream, user, password, server, **proof):
    stream.read_line()  # the challenge: the plain suite does not use it
    stream.send(make_token(user, password, server, **proof).encode() + b"\n")
    waited = []
    line = read_answer(stream, waited)
    return finish_login(Login(line, "plain", user, server, waited=waited))


def login_skynet(stream, user, password, server, private_key=None, **proof):
    challenge = unb64(stream.read_line())
    private_key = private_key or skynet_crypto.random_key()
    stream.send(b64(skynet_crypto.dh_exchange(private_key)).encode() + b"\n")
    secret = skynet_crypto.dh_secret(unb64(stream.read_line()), private_key)
    token = make_token(user, password, server, **proof).encode()
    stream.send(
        f"{b64(skynet_crypto.hmac64(challenge, secret))}\n"
        f"{b64(skynet_crypto.des_encode(secret, token))}\n".encode()
    )
    return finish_login(Login(read_answer(stream), "skynet", user, server, secret))


def login_x25519(
    stream, user, password, server, identity=None, private_key=None, sealed=True, **proof
):
    """identity: the server's public key; None trusts whoever answers. sealed: the answer.

    Raises cryptography's InvalidSignature for another one's.
    """
    challenge = unb64(stream.read_line())
    private_key = private_key or x25519_suite.random_key()
    public = x25519_suite.public_key(private_key)
    stream.send(b64(public).encode() + b"\n")
    line = stream.read_line()
    key, _, signature = line.partition(" ")
    if len(key) == 3:
        return Login(line, "x25519", user, server)  # a refusal
    server_public, signature = unb64(key), unb64(signature)
    transcript = challenge + public + server_public
    if identity is not None:
        x25519_suite.check_signature(identity, signature, transcript)
    token_key, secret = x25519_suite.login_keys(private_key, server_public, transcript)
    token = make_token(user, password, server, **proof).encode()
    if sealed:
        token = b"sealed " + token
    stream.send(
        f"{b64(x25519_suite.mac(secret, challenge))}\n"
        f"{b64(x25519_suite.encrypt_token(token_key, token, challenge))}\n".encode()
    )
    waited = []
    line = read_answer(stream, waited)
    if sealed and line.startswith("200 "):
        head, _, extras = line.rpartition(" ")
        line = f"{head} {b64(x25519_suite.open_answer(token_key, unb64(extras), head.encode()))}"
    return finish_login(Login(line, "x25519", user, server, secret, waited=waited))


SUITES = {"plain": login_plain, "skynet": login_skynet, "x25519": login_x25519}


def login(address, user, password, server, suite="plain", timeout=15.0, source=None, **more):
    """One whole login, from the address `source`; more: totp or ticket of make_token, identity.

    Raises Closed when the server closes without an answer.
    """
    with Stream(address, timeout, source=source) as stream:
        return SUITES[suite](stream, user, password, server, **more)


def frame(body):
    return struct.pack(">H", len(body)) + body


def request_frame(content, session):
    if isinstance(content, str):
        content = content.encode()
    return frame(content + struct.pack(">I", session))


class Gate(Stream):
    """A connection to a gate. Frames that nobody asked for yet are kept by kind."""

    framing = transports.Frames

    def __init__(self, address, timeout=10.0, receive_buffer=None, source=None):
        super().__init__(address, timeout, receive_buffer, source)
        self.responses = {}  # session -> list of (kind, content) in order of arrival
        self.pushes = []  # (number, content)
        self.controls = []  # decoded JSON
        self.next_session = 1
        self.sealing = self.opening = None  # Seal, once frames are sealed

    def send_frame(self, body):
        body = body if isinstance(body, bytes) else body.encode()
        self.send(frame(self.sealing.seal(body) if self.sealing else body))

    def read_frame(self, timeout=None):
        while len(self.buffer) < 2 or len(self.buffer) < 2 + self._body_length():
            self.fill(timeout)
        body = self.take(2 + self._body_length())[2:]
        return self.opening.open(body) if self.opening else body

    def _body_length(self):
        return struct.unpack_from(">H", self.buffer)[0]

    def handshake(self, login, index=1, **extended):
        """The gate's answer; from a granted "sealed" on all bodies are sealed."""
        text = login.handshake(index, **extended)
        self.send_frame(text)
        answer = self.read_frame().decode()
        if answer.startswith("200 OK ") and "sealed" in answer[7:].split(","):
            salt = text.rpartition(":")[0].encode()
            self.sealing = x25519_suite.Seal(login.secret, salt, "c2s")
            self.opening = x25519_suite.Seal(login.secret, salt, "s2c")
        return answer

    def send_request(self, content, session=None):
        if session is None:
            session = self.next_session
            self.next_session += 1
        content = content if isinstance(content, bytes) else content.encode()
        self.send_frame(content + struct.pack(">I", session))
        return session

    def read_event(self, timeout=None):
        """Reads one frame and files it under its kind."""
        body = self.read_frame(timeout)
        content, kind, session = body[:-5], body[-5], struct.unpack(">I", body[-4:])[0]
        if kind == KIND_PUSH:
            self.pushes.append((session, content))
        elif kind == KIND_CONTROL:
            self.controls.append(json.loads(content))
        else:
            self.responses.setdefault(session, []).append((kind, content))

    def response(self, session, timeout=None):
        """(kind, content) of the next response to this session."""
        while not self.responses.get(session):
            self.read_event(timeout)
        return self.responses[session].pop(0)

    def request(self, content, session=None, timeout=None):
        """Sends one request and returns the content of its response."""
        kind, answer = self.response(self.send_request(content, session), timeout)
        if kind != KIND_OK:
            raise RequestFailed(content)
        return answer

    def ping(self, content=b""):
        self.send_request(content, PING)
        return self.response(PING)

    def wait_for(self, frames, count=1, timeout=10.0):
        """Reads until `frames` (self.pushes or self.controls) holds count entries."""
        while len(frames) < count:
            self.read_event(timeout)
        return frames

    def read_until_closed(self, timeout=10.0):
        """Files every frame that still comes until the peer closes."""
        deadline = time.monotonic() + timeout
        try:
            while True:
                self.read_event(deadline - time.monotonic())
        except Closed:
            return
