"""Thousands of clients in one process: players that echo, and connections that never speak."""

import asyncio
import select
import socket
import struct
import time
from dataclasses import dataclass

import skynet_crypto
from gatehouse_client import (
    Login,
    b64,
    finish_login,
    frame,
    make_token,
    parse_address,
    request_frame,
    unb64,
)


@dataclass
class Report:
    logged_in: int = 0
    connected: int = 0
    most_at_once: int = 0
    right: int = 0
    wrong: int = 0
    missing: int = 0
    seconds: float = 0.0
    first_error: str = ""


async def _read_answer(reader):
    while True:
        line = (await reader.readline()).decode()
        assert line.endswith("\n"), "login connection closed without an answer"
        if not line.startswith("102 "):
            return line[:-1]


async def _login(address, user, password, server, suite):
    reader, writer = await asyncio.open_connection(*parse_address(address))
    try:
        challenge = unb64((await reader.readline()).decode().strip())
        token = make_token(user, password, server).encode()
        secret = b""
        if suite == "skynet":
            key = skynet_crypto.random_key()
            writer.write(b64(skynet_crypto.dh_exchange(key)).encode() + b"\n")
            public = unb64((await reader.readline()).decode().strip())
            secret = skynet_crypto.dh_secret(public, key)
            writer.write(b64(skynet_crypto.hmac64(challenge, secret)).encode() + b"\n")
            token = b64(skynet_crypto.des_encode(secret, token)).encode()
        writer.write(token + b"\n")
        login = Login(await _read_answer(reader), suite, user, server, secret)
        return finish_login(login)
    finally:
        writer.close()


async def _read_frame(reader):
    return await reader.readexactly(struct.unpack(">H", await reader.readexactly(2))[0])


class _Crowd:
    def __init__(self, server, game, count, rounds, suite, timeout, on_gathered):
        self.on_gathered = on_gathered  # called once, when all are connected
        self.login_address = server.login
        self.gate_address = server.gate(game)
        self.game = game
        self.count = count
        self.rounds = rounds
        self.suite = suite
        self.timeout = timeout
        self.report = Report()
        self.logins = asyncio.Semaphore(100)  # login connections at once
        self.gathered = asyncio.Event()  # all players are connected, or failed
        self.arrived = 0
        self.inside = 0

    def _arrive(self):
        self.arrived += 1
        if self.arrived == self.count:
            if self.on_gathered:
                self.on_gathered()
            self.gathered.set()

    async def play(self, number):
        """One player; an error of any kind leaves its answers missing."""
        answered, arrived = 0, False
        writer = None
        try:
            async with self.logins:
                login = await _login(
                    self.login_address, f"crowd{number}", "secret", self.game, self.suite
                )
                assert login.code == 200, login.line
                self.report.logged_in += 1
                reader, writer = await asyncio.open_connection(*parse_address(self.gate_address))
                writer.write(frame(login.handshake(1).encode()))
                answer = await _read_frame(reader)
                assert answer == b"200 OK", answer
            self.report.connected += 1
            self.inside += 1
            self.report.most_at_once = max(self.report.most_at_once, self.inside)
            arrived = True
            self._arrive()
            await self.gathered.wait()
            for session in range(1, self.rounds + 1):
                content = f"{number}/{session}/".encode().ljust(64, b".")
                writer.write(request_frame(content, session))
                body = await _read_frame(reader)
                answered += 1
                if body == content + b"\x01" + struct.pack(">I", session):
                    self.report.right += 1
                else:
                    self.report.wrong += 1
        except (OSError, AssertionError, asyncio.IncompleteReadError, ValueError) as error:
            self.report.first_error = self.report.first_error or repr(error)
        finally:
            self.inside -= 1 if arrived else 0
            self.report.missing += self.rounds - answered
            if not arrived:
                self._arrive()
            if writer is not None:
                writer.close()

    async def run(self):
        start = time.monotonic()
        tasks = [asyncio.create_task(self.play(n)) for n in range(self.count)]
        try:
            await asyncio.wait_for(asyncio.gather(*tasks), self.timeout)
        except asyncio.TimeoutError:
            self.report.first_error = self.report.first_error or "time-out of the whole run"
        self.report.seconds = time.monotonic() - start
        return self.report


def run_players(
    server, count, rounds, game="sample", suite="skynet", timeout=240.0, on_gathered=None
):
    """Logs `count` players in, holds them all connected, and lets each echo `rounds` times."""

    async def main():
        return await _Crowd(server, game, count, rounds, suite, timeout, on_gathered).run()

    return asyncio.run(main())


class SilentCrowd:
    """Connections that are opened and never send a byte."""

    def __init__(self, address, count):
        self.sockets = {}
        self.poll = select.epoll()
        self.closed = 0
        for _ in range(count):
            client = socket.create_connection(parse_address(address), timeout=20)
            client.setblocking(False)
            self.sockets[client.fileno()] = client
            self.poll.register(client.fileno(), select.EPOLLIN | select.EPOLLRDHUP)

    def reap(self, seconds):
        """Waits up to `seconds` for connections that the server closes, and drops them."""
        for descriptor, _ in self.poll.poll(seconds):
            client = self.sockets[descriptor]
            try:
                data = client.recv(4096)  # the login port speaks first: its line is not an end
            except (ConnectionResetError, BlockingIOError):
                data = b""
            if not data:
                self.poll.unregister(descriptor)
                client.close()
                del self.sockets[descriptor]
                self.closed += 1
        return len(self.sockets)

    def close(self):
        for client in self.sockets.values():
            client.close()
        self.sockets.clear()
        self.poll.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()
