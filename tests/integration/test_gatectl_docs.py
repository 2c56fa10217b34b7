"""Help, man page and completion of gatectl name the same commands, options and formats."""

import re
import shutil
import subprocess

import pytest
from gatectl import GATECTL
from server import ROOT

MAN_PAGE = ROOT / "docs/gatectl.1"
COMPLETION = ROOT / "deploy/gatectl.bash"
GLOBAL = {"--help", "--config", "--root", "--set", "--json"}


def help_of(*command):
    done = subprocess.run(
        [GATECTL, *command, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


def section(text, title):
    """The lines below a title of CLI11's help."""
    match = re.search(rf"^{title}:\n((?:  .*\n?)+)", text, re.MULTILINE)
    return match[1].splitlines() if match else []


def read_commands(*command):
    """Command as a tuple of words -> its options, for it and all below it."""
    text = help_of(*command)
    names = "\n".join(line[:30] for line in section(text, "Options"))
    options = set(re.findall(r"--[a-z][a-z-]*", names))
    commands = {command: options - GLOBAL}
    for line in section(text, "Subcommands"):
        commands |= read_commands(*command, line.split()[0])
    return commands


COMMANDS = read_commands()
LEAVES = [
    command
    for command in COMMANDS
    if not any(other[:-1] == command for other in COMMANDS)
]


def words_of(option, *command):
    """The words that an option takes, as the help says."""
    line = re.search(rf"{option} \S+:\{{(.*?)\}}", help_of(*command))
    return set(line[1].split(","))


def test_the_help_is_read_as_it_is_meant():
    assert ("account", "ban") in LEAVES and ("drain",) in LEAVES and len(LEAVES) >= 16
    assert COMMANDS["account", "ban"] == {"--until", "--for", "--reason", "--note"}
    assert {"--config", "--root", "--set", "--json"} <= set(re.findall(r"--[a-z]+", help_of()))
    assert "md5-ps" in words_of("--format", "account", "import")


def complete(*words):
    """What bash offers for the last of the words."""
    script = (
        'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _gatectl; '
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script, "bash", COMPLETION, "gatectl", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return set(done.stdout.split())


def test_completion_of_commands():
    for parent in [command for command in COMMANDS if command not in LEAVES]:
        below = {command[-1] for command in COMMANDS if command and command[:-1] == parent}
        assert {word for word in complete(*parent, "") if not word.startswith("-")} == below
    assert complete("account", "re") == {"revoke"}
    assert complete("--config", "file", "--set", "a", "=", "b", "--json", "dr") == {"drain"}


@pytest.mark.parametrize("command", LEAVES, ids=" ".join)
def test_completion_of_options(command):
    assert complete(*command, "--") == COMMANDS[command] | GLOBAL


def test_completion_of_values():
    formats = words_of("--format", "account", "import")
    assert complete("account", "import", "x", "--format", "") == formats
    assert complete("account", "import", "x", "--format", "=", "sha1") == {
        "sha1", "sha1-ps", "sha1-sp"
    }
    assert complete("account", "import", "x", "--format", "=") == formats
    assert complete("account", "export", "--format", "") == {"csv", "jsonl"}
    assert complete("account", "import", "x", "--on-exists", "") == {"skip", "fail"}
    assert complete("account", "ban", "x", "--reason", "") == set()
    assert complete("--config", "config/quick") == {"config/quickstart.json"}
    assert complete("account", "import", "config/quick") == {"config/quickstart.json"}
    assert complete("account", "import", "--format", "md5", "config/quick") == {
        "config/quickstart.json"
    }


def man_sections():
    """Heading of each command -> its text, without the macros' backslashes."""
    text = MAN_PAGE.read_text(encoding="utf-8").replace("\\-", "-")
    commands = text.split(".SH COMMANDS\n")[1].split("\n.SH ")[0]
    parts = re.split(r'^\.SS "?(.*?)"?$', commands, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_man_page_has_every_command_and_option():
    sections = man_sections()
    found = set()
    for heading, text in sections.items():
        words = heading.split()
        command = tuple(words[: 1 if (words[0],) in LEAVES else 2])
        assert command in LEAVES, heading
        found.add(command)
        described = set(re.findall(r"^\.TP\n\.BI? (--[a-z-]+)", text, re.MULTILINE))
        assert described == COMMANDS[command], heading
        assert set(re.findall(r"--[a-z-]+", heading)) == COMMANDS[command], heading
    assert found == set(LEAVES)
    options = MAN_PAGE.read_text(encoding="utf-8").replace("\\-", "-").split(".SH OPTIONS")[1]
    for option in GLOBAL:
        assert option in options.split(".SH COMMANDS")[0]


def test_man_page_has_every_format():
    text = next(text for heading, text in man_sections().items() if " import " in heading)
    named = set(re.findall(r"^\.BR? ([a-z0-9-]+)(?: [,.])?$", text, re.MULTILINE))
    assert words_of("--format", "account", "import") <= named


def test_man_page_renders_without_a_warning():
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-z", MAN_PAGE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
