"""The debug console: its commands over TCP, what it refuses, and its password."""

import os
import re
import socket
import subprocess

import pytest
from server import BINARY, PATIENCE, REPORT, ROOT, run
from waiting import wait_until

SCRIPTS = "./tests/conformance/skynet"
ENDINGS = ("<CMD OK>", "<CMD Error>", "Invalid command, type help for command list")


class Console:
    """A process with a debug console, and the first connection to it."""

    def __init__(self, folder, settings="", arguments="0"):
        config = folder / "console.config"
        config.write_text(
            f'thread = 2\nstart = "console_main"\nlogpath = "{folder}"\n'
            f'console_arguments = "{arguments}"\n'
            f'luaservice = "{SCRIPTS}/debug/?.lua;{SCRIPTS}/?.lua"\n{settings}'
        )
        self.log = folder / "log.txt"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [BINARY, "skynet", config], cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True
            )
        self.seen = []
        self.port = int(self.expect(r"Start debug console at \S+:(\d+)"))
        self.target = self.expect(r"target is :(\w+)")

    def expect(self, pattern):
        for line in self.process.stdout:
            self.seen.append(line)
            found = re.search(pattern, line)
            if found:
                return found[1]
        raise AssertionError("".join(self.seen))

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=30 * PATIENCE)

    def end(self):
        self.process.terminate()
        rest = self.process.communicate(timeout=60 * PATIENCE)[0]
        output = "".join(self.seen) + rest + self.log.read_text()
        assert not REPORT.search(output), output
        return output


@pytest.fixture
def console(tmp_path):
    started = []

    def start(*arguments, **named):
        started.append(Console(tmp_path, *arguments, **named))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.end()


class Line:
    """A connection that sends commands and reads their answers."""

    def __init__(self, connection, greeting="Welcome to skynet console"):
        self.stream = connection.makefile("rw")
        assert self.stream.readline() == greeting + "\n"

    def send(self, command):
        self.stream.write(command + "\n")
        self.stream.flush()
        lines = []
        while not lines or lines[-1] not in ENDINGS:
            line = self.stream.readline()
            assert line, f"{command}: the console closed"
            lines.append(line.rstrip("\n"))
        return lines

    def ok(self, command):
        *lines, ending = self.send(command)
        assert ending == "<CMD OK>", lines
        return lines


def test_commands(console, tmp_path):
    server = console()
    line = Line(server.connect())
    target = server.target
    padded = ":" + target.rjust(8, "0")
    assert f"{padded}\tsnlua debug_target" in line.ok("list")
    assert ":00000004\tsnlua service_mgr" in line.ok("list")
    commands = {text.split("\t")[0] for text in line.ok("help")}
    wanted = (
        "call clearcache cmem dbgcmd debug dumpheap exit gc getenv help info inject jmem kill "
        "killtask list log logoff logon mem netstat ping profactive service setenv signal snax "
        "start stat task trace uniqtask"
    )
    assert commands == set(wanted.split())
    row = next(text for text in line.ok("stat") if text.startswith(padded))
    assert re.fullmatch(rf"{padded}\tcpu:[\d.e-]+\tmessage:\d+\tmqlen:0\ttask:0", row)
    for command in ("mem", "gc", "mem 100", "cmem"):
        row = next(text for text in line.ok(command) if text.startswith(padded))
        assert re.fullmatch(rf"{padded}\t\d+\.\d\d Kb \(snlua debug_target\)", row), row
    for address in (target, padded, ".launcher"):
        assert re.fullmatch(r"\d+", line.ok(f"ping {address}")[0])
    assert line.ok(f"info {target} a") == ["info"]
    assert line.ok(f'call {target} "echo",1,{{2}}') == ["1\t1", "2\t1:2", "n\t2"]
    assert line.ok(f"dbgcmd {target} SUPPORT lua") == ["true"]
    assert line.ok("getenv thread") == ["thread\t2"]
    assert line.ok("getenv nothing") == ["nothing\tnil"]
    assert line.ok("setenv colour green") == []
    assert line.ok("getenv colour") == ["colour\tgreen"]
    assert any("type:LISTEN" in text for text in line.ok("netstat"))
    assert line.ok("service") == []
    assert line.ok(f"trace {target} on") == [] and line.ok("clearcache") == []
    script = tmp_path / "injected.lua"
    script.write_text("print('injected', _P.lua.secret, ...)")
    assert line.ok(f"inject {target} {script} x") == ["injected\tan upvalue\tx"]
    assert line.ok("signal 3 1") == []


