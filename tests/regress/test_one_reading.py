"""What stands in a text and what the program understands differ: a parser that stops early, keeps
one of two, or takes what cannot be used later. A configuration is read strictly, its names are
judged as on the wire, and a file that is none is an error and no abort."""

import json
import os
import subprocess

import pytest
from gatehouse_client import login
from gatectl import Tool
from server import BINARY, PATIENCE, ROOT, base_config, run

SECRET = "not to be seen"


def check(path, *arguments):
    code, output = run("check", "--config", path, *arguments)
    assert code in (0, 2), output
    return code, output


def written(tmp_path, text):
    path = tmp_path / "c.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(0o600)
    return path


def valid(tmp_path):
    config = base_config(tmp_path)
    config["agent"]["module"] = str(ROOT / "lua/game/player.lua")
    return config


@pytest.fixture
def good(tmp_path):
    return json.dumps(valid(tmp_path))


def test_the_text_as_it_is_good(tmp_path, good):
    assert check(written(tmp_path, good))[0] == 0
    assert check(written(tmp_path, good + "\n\t \r\n"))[0] == 0


@pytest.mark.parametrize("tail", [b"\0", b"\0{}", b"\0 anything", b"{}", b"x", b"\n\0\n", b","])
def test_nothing_follows_the_object(tmp_path, good, tail):
    code, output = check(written(tmp_path, good.encode() + tail))
    assert code == 2 and "line" in output, output


@pytest.mark.parametrize(
    "text, path",
    [
        ('{"workers": 1, "workers": 2}', "workers"),
        ('{"log": {"level": "info", "level": "debug"}}', "log.level"),
        ('{"log": {"level": "info"}, "log": {}}', "log"),
        ('{"gate": {"gates": [{"server": "a", "server": "b"}]}}', "gate.gates.server"),
        ('{"workers": 1, "\\u0077orkers": 1}', "workers"),
    ],
)
def test_no_key_twice(tmp_path, text, path):
    code, output = check(written(tmp_path, text))
    assert code == 2 and f"{path}: is there twice" in output, output


@pytest.mark.parametrize(
    "text",
    [
        '{"log": {"file": "a\\u0000b"}}',
        '{"log\\u0000": {}}',
        '{"workers": 1e999}',
        '{"workers": -1e999}',
        "[" * 100_000,
        '{"log": ' * 5_000,
        '{"a":' + "[" * 100 + "]" * 100 + "}",
        b'{"log": {"file": "\xff"}}',
        b'{"log": {"file": "\xc0\x80"}}',
        "\ufeff\ufeff{}",
        "",
        "null",
        "{'workers': 1}",
        "{} // comment",
        '{"workers": 01}',
        '{"workers": NaN}',
    ],
)
def test_texts_that_are_none(tmp_path, text):
    assert check(written(tmp_path, text))[0] == 2


def test_an_error_shows_no_value(tmp_path):
    text = '{"store": {"mysql": {"password": "%s' % SECRET
    for end in ("", "\n", '", }', '" : 1}', '"\0'):
        code, output = check(written(tmp_path, text + end))
        assert code == 2 and SECRET not in output, output


def test_files_that_are_none(tmp_path, good):
    folder = tmp_path / "folder"
    folder.mkdir()
    big = written(tmp_path, good)
    with open(big, "ab") as file:
        file.truncate(2 << 20)
    for path in (folder, big, "/dev/null", "/dev/zero", tmp_path / "none", ""):
        code, output = check(path)
        assert code == 2 and output, path
        assert run("skynet", path)[0] == 2, path
    assert "is a folder" in check(folder)[1]


def test_a_pipe_is_read_to_its_end(tmp_path, good):
    """As by `--config <(...)`; who never writes it is the operator, and a signal ends the wait."""
    reader, writer = os.pipe()
    with open(writer, "w") as pipe:
        pipe.write(good)
    with open(reader) as pipe:
        done = subprocess.run(
            [BINARY, "check", "--config", f"/dev/fd/{reader}"], cwd=ROOT, pass_fds=[reader],
            capture_output=True, timeout=30 * PATIENCE, check=False,
        )
        assert done.returncode == 0, (done.stderr, pipe)


