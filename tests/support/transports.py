"""How a client's bytes reach a port: TCP, TLS, WebSocket, WebSocket over TLS.

Each layer is used like a blocking socket: sendall(), recv() with b"" at the end, settimeout(),
end_sending(), close(). A layer owns the one below it. What stands above, a stream of lines or of
frames, is the same over all of them (docs/protocol.md 1.2).
"""

import socket
import ssl
import struct
from dataclasses import dataclass, field

TRANSPORTS = ("tcp", "tls", "ws", "wss")
READ_BYTES = 262144


class UpgradeRefused(Exception):
    """The port answered the WebSocket's request with something else than 101."""

    def __init__(self, status, body):
        super().__init__(f"{status} {body[:200]!r}")
        self.status = status
        self.body = body


def parse_address(address):
    """(host, port) of "host:port", "[v6]:port", an Endpoint or a pair."""
    address = getattr(address, "address", address)
    if not isinstance(address, str):
        return tuple(address)
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


@dataclass(frozen=True)
class Endpoint:
    """A port and how to speak to it."""

    transport: str
    address: str  # host:port, [v6]:port
    # Of tls and wss; None: whom the system trusts.
    context: ssl.SSLContext | None = field(default=None, repr=False, compare=False)
    server_name: str | None = None  # None: the host
    session: ssl.SSLSession | None = field(default=None, repr=False, compare=False)
    origin: str | None = None  # of ws and wss

    @property
    def is_encrypted(self):
        return self.transport in ("tls", "wss")

    @property
    def is_websocket(self):
        return self.transport in ("ws", "wss")

    def __str__(self):
        return f"{self.transport}://{self.address}"

    @classmethod
    def of(cls, address, **how):
        """From an Endpoint, a pair, "host:port" (tcp), or "wss://host:port"."""
        if isinstance(address, cls):
            return address
        if not isinstance(address, str):
            host, port = address
            address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        scheme, divider, rest = address.partition("://")
        transport, rest = (scheme, rest.rstrip("/")) if divider else ("tcp", address)
        if transport not in TRANSPORTS or not rest.rpartition(":")[2].isdigit():
            raise ValueError(f"not an address: {address}")
        return cls(transport, rest, **how)


class Lines:
    """A message is a line without its end: the login's side of a WebSocket."""

    protocol = "gatehouse.login.1"
    is_text = True

    @staticmethod
    def cut(buffer):
        """The next whole message, taken out of the buffer, or None."""
        end = buffer.find(b"\n")
        if end < 0:
            return None
        message = bytes(buffer[:end])
        del buffer[: end + 1]
        return message

    @staticmethod
    def join(message):
        return message + b"\n"


class Frames:
    """A message is a frame without its length: the gate's side of a WebSocket."""

    protocol = "gatehouse.gate.1"
    is_text = False

    @staticmethod
    def cut(buffer):
        if len(buffer) < 2:
            return None
        end = 2 + struct.unpack_from(">H", buffer)[0]
        if len(buffer) < end:
            return None
        message = bytes(buffer[2:end])
        del buffer[:end]
        return message

    @staticmethod
    def join(message):
        return struct.pack(">H", len(message)) + message


