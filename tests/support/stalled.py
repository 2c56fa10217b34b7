"""Readers that stop reading: what a server writes to, filled to the brim."""

import contextlib
import os
import pty
import socket
import termios
import threading


def _fill(descriptor):
    """Writes until there is no room; returns how many bytes that were."""
    os.set_blocking(descriptor, False)
    count = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            count += os.write(descriptor, b"." * 511 + b"\n")
    with contextlib.suppress(BlockingIOError):
        while True:
            count += os.write(descriptor, b".")
    os.set_blocking(descriptor, True)
    return count


def _terminal():
    reader, writer = pty.openpty()
    attributes = termios.tcgetattr(writer)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(writer, termios.TCSANOW, attributes)
    return reader, writer


def _sockets():
    reader, writer = socket.socketpair()
    return reader.detach(), writer.detach()


OPENERS = {"pipe": os.pipe, "terminal": _terminal, "socket": _sockets}


class Stalled:
    """A reader of one kind that reads nothing until `resume`, and then all lines there are."""

    def __init__(self, kind="pipe", full=True):
        self.reader, self.writer = OPENERS[kind]()
        self.filled = _fill(self.writer) if full else 0
        self.text = b""
        self.thread = None

    def started(self):
        """The server has the writing side now."""
        os.close(self.writer)
        self.writer = None

    def resume(self):
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self):
        with contextlib.suppress(OSError):  # a terminal ends with an error
            while data := os.read(self.reader, 65536):
                self.text += data

    def lines(self):
        """What the server wrote: whole lines."""
        return self.text[self.filled :].decode(errors="replace").split("\n")[:-1]

    def close(self):
        """After the server's end."""
        if self.writer is not None:
            self.started()
        if self.thread is None:
            self.resume()
        self.thread.join()
        os.close(self.reader)
