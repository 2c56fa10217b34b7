"""Requests as bytes, for what http.client would never send."""

import socket


def exchange(address, request, timeout):
    """All that comes back before the server closes; address is "host:port" or "unix:PATH"."""
    with connect(address, timeout) as connection:
        connection.sendall(request)
        return read_all(connection)


def connect(address, timeout):
    if address.startswith("unix:"):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(timeout)
        connection.connect(address.removeprefix("unix:"))
        return connection
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host.strip("[]"), int(port)), timeout=timeout)


def read_all(connection):
    parts = []
    try:
        while data := connection.recv(65536):
            parts.append(data)
    except ConnectionError:  # it closed with bytes of ours unread
        pass
    return b"".join(parts).decode(errors="replace")


def status(answer):
    """The number in a status line."""
    return int(answer.split(" ", 2)[1])