class Tcp:
    def __init__(self, endpoint, timeout, receive_buffer=None, source=None):
        host, port = parse_address(endpoint)
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        try:
            if receive_buffer:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            if source:
                self.socket.bind((source, 0))
            self.socket.settimeout(timeout)
            self.socket.connect((host, port))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            self.socket.close()
            raise

    def settimeout(self, seconds):
        self.socket.settimeout(seconds)

    def sendall(self, data):
        self.socket.sendall(data)

    def recv(self):
        return self.socket.recv(READ_BYTES)

    def end_sending(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()


class Tls:
    """A client of TLS. `truncated`: the peer ended without close_notify (RFC 8446 section 6.1)."""

    def __init__(self, below, endpoint):
        self.below = below
        self.truncated = False
        self.read_already = b""
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = endpoint.context or ssl.create_default_context()
        name = endpoint.server_name or parse_address(endpoint)[0]
        self.tls = context.wrap_bio(
            self.incoming, self.outgoing, server_hostname=name, session=endpoint.session
        )
        self._run(self.tls.do_handshake)

    @property
    def socket(self):
        return self.below.socket

    def _flush(self):
        if self.outgoing.pending:
            self.below.sendall(self.outgoing.read())

    def _run(self, call, *arguments):
        while True:
            try:
                result = call(*arguments)
                self._flush()
                return result
            except ssl.SSLWantReadError:
                self._flush()
            except ssl.SSLError:
                self._flush()  # an alert says why
                raise
            data = self.below.recv()
            if data:
                self.incoming.write(data)
            else:
                self.incoming.write_eof()

    def settimeout(self, seconds):
        self.below.settimeout(seconds)

    def sendall(self, data):
        self._run(self.tls.write, data)

    def recv(self):
        if self.read_already:
            data, self.read_already = self.read_already, b""
            return data
        try:
            return self._run(self.tls.read, READ_BYTES)
        except ssl.SSLZeroReturnError:
            return b""
        except ssl.SSLEOFError:
            self.truncated = True
            return b""

    def end_sending(self):
        """close_notify; what the peer still says can be read."""
        try:
            while True:  # OpenSSL sends it only when nothing is left unread
                data = self.tls.read(READ_BYTES)
                if not data:
                    break
                self.read_already += data
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self._flush()

    def close(self):
        self.below.close()


def _websocket(endpoint, protocol):
    """The client's half of RFC 6455, without I/O."""
    try:
        from websockets.client import ClientProtocol
    except ImportError:  # releases before 11
        from websockets.client import ClientConnection as ClientProtocol
    from websockets.uri import parse_uri

    return ClientProtocol(
        parse_uri(f"{endpoint}/"), origin=endpoint.origin, subprotocols=[protocol]
    )


class WebSocket:
    """Whole lines or frames become messages, messages become lines or frames.

    fragment_bytes: messages are sent in frames of so many bytes; None: in one. close_code,
    close_reason: what the server closed with.
    """

    def __init__(self, below, endpoint, framing):
        self.below = below
        self.framing = framing
        self.fragment_bytes = None
        self.close_code = self.close_reason = None
        self.unsent = bytearray()  # of a line or frame that is not whole
        self.message = b""  # what came of a message that is not whole
        self.received = b""
        self.response = None
        self.ended = False
        self.web = _websocket(endpoint, framing.protocol)
        self.web.send_request(self.web.connect())
        self._flush()
        while self.response is None:
            self._receive()
        if self.web.handshake_exc is not None:
            body = self.response.body or b""
            self.close()
            if self.response.status_code != 101:
                raise UpgradeRefused(self.response.status_code, body)
            raise self.web.handshake_exc

    @property
    def socket(self):
        return self.below.socket

    def _flush(self):
        data = b"".join(self.web.data_to_send())
        if data:
            self.below.sendall(data)

    def _receive(self):
        data = self.below.recv()
        if data:
            self.web.receive_data(data)
        else:
            self.ended = True
            self.web.receive_eof()
            if self.response is None and not self.web.events:
                raise ConnectionResetError("closed during the upgrade")
        events = self.web.events_received()
        try:
            self._flush()
        except (BrokenPipeError, ConnectionResetError):
            pass  # an answer to what it said last; what came still counts
        for event in events:
            self._take(event)

    def _take(self, event):
        if self.response is None:
            self.response = event
            return
        if event.opcode.name in ("TEXT", "BINARY", "CONT"):
            self.message += event.data
            if event.fin:
                self.received += self.framing.join(self.message)
                self.message = b""
        elif event.opcode.name == "CLOSE" and self.web.close_rcvd is not None:
            self.close_code = self.web.close_rcvd.code
            self.close_reason = self.web.close_rcvd.reason

    def _send_message(self, message):
        if self.web.close_rcvd or self.web.close_sent:
            raise BrokenPipeError("the WebSocket is closing")
        send = self.web.send_text if self.framing.is_text else self.web.send_binary
        size = self.fragment_bytes or len(message) or 1
        for start in range(0, len(message) or 1, size):
            send(message[start : start + size], fin=start + size >= len(message))
            send = self.web.send_continuation

    def settimeout(self, seconds):
        self.below.settimeout(seconds)

    def sendall(self, data):
        self.unsent += data
        while (message := self.framing.cut(self.unsent)) is not None:
            self._send_message(message)
        self._flush()

    def recv(self):
        while not self.received:
            if self.ended or (self.close_code is not None and not self.web.close_sent):
                return b""
            self._receive()
        data, self.received = self.received, b""
        return data

    def ping(self, content=b""):
        self.web.send_ping(content)
        self._flush()

    def end_sending(self, code=1000):
        """A close frame; what the peer still says can be read."""
        self.web.send_close(code)
        self._flush()

    def close(self):
        self.below.close()


def connect(endpoint, framing, timeout=10.0, receive_buffer=None, source=None):
    """A connection, its handshakes done, that carries `framing`'s lines or frames."""
    channel = Tcp(endpoint, timeout, receive_buffer, source)
    try:
        if endpoint.is_encrypted:
            channel = Tls(channel, endpoint)
        if endpoint.is_websocket:
            channel = WebSocket(channel, endpoint, framing)
    except BaseException:
        channel.close()
        raise
    return channel
