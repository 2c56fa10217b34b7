#!/usr/bin/env python3
"""Which functions of skynet's Lua API exist: writes docs/skynet-api.md from a running server.

    tools/skynet_api.py [--binary PATH] [--document PATH] [--write]

Without --write it ends with 1 when the document is not what it would write. The functions are
listed in tests/conformance/skynet/api.txt. What exists in name only is recognised by
lua/lib/skynet/unsupported.lua, and by skynet.core.does_nothing.
"""

import argparse
import difflib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "tests/conformance/skynet/api.txt"
LIBRARY = ROOT / "lua/lib"
DOCUMENT = ROOT / "docs/skynet-api.md"
CLASSES = {
    "A": "a game server needs it",
    "B": "common",
    "C": "rare",
    "X": "only skynet's own Lua virtual machine can do it",
}
STATES = ["there", "does nothing", "not supported", "missing"]
SECONDS = 60

# Looks at each function of SECTIONS and prints "api<TAB>section<TAB>function<TAB>state<TAB>note".
PROBE = r"""
local skynet = require "skynet"
require "skynet.manager"
local unsupported = require "skynet.unsupported"
local core = require "skynet.core"

local nothing = { [unsupported.does_nothing] = true }
if core.does_nothing then
	nothing[core.does_nothing] = true
elseif skynet.trace == skynet.tracetag and skynet.trace == skynet.traceproto then
	nothing[skynet.trace] = true
end

local function field(value, path)
	if path == "()" then
		local meta = getmetatable(value)
		return type(value) == "function" and value or meta and meta.__call
	end
	for name in path:gmatch "[^.]+" do
		local ok, inner = pcall(function()
			return value[name]
		end)
		value = ok and inner or nil
	end
	return value
end

local function tell(...)
	print(table.concat({ "api", ... }, "\t"))
end

local function state_of(value)
	if value == nil then
		return "missing", ""
	elseif nothing[value] then
		return "does nothing", ""
	elseif unsupported.reason(value) then
		return "not supported", unsupported.reason(value)
	end
	return "there", ""
end

local function probe(section)
	local ok, value = pcall(section.get)
	if not ok then
		value = nil
	end
	local listed = {}
	for _, name in ipairs(section) do
		listed[name:match "^[^.]+"] = true
		tell(section.name, name, state_of(field(value, name)))
	end
	if section.module and type(value) == "table" and value ~= section.of then
		for name, f in pairs(value) do
			if type(f) == "function" and type(name) == "string" and not listed[name] then
				tell(section.name, name, "ours", "")
			end
		end
	end
end

skynet.start(function()
	skynet.fork(function()
		for _, section in ipairs(SECTIONS) do
			probe(section)
		end
		print "api done"
		skynet.abort()
	end)
end)
"""


def read_list(path):
    """[(section, Lua expression, [(function, class)])]"""
    sections = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if match := re.fullmatch(r"\[([^=]+?)(?:\s*=\s*(.+))?\]", line):
            name, expression = match.groups()
            sections.append((name, expression or f'require "{name}"', []))
        elif match := re.fullmatch(r"(\S+) ([ABCX])", line):
            sections[-1][2].append(match.groups())
        else:
            sys.exit(f"{path}:{number}: neither a section nor a function and its class")
    return sections


def library_sections(sections):
    """Sections for the modules of our library that the list lacks: all they have is ours."""
    listed = {name for name, _, _ in sections}
    files = sorted(path.relative_to(LIBRARY) for path in LIBRARY.rglob("*.lua"))
    names = [".".join(path.with_suffix("").parts).removesuffix(".init") for path in files]
    return [(name, f'require "{name}"', []) for name in names if name not in listed]


def probe_text(sections):
    lines = ["local SECTIONS = {"]
    for name, expression, functions in sections:
        names = ", ".join(f'"{function}"' for function, _ in functions)
        module = str(expression.startswith("require ")).lower()
        lines.append(
            f'{{ name = "{name}", module = {module}, get = function() return {expression} end, '
            f"{names} }},"
        )
    return "\n".join([*lines, "}", PROBE])