def test_coroutines(console):
    server = console()
    line = Line(server.connect())
    assert line.ok(f'inject {server.target} {SCRIPTS}/debug/hang_injected.lua') == []
    thread = line.ok(f"task {server.target}")
    assert re.fullmatch(r"thread: 0x\w+ session: \d+\tstack traceback:", thread[0])
    assert line.ok(f"uniqtask {server.target}")[0].startswith("1\tsessions:[")
    name = re.match(r"thread: (0x\w+)", thread[0])[1]
    assert line.ok(f"killtask {server.target} {name}") == []
    assert line.ok(f"task {server.target}") == []
    assert line.ok(f"killtask {server.target} {name}") == ["Not found"]


def test_launching_and_ending(console, tmp_path):
    server = console()
    line = Line(server.connect())
    (started,) = line.ok("start debug_target")
    address, name = started.split("\t")
    assert name == "debug_target"
    assert line.ok("start no_such_service") == ["Failed"]
    assert line.ok("snax no_such_service") == ["Failed"]
    assert line.ok(f"kill {address}") == [f"{address}\tsnlua debug_target"]
    (logged,) = line.ok("log debug_target")
    address = logged.split("\t")[0]
    line.ok(f'call {address} "echo"')
    file = tmp_path / f"{address[1:]}.log"
    message = re.compile(r"^:\w{8} 10 \d+ \d+ 246563686f$", re.MULTILINE)
    wait_until(lambda: message.search(file.read_text()), what="the message in its log")
    line.ok(f"logoff {address}")
    line.ok(f'call {address} "echo","first"')
    assert line.ok(f"logon {address}") == [str(file)]
    line.ok(f'call {address} "echo","second"')
    # Lines leave in order, a moment later.
    wait_until(lambda: b"second".hex() in file.read_text(), what="a message after logon")
    assert b"first".hex() not in file.read_text()
    line.ok(f"exit {address}")
    while any(text.startswith(address) for text in line.ok("list")):
        pass


@pytest.mark.parametrize(
    "command",
    ["call", "call 3", "call 3 ((", "info", "ping zz", "ping .nobody", "kill", "setenv x",
     "inject 3 /no/such/file", "logon ffffff", "jmem", "dumpheap", "profactive", "killtask 3"],
)
def test_errors_are_shown(console, command):
    line = Line(console().connect())
    text, ending = line.send(command)[-2:]
    assert text and ending == "<CMD Error>"
    assert line.ok("ping 3")


def test_unknown_command_and_empty_lines(console):
    line = Line(console().connect())
    line.stream.write("\n   \n")
    assert line.ok("ping 3")
    assert line.send("nonsense")[-1] == ENDINGS[2]
    assert line.stream.read() == "", "a line that is no command is the last one"