def test_a_rescued_player_that_is_a_folder(tmp_path):
    tool = Tool(tmp_path / "tool", {})
    tool.done("migrate")
    folder = tmp_path / "folder"
    folder.mkdir()
    assert "is a folder" in tool.refused(2, "restore", str(folder))


def test_settings_are_read_as_strictly(tmp_path, good):
    path = written(tmp_path, good)
    for setting in ('log={"level":"info","level":"debug"}', 'log.file="a\\u0000b"'):
        code, output = check(path, "--set", setting)
        assert code == 2 and "--set" in output, output
    assert check(path, "--set", "log.file=a b")[0] == 0


BAD_NAMES = {
    "empty": "",
    "blank": " ",
    "blank before": " sample",
    "blank behind": "sample ",
    "wide blank": "sample\u3000",
    "hard blank": "\u00a0sample",
    "tab": "sam\tple",
    "newline": "sample\n",
    "return": "sample\r",
    "delete": "sam\x7fple",
    "next line": "sam\x85ple",
    "line separator": "sam\u2028ple",
    "turned around": "sam\u202eple",
    "zero width": "sam\u200bple",
    "mark": "\ufeffsample",
    "noncharacter": "sam\uffffple",
    "long": "s" * 300,
    "a byte too long": "s" * 65,
    "long in bytes": "\u4e25" * 22,
}
GOOD_NAMES = ["s", "s" * 64, "\u4e25" * 21, "sample 1", "a'b\"c", "Ünïcode", "\U0001f3ae"]


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES.keys())
def test_names_of_servers_are_judged_in_the_configuration(tmp_path, name):
    config = valid(tmp_path)
    config["gate"]["gates"][0]["server"] = name
    code, output = check(written(tmp_path, json.dumps(config)))
    assert code == 2 and "gate.gates[0].server: " in output, output


@pytest.mark.parametrize("name", ["h" * 60 + ":8888", "host :8888", "host:8888\n", "h\u00f6st:1"])
def test_what_sessions_say_of_a_gate_fits_the_store(tmp_path, name):
    config = valid(tmp_path)
    config["gate"]["gates"][0]["advertise"] = name
    code, output = check(written(tmp_path, json.dumps(config)))
    assert code == 2 and "gate.gates[0].advertise: " in output, output
    config["gate"]["gates"][0]["advertise"] = "gate1.example:8888"
    assert check(written(tmp_path, json.dumps(config)))[0] == 0


def test_names_of_servers_are_the_same_on_the_wire(tmp_path, start_server):
    gates = [{"server": name, "listen": "127.0.0.1:0", "maxclient": 10} for name in GOOD_NAMES]
    server = start_server({"gate": {"gates": gates}, "limits": {"profile": "off"}})
    for name in GOOD_NAMES:
        assert login(server.login, "player", "secret", name).code == 200, name
    for name in BAD_NAMES.values():
        answer = login(server.login, "player", "secret", name)
        assert answer.code == 400, (name, answer.line)


def test_json_of_scripts_and_clients(tmp_path):
    script = tmp_path / "reader.lua"
    script.write_text(
        """
local skynet = require "skynet"
local json = require "json"
require "skynet.manager"
skynet.start(function()
	assert(json.decode('{"a":1}').a == 1)
	assert(json.decode('"a\\\\u0000b"') == "a\\0b")
	for _, text in ipairs {
		'1\\0', '{"a":1}\\0', '{"a":1}\\0{"b":2}', '\\0', '[1,\\0 2]', '[]\\0 ',
	} do
		local value, why, code = json.decode(text)
		assert(value == nil and why and code == "invalid", text)
	end
	print "all refused"
	skynet.abort()
end)
"""
    )
    config = tmp_path / "reader.config"
    config.write_text(f'thread = 1\nstart = "reader"\nluaservice = "{tmp_path}/?.lua"\n')
    code, output = run("skynet", config)
    assert code == 0 and "all refused" in output, output
