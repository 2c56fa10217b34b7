"""TLS of Lua services: the scripts of tests/conformance/skynet, then against Python's ssl and the
openssl command."""

import base64
import contextlib
import http.client
import os
import socket
import ssl
import struct
import subprocess
import threading
import warnings

import pytest
from certificates import Certificates
from server import BINARY, PATIENCE, REPORT, ROOT
from skynet_rules import run_topic, write_config

TIMEOUT = 60 * PATIENCE
BIG = os.urandom(1000) * 2000


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    made = Certificates(tmp_path_factory.mktemp("certificates"))
    made.make_issuer("ca")
    made.make_issuer("stranger")
    made.make_for("here", "ca", "DNS:localhost,IP:127.0.0.1")
    made.make_for("other", "ca", "DNS:other.test")
    made.make_for("self", "self", "DNS:localhost")
    made.make_expired("expired", "ca", "DNS:localhost,IP:127.0.0.1")
    return made


def keys_of(certificates):
    return {
        "certificates": certificates.folder,
        "certfile": certificates.pem("here"),
        "keyfile": certificates.key("here"),
        # A program that needed it for TLS would find it here.
        "enablessl": "true",
    }


@pytest.mark.parametrize("topic, count_min", [("tls", 23), ("wss", 17)])
def test_conformance(topic, count_min, certificates, tmp_path):
    run_topic(topic, tmp_path, count_min, **keys_of(certificates))


@contextlib.contextmanager
def peer(folder, certificates, **keys):
    """The service tls_peer, which has to end by itself."""
    config = write_config(folder, "tls_peer", **keys_of(certificates), **keys)
    process = subprocess.Popen(
        [BINARY, "skynet", str(config)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "SSL_CERT_FILE": certificates.pem("ca")},
    )
    try:
        yield process
        rest = process.communicate(timeout=TIMEOUT)[0]
        assert process.returncode == 0, rest
        assert not REPORT.search(rest), rest
    finally:
        process.kill()
        process.wait()


def line_of(process, word):
    """The words behind the next line that begins so."""
    for line in process.stdout:
        if line.startswith(word + " "):
            return line.split()[1:]
    raise AssertionError(f"no line {word}")


def client_context(certificates, version=None):
    context = ssl.create_default_context(cafile=certificates.pem("ca"))
    if version:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of TLS 1.1
            context.minimum_version = context.maximum_version = version
        context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def request(port, context, method, url, body=None):
    connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=TIMEOUT)
    connection.request(method, url, body)
    response = connection.getresponse()
    data = response.read()
    connection.close()
    return response.status, data


def tls_socket(port, context):
    plain = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
    return context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False)


def check_https(port, certificates):
    for version in (None, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = client_context(certificates, version)
        assert request(port, context, "GET", "/") == (200, b"GET ")
        assert request(port, context, "PUT", "/", BIG) == (200, b"PUT " + BIG)
    with pytest.raises(ssl.SSLError):
        request(port, client_context(certificates, ssl.TLSVersion.TLSv1_1), "GET", "/")
    # The end is announced: Python raises SSLEOFError otherwise.
    with tls_socket(port, client_context(certificates)) as stream:
        stream.sendall(b"GET / HTTP/1.1\r\n\r\n")
        answer = b""
        while part := stream.recv(4096):
            answer += part
        assert answer.endswith(b"GET ")


def check_wss(port, certificates):
    with tls_socket(port, client_context(certificates)) as stream:
        key = base64.b64encode(os.urandom(16)).decode()
        stream.sendall(
            f"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        reader = stream.makefile("rb")
        assert reader.readline().startswith(b"HTTP/1.1 101 ")
        while reader.readline() != b"\r\n":
            pass
        # A mask of zeros leaves the bytes as they are.
        stream.sendall(b"\x81\xfe" + struct.pack(">H", 1000) + bytes(4) + b"x" * 1000)
        assert reader.read(1004) == b"\x81\x7e" + struct.pack(">H", 1000) + b"x" * 1000
        stream.sendall(b"\x88\x82" + bytes(4) + struct.pack(">H", 1000))
        assert reader.read() == b"\x88\x02" + struct.pack(">H", 1000)


def check_openssl(port, certificates):
    def s_client(*arguments, said=b"GET / HTTP/1.1\r\n\r\n"):
        return subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile",
             certificates.pem("ca"), "-verify_return_error", "-servername", "localhost",
             "-ign_eof", *arguments],
            input=said, capture_output=True, check=False, timeout=TIMEOUT,
        )
    good = s_client("-verify_hostname", "localhost")
    assert good.returncode == 0 and b"Verification: OK" in good.stdout, good
    assert b"GET " in good.stdout and b"TLSv1.3" in good.stdout
    assert b"Secure Renegotiation IS supported" in s_client("-tls1_2").stdout
    assert s_client("-tls1_1", "-cipher", "ALL:@SECLEVEL=0").returncode != 0


def test_clients_that_are_not_ours(certificates, tmp_path):
    with peer(tmp_path, certificates) as process:
        https, wss = map(int, line_of(process, "ports"))
        check_https(https, certificates)
        check_wss(wss, certificates)
        check_openssl(https, certificates)
        assert request(https, client_context(certificates), "GET", "/quit") == (200, b"bye")


def answer_one(stream):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = stream.recv(1)
        assert byte, head
        head += byte
    path = head.split()[1]
    if path == b"/length":
        length = int(head.lower().split(b"content-length:")[1].split()[0])
        got = 0
        while got < length:
            got += len(stream.recv(65536))
        body = str(got).encode()
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    elif path == b"/big":
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000010\r\n\r\n" + b"x" * 5000000)
        stream.sendall(b"the end :)")
    elif path == b"/small":
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsmall")
    else:
        stream.sendall(b"HTTP/1.0 200 OK\r\n\r\nuntil it ends")
    if path == b"/cut-off":
        stream.shutdown(socket.SHUT_RDWR)
    else:
        with contextlib.suppress(ssl.SSLError, OSError):
            stream.unwrap()


def test_servers_that_are_not_ours(certificates, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.pem("here"), certificates.key("here"))
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(TIMEOUT)
    failures = []

    def serve():
        try:
            for _ in range(5):
                connection, _ = listener.accept()
                connection.settimeout(TIMEOUT)
                with context.wrap_socket(connection, server_side=True) as stream:
                    answer_one(stream)
        except Exception as error:
            failures.append(repr(error))

    thread = threading.Thread(target=serve)
    thread.start()
    with listener, peer(tmp_path, certificates, port=listener.getsockname()[1]) as process:
        assert line_of(process, "/small") == ["200", "5", "small"]
        assert line_of(process, "/big") == ["200", "5000010", "the", "end", ":)"]
        assert line_of(process, "/until-end") == ["200", "13", "il", "it", "ends"]
        assert " ".join(line_of(process, "/cut-off")).endswith("tls: the connection is cut off")
        assert line_of(process, "/length") == ["3000000"]
        thread.join(TIMEOUT)
        assert failures == []
