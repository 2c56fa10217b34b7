"""A promise that nobody compared with what there is: a gate for 100,000 players started under
1,024 descriptors, and the 1,001st found out. Descriptors and memory are compared with `maxclient`
before anybody is promised a place."""

import json
import resource
import subprocess

import pytest
from gatehouse_client import login
from players import fresh_name
from server import BINARY, PATIENCE, ROOT, Server, base_config

DESCRIPTORS = 1_200


def limited():
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, DESCRIPTORS))


def run_limited(*arguments):
    done = subprocess.run(
        [BINARY, *arguments], cwd=ROOT, capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL, timeout=30 * PATIENCE, preexec_fn=limited,
    )
    return done.returncode, done.stdout + done.stderr


def write(folder, *places):
    config = base_config(folder)
    config["gate"]["gates"] = [
        {"server": f"game{number}", "listen": "127.0.0.1:0"} | ({"maxclient": n} if n else {})
        for number, n in enumerate(places)
    ]
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    return path


@pytest.mark.parametrize("command", [["check"], []])
def test_more_players_than_descriptors(tmp_path, command):
    path = write(tmp_path, 500, 600)
    code, output = run_limited(*command, "--config", path)
    assert code == 2, output
    assert "maxclient" in output and "1100" in output and str(DESCRIPTORS) in output
    assert "LimitNOFILE" in output


@pytest.mark.parametrize("command", [["check"], []])
def test_more_players_than_memory(tmp_path, command):
    path = write(tmp_path, 4_294_967_295)
    code, output = run_limited(*command, "--config", path)
    assert code == 2 and "MiB of memory" in output, output


def test_what_fits_passes(tmp_path):
    path = write(tmp_path, 300)
    code, output = run_limited("check", "--config", path)
    assert code == 0, output
    assert "limits.login_connections_max" in output, "a warning for what admission handles"


def test_a_gate_without_the_key_has_as_many_as_fit(tmp_path):
    code, output = run_limited("check", "--config", write(tmp_path, None, None))
    assert code == 0, output
    assert "gate game0: auto 127.0.0.1:0, at most" in output and "at most 100000" not in output


def test_the_soft_limit_is_raised(tmp_path):
    """64 descriptors are too few for this server, the 1,200 that it may have are not."""

    class Limited(Server):
        def start(self):
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard[1]))
            try:
                return super().start()
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, hard)

    with Limited(tmp_path) as server:
        limits = open(f"/proc/{server.pid}/limits", encoding="ascii").read()
        row = next(line for line in limits.splitlines() if line.startswith("Max open files"))
        soft, hard = row.split()[3:5]
        assert soft == hard
        assert login(server.login, fresh_name(), "secret", "sample").code == 200