def test_http(console):
    server = console()

    def ask(request):
        with server.connect() as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode()

    listing = ask(b"GET /list HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert listing.startswith("Welcome to skynet console\n") and "service_mgr" in listing
    body = f'call {server.target} "echo",7'.encode()
    head = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert ask(head + body).endswith("1\t7\nn\t1\n<CMD OK>\n")
    page = ask(b"GET /list HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1\r\n\r\n")
    assert "service_mgr" not in page and page.endswith("<CMD Error>\n")


@pytest.mark.parametrize("password", ["", 'console_password = "open sesame!"\n'])
def test_no_public_address(console, password):
    with pytest.raises(AssertionError, match="on loopback only"):
        console(password, arguments="0.0.0.0 0")


def test_password(console):
    server = console('console_password = "open sesame!"\n')
    line = Line(server.connect(), "Password:")
    line.stream.write("open sesame!\n")
    line.stream.flush()
    assert line.stream.readline() == "Welcome to skynet console\n"
    assert line.ok("ping 3")
    wrong = Line(server.connect(), "Password:")
    wrong.stream.write("open sesame\nlist\n")
    wrong.stream.flush()
    assert wrong.stream.readlines() == ["wrong password\n", "<CMD Error>\n"]

    def ask(header):
        with server.connect() as connection:
            connection.sendall(b"GET /ping/3 HTTP/1.1\r\nHost: localhost\r\n" + header + b"\r\n")
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode()

    assert ask(b"").endswith("wrong password\n<CMD Error>\n")
    assert ask(b"Authorization: Basic Om9wZW4gc2VzYW1lIQ==\r\n").endswith("<CMD OK>\n")
    output = server.end()
    assert "sesame!" not in output
    assert output.count("no login from") == 1


def test_a_line_without_end_is_refused(console):
    server = console()
    connection = server.connect()
    line = Line(connection)
    connection.sendall(os.urandom(1).hex().encode() * 65536)
    assert line.stream.read() == ""
    assert Line(server.connect()).ok("ping 3")


def test_console_of_a_server(start_server):
    server = start_server({"console": {"listen": "127.0.0.1:0", "password": "open sesame!"}})
    host, port = server.ready["console"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=30 * PATIENCE) as connection:
        line = Line(connection, "Password:")
        line.stream.write("open sesame!\n")
        line.stream.flush()
        line.stream.readline()
        assert ":00000004\tsnlua service_mgr" in line.ok("list")
    assert "console" not in start_server().ready


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:8000", "a.example:8000"])
def test_console_beyond_loopback_is_refused(address):
    code, text = run(
        "check", "--config", "config/quickstart.json", "--set", f"console.listen={address}",
        "--set", "console.password=a long password",
    )
    assert code == 2
    assert "console.listen: must be unix:PATH or a loopback address" in text


class Prompt:
    """The debugger of one service: each line is answered by text and the prompt."""

    def __init__(self, server, connection):
        self.prompt = f":{server.target.rjust(8, '0')}>"
        self.connection = connection
        self.text = ""
        self.read("Welcome to skynet console\n")
        self.connection.sendall(f"debug {server.target}\n".encode())
        self.read(self.prompt)

    def read(self, ending):
        while not self.text.endswith(ending):
            data = self.connection.recv(4096)
            assert data, self.text
            self.text += data.decode()
        text, self.text = self.text, ""
        return text.removesuffix(ending).rstrip("\n")

    def ask(self, line):
        self.connection.sendall(f"{line}\n".encode())
        return self.read(self.prompt)


def test_debugger(console):
    server = console()
    prompt = Prompt(server, server.connect())
    assert prompt.ask("1 + 1, _P.lua.secret") == "2\tan upvalue"
    assert prompt.ask("s") == "nothing has stopped; watch stops it"
    assert prompt.ask("watch nothing") == "no handler of nothing"
    prompt.connection.sendall(b'watch "lua" (...) == "add"\n')
    line = Line(server.connect())
    while not line.ok(f"dbgcmd {server.target} REMOTEDEBUG eval _P.lua.holds~=nil")[0] == "true":
        pass
    assert line.ok(f'call {server.target} "echo",1') == ["1\t1", "n\t1"]  # it does not match
    calls = server.connect()
    caller = calls.makefile("rw")
    caller.readline()
    caller.write(f'call {server.target} "add",3,4\n')
    caller.flush()
    places = [prompt.read(prompt.prompt)]
    assert re.fullmatch(r".*debug_target\.lua:\d+", places[0])
    assert line.ok(f'call {server.target} "echo",2') == ["1\t2", "n\t1"]  # others go on
    while prompt.ask("a") != "3":
        places.append(prompt.ask("s"))
    assert prompt.ask("a, b, nothing") == "3\t4\tnil"
    assert prompt.ask("a = 10") == ""
    before = prompt.ask("n")
    after = prompt.ask("n")
    assert [int(place.rsplit(":")[1]) for place in (before, after)] == sorted(
        int(place.rsplit(":")[1]) for place in (before, after)
    )
    prompt.connection.sendall(b"c\n")
    prompt.read("<CMD OK>\n")
    assert caller.readline() == "1\t14\n"


def test_debugger_lets_go_at_its_end(console):
    server = console()
    connection = server.connect()
    Prompt(server, connection)
    connection.sendall(b"watch lua\n")
    line = Line(server.connect())
    while not line.ok(f"dbgcmd {server.target} REMOTEDEBUG eval _P.lua.holds~=nil")[0] == "true":
        pass
    connection.close()
    while not line.ok(f"dbgcmd {server.target} REMOTEDEBUG eval _P.lua.holds==nil")[0] == "true":
        pass
    assert line.ok(f'call {server.target} "echo",1') == ["1\t1", "n\t1"]
