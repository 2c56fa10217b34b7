"""tools/bench's runner: its figures come from answers, and a server that loses some is reported.

No time is asserted.
"""

import json
import re
import shutil
import subprocess
import sys

import pytest
from server import BINARY, ROOT

sys.path.insert(0, str(ROOT / "tests/bench"))

import report  # noqa: E402
import rows  # noqa: E402

PROGRAMS = BINARY.parent / "tests/bench"
REQUIRED = [PROGRAMS / f"bench_{name}" for name in ("load", "raw_echo", "raw_tls")]
pytestmark = pytest.mark.skipif(
    not all(path.exists() for path in REQUIRED),
    reason=f"bench_load, bench_raw_echo and bench_raw_tls are not built in {PROGRAMS}",
)

# An echo server that starts to do something wrong in the middle of the measured second.
FAULTY_SERVER = """#!/usr/bin/python3
import socketserver
import time

class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        start = time.monotonic()
        while data := self.request.recv(65536):
            if time.monotonic() - start > 0.5:
                {fault}
            self.request.sendall(data)

class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 200

with Server(("127.0.0.1", 0), Echo) as server:
    print(server.server_address[1], flush=True)
    server.serve_forever()
"""
FAULTS = {
    "closes": ("return", "closed by the server"),
    "wrong answer": ("data = bytes([0, data[1] - 1]) + data[2:-1]", "wrong answer of 67 bytes"),
    "silent": ("continue", "requests without an answer"),
}


def bench(tmp_path, *arguments, programs=PROGRAMS):
    output = tmp_path / "bench.json"
    done = subprocess.run(
        [sys.executable, "-B", ROOT / "tests/bench/run.py", "--quick", "--rounds", "1",
         "--binary", BINARY, "--programs", programs, "--json", output, *arguments],
        capture_output=True, text=True, timeout=300, check=False)
    found = json.loads(output.read_text()) if output.exists() else None
    return done.returncode, done.stdout + done.stderr, found


def test_echo_row(tmp_path):
    code, output, found = bench(tmp_path, "--only", "echo 100x1")
    assert code == 0, output
    assert found["failures"] == [] and found["machine"]["cores"] > 0
    (row,) = found["rows"]
    assert row["name"] == "echo 100x1"
    for kind in ("raw", "gatehouse"):
        (sample,) = row["samples"][kind]
        (said,) = sample["reports"]
        assert said["echo"]["requests"] > 0 and said["echo"]["unanswered"] == 0
        assert sample["figures"]["cpu"] == said["echo"]["cpu_us"] > 0
    cpu = next(figure for figure in row["figures"] if figure["name"] == "cpu")
    medians = cpu["median"]
    assert cpu["ratio"] == pytest.approx(medians["gatehouse"] / medians["raw"])
    assert cpu["reached"] == (cpu["ratio"] <= cpu["target_ratio"])
    assert "echo 100x1  cpu us" in output


def test_rows_with_several_processes_and_lua_services(tmp_path):
    names = "login storm,login again,memory,compute,call_1,fleet"
    code, output, found = bench(tmp_path, "--only", names)
    assert code == 0, output
    medians = {
        (row["name"], figure["name"]): figure["median"]["gatehouse"]
        for row in found["rows"] for figure in row["figures"]
    }
    assert medians["login storm", "unanswered"] == 0
    assert medians["login again", "cpu"] > 0
    assert medians["memory", "player"] > 0
    assert medians["compute", "cpu exclusive"] > 0
    assert medians["services call_1", "call_1"] > 0
    assert medians["fleet", "connected"] >= 1000


def test_rows_of_the_edge(tmp_path):
    names = ("edge sealed 100x8,edge websocket 100x1,edge tls 100x8,edge wss 100x1,"
             "edge players tls,edge handshakes,edge logins")
    code, output, found = bench(tmp_path, "--only", names)
    assert code == 0, output
    samples = {row["name"]: row["samples"] for row in found["rows"]}
    for name in names.split(",")[:4]:
        (sample,) = samples[name]["gatehouse"]
        plain, *_, edge = (report["echo"] for report in sample["reports"])
        assert plain["requests"] > 0 and edge["requests"] > 0, name
        assert sample["figures"]["client"] == edge["client_cpu_us"] > 0
        assert sample["figures"]["cpu/plain"] > 0
    for kind in ("raw", "gatehouse"):
        (sample,) = samples["edge handshakes"][kind]
        for said in sample["reports"]:
            assert said["full"]["resumed"] == 0 < said["resumed"]["resumed"], "TLS 1.3, then 1.2"
    (sample,) = samples["edge logins"]["gatehouse"]
    assert [login["resumed"] > 0 for login in sample["reports"][1]["logins"]] == [False, True]


def test_against_another_binary(tmp_path):
    code, output, found = bench(tmp_path, "--only", "quiet", "--against", BINARY)
    assert code == 0 and "vs against" in output, output
    assert len(found["rows"][0]["samples"]["against"]) == 1


def test_what_is_reached_and_what_got_worse():
    results, row = report.Results(), next(row for row in rows.ROWS if row.name == "echo 100x1")
    cpu, rate = row.figures[:2]
    for kind, values in {"raw": (8, 6, 7), "against": (9, 8, 8), "gatehouse": (12, 9, 10)}.items():
        for number, value in enumerate(values):
            results.add(row, kind, number, {"cpu": value, "rate": 1000 * value}, [])
    here, wanted, reached = report.judge(results, row, cpu)
    assert (here, wanted, reached) == (1.5, pytest.approx(4.5 / 3.5), False)
    assert not report.slower(results, row, cpu), "one of gatehouse's is as good"
    results.samples[row.name, "gatehouse"][1]["figures"]["cpu"] = 9.5
    assert report.slower(results, row, cpu)
    assert not report.slower(results, row, rate), "more of these is better"
    line = report.table([row], ["raw", "against", "gatehouse"], results).splitlines()[1]
    cells = re.split(r"\s{2,}", line)
    assert cells == ["echo 100x1", "cpu us", "7 (6–8)", "8 (8–9)", "10 (9.5–12)", "1.5 raw",
                     "≤ 4.5 (1.29 raw)", "no", "1.25 worse"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_loses_requests_fails_the_run(tmp_path, fault):
    statement, reason = FAULTS[fault]
    programs = tmp_path / "programs"
    programs.mkdir()
    shutil.copy(PROGRAMS / "bench_load", programs)
    faulty = programs / "bench_raw_echo"
    faulty.write_text(FAULTY_SERVER.format(fault=statement))
    faulty.chmod(0o755)
    options = ["--seconds", "1", "--only", "echo 100x8"]
    code, output, found = bench(tmp_path, *options, programs=programs)
    assert code == 1, output
    (failure,) = found["failures"]
    assert failure["server"] == "raw" and reason in failure["why"], output
    assert found["rows"][0]["samples"]["raw"] == []
    assert found["rows"][0]["samples"]["gatehouse"] != [], "the others are measured all the same"


def test_an_unknown_row_is_refused(tmp_path):
    code, output, found = bench(tmp_path, "--only", "echo 5x5")
    assert code == 2 and "no such row" in output and found is None
