"""skynet's core, rule by rule (docs/skynet-rules.md 1.0, 2.1 to 2.17): the scripts print the rules
that hold."""

import os
import re
import subprocess

import pytest
import skynet_rules
from server import BINARY, ROOT, SANITIZED

# How many rules each script states.
TOPICS = {
    "ordering": 10,
    "sessions": 18,
    "errors": 11,
    "dead_calls": 18,
    "exit": 13,
    "tasks": 20,
    "queue": 7,
    "seri": 20,
    "addresses": 13,
    "launch": 21,
    "redirect": 14,
    "memory": 9,
    "logs": 8,
    "endless": 1,
}
# Launches of the churn; GATEHOUSE_CHURN_CYCLES=100000 takes some minutes.
CHURN_CYCLES = int(os.environ.get("GATEHOUSE_CHURN_CYCLES", "500" if SANITIZED else "10000"))
# Sanitizers keep freed memory.
CHURN_SLACK_BYTES = (400 if SANITIZED else 12) << 20
# What the log of a script must have: rule -> pattern.
LOGGED = {
    "sessions": {
        "2.2 who forgets to answer is logged": r"Maybe forgot response session \d+ from :0000000",
        "2.2 a reply that nobody waits for is logged": r"Unknown session : 424242 from ",
    },
    "errors": {
        "2.3 a failed handler's line": (
            r"\[:\w{8}\] lua call \[\w+ to :\w+ : \d+ msgsz = \d+\] error : "
            r".*logged with a traceback\n(\t.*\n)*\tstack traceback:"
        ),
        "2.3 a message of a type without a handler": r"Unknown request \(0\): nobody reads this",
        "2.3 an error in a fork": r"raised by a fork\n(\t.*\n)*\tstack traceback:",
        "2.3 an error in a timer": r"raised by a timer\n(\t.*\n)*\tstack traceback:",
    },
    "launch": {
        "2.10 an error in the start function": (
            r"init service failed: .*start fails as asked\n\tstack traceback:"
        ),
        "2.10 an error in the main chunk": r"lua loader error : .*raised by the main chunk",
        "2.10 an error in an init function": r"init service failed: .*raised by an init function",
        "2.10 a missing file": (
            r"lua loader error : cannot open no_such_service"
            r"(.*\n)+\tno file './tests/conformance/skynet/no_such_service.lua'"
        ),
    },
    "memory": {
        "2.14 the limit": r"Set memory limit to 2\.00 M",
        "2.14 more than 32 MiB": r"Memory warning [34]\d\.\d\d M",
    },
    "logs": {
        "2.15 joined values": r"\[:\w{8}\] joined 1 2\.5 nil true by __tostring\n",
        "2.15 one text": r"\[:\w{8}\] one text only\n",
        "2.15 several lines": r"\[:\w{8}\] first line\n\tsecond line\n",
        "2.15 the address": r"\[:(\w{8})\] I am :\1\n",
        "2.15 LAUNCH": r"\[:\w{8}\] LAUNCH snlua core_partner logged arguments\n",
        "2.15 failed launch": r"LAUNCH snlua no_such_service at all\n.*lua loader error",
        "2.15 overload": r"May overload, message queue length = [1-9]\d{3}\n",
    },
    "endless": {
        "2.15 an endless loop": (
            r"A message from \[ :\w{8} \] to \[ :\w{8} \] maybe in an endless loop"
        ),
    },
}
# What it must not have.
UNLOGGED = {"sessions": r"Maybe forgot response session 777 "}


@pytest.mark.parametrize("topic", TOPICS)
def test_rules(topic, tmp_path):
    rules = skynet_rules.rules_of(topic)
    assert len(rules) == len(set(rules)) == TOPICS[topic]
    lines, output = skynet_rules.run(topic, tmp_path)
    skynet_rules.check(topic, lines, output)
    missing = [
        rule for rule, line in LOGGED.get(topic, {}).items() if not re.search(line, output)
    ]
    assert missing == [], output[-5000:]
    assert not (topic in UNLOGGED and re.search(UNLOGGED[topic], output))


def test_kill_and_exit_lines(tmp_path):
    """docs/skynet-rules.md 2.15: KILL self in the name of who exits, KILL :hex in the name of who
    kills."""
    _, output = skynet_rules.run("logs", tmp_path)
    me, left, killed, unpadded = re.search(r"addresses (\w+) (\w+) (\w+) (\w+)", output).groups()
    assert f"[:{left}] KILL self\n" in output
    assert f"[:{me}] KILL :{unpadded}\n" in output
    assert f"[:{killed}] KILL self\n" in output
    assert "printed\t1\tnil\nwritten\n" in output


def test_churn(tmp_path):
    """docs/skynet-rules.md 2.5, 2.9, 2.10: nothing is left of services that ended."""
    settings = (
        f"churn_cycles = {CHURN_CYCLES}\nchurn_warm = {min(CHURN_CYCLES, 3000)}\n"
        f"churn_slack = {CHURN_SLACK_BYTES}\n"
    )
    seconds = 120 + CHURN_CYCLES // 100
    lines, output = skynet_rules.run("churn", tmp_path, settings, seconds=seconds)
    print([line for line in lines if line.startswith("churn:")])
    skynet_rules.check("churn", lines, output)
    assert len(skynet_rules.rules_of("churn")) == 3


def test_boot(tmp_path):
    """docs/skynet-rules.md 2.17: what a configuration may contain; 1.0: preload."""
    (tmp_path / "more.config").write_text(
        'from_include = "included"\ncomputed = thread .. " " .. from_include\n'
    )
    settings = (
        'own_key = "own value"\na_boolean = true\na_float = 1.5\n'
        'from_environment = "before $BOOT_TEST_NAME after"\ninclude "more.config"\n'
        f'preload = "{skynet_rules.FOLDER}/service/boot_preload.lua"\n'
    )
    lines, output = skynet_rules.run(
        "boot", tmp_path, settings, {**os.environ, "BOOT_TEST_NAME": "value"}
    )
    skynet_rules.check("boot", lines, output)
    assert len(skynet_rules.rules_of("boot")) == 6


def boots(config):
    return subprocess.run(
        [BINARY, "skynet", *config], cwd=ROOT, capture_output=True, text=True, check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a_table = {}", "Invalid config table key = a_table"),
        ("a_function = function() end", "Invalid config table key = a_function"),
        ('path = "$NO_SUCH_NAME_IS_SET"', r"os.getenv() failed: NO_SUCH_NAME_IS_SET"),
        ('include "no_such_file"', "no_such_file"),
        ("this is not lua", "syntax error"),
    ],
)
def test_wrong_configurations_end_the_process(text, message, tmp_path):
    """docs/skynet-rules.md 2.17."""
    config = tmp_path / "wrong.config"
    config.write_text(text)
    done = boots([config])
    assert done.returncode > 0
    assert message in done.stdout + done.stderr


def test_no_configuration(tmp_path):
    """docs/skynet-rules.md 2.17: without an argument, or with that of a missing file, nothing
    starts."""
    assert boots([]).returncode > 0
    assert boots([tmp_path / "no_such.config"]).returncode > 0


def test_a_start_service_that_fails_ends_the_process(tmp_path):
    """skynet leaves it up without anything to do (docs/skynet-rules.md 2.17)."""
    config = tmp_path / "failing.config"
    config.write_text('start = "no_such_service"\nthread = 2\n')
    ended = boots([config])
    assert ended.returncode == 1
    assert "start service no_such_service failed" in ended.stdout