def probe(binary, sections):
    """{(section, function): (state, note)} as the server tells it; its own ones are "ours"."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "api_probe.lua").write_text(probe_text(sections))
        config = Path(folder) / "probe.config"
        config.write_text(
            'thread = 2\nharbor = 0\nstart = "api_probe"\nbootstrap = "snlua bootstrap"\n'
            f'luaservice = "{folder}/?.lua"\n'
        )
        done = subprocess.run(
            [binary, "skynet", config], cwd=ROOT, capture_output=True, text=True, check=False,
            timeout=SECONDS,
        )
    rows = [line.split("\t")[1:] for line in done.stdout.splitlines() if line.startswith("api\t")]
    if "api done" not in done.stdout or done.returncode != 0:
        sys.exit(f"the probe failed:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
    return {(section, function): (state, note) for section, function, state, note in rows}


def plain_lua(sections):
    """The functions of the C modules that only a plain Lua interpreter loads, by their source."""
    found = {}
    for name, _, functions in sections:
        source = ROOT / "server/modules" / name.split(".")[0] / f"{name.replace('.', '_')}.cpp"
        if not source.exists():
            continue
        registered = re.findall(r'\{"(\w+)", l_\w+\}', source.read_text())
        for function, _ in functions:
            if function in registered:
                found[name, function] = ("there", "in the module for a plain `lua5.4`")
    return found


def ours(sections, found):
    """{module: functions that skynet lacks}; skynet and skynet.manager are one table."""
    listed = {
        function.split(".")[0]
        for name, _, functions in sections
        if name in ("skynet", "skynet.manager")
        for function, _ in functions
    }
    result = {}
    for (section, function), (state, _) in sorted(found.items()):
        shared = section in ("skynet", "skynet.manager")
        if state == "ours" and not (shared and (function in listed or section != "skynet")):
            result.setdefault(section, []).append(function)
    return result


def document(sections, found):
    rows = []
    counts = {letter: dict.fromkeys(STATES, 0) for letter in CLASSES}
    for name, _, functions in sections:
        for function, letter in functions:
            state, note = found[name, function]
            counts[letter][state] += 1
            rows.append(f"| {name} | `{function}` | {letter} | {state} | {note} |")
    lines = [
        "# The functions of skynet's Lua API",
        "",
        "Written by `tools/skynet_api.py --write`, which asks a running server; do not edit. What "
        "the functions do: [lua-api.md](lua-api.md).",
        "",
        "Classes: " + "; ".join(f"**{letter}** {text}" for letter, text in CLASSES.items()) + ".",
        "",
        "| class | " + " | ".join(STATES) + " |",
        "|---|" + "---|" * len(STATES),
    ]
    for letter, states in counts.items():
        lines.append(f"| {letter} | " + " | ".join(str(states[state]) for state in STATES) + " |")
    lines += ["", "| module | function | class | state | note |", "|---|---|---|---|---|", *rows]
    lines += ["", "## Ours in addition", "", "| module | functions |", "|---|---|"]
    for module, functions in ours(sections, found).items():
        lines.append(f"| {module} | " + ", ".join(f"`{name}`" for name in functions) + " |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.environ.get("GATEHOUSE_BINARY", ROOT / "build/release/gatehouse")
    parser.add_argument("--binary", type=Path, default=default)
    parser.add_argument("--document", type=Path, default=DOCUMENT)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    sections = read_list(LIST)
    sections += library_sections(sections)
    found = probe(Path(options.binary).absolute(), sections)
    text = document(sections, found | plain_lua(sections))
    if options.write:
        options.document.write_text(text)
        return 0
    old = options.document.read_text() if options.document.exists() else ""
    changes = difflib.unified_diff(
        old.splitlines(), text.splitlines(), str(options.document), "what it should be", "", "", 0
    )
    sys.stdout.writelines(f"{line}\n" for line in changes)
    return int(old != text)


if __name__ == "__main__":
    sys.exit(main())
