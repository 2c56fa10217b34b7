#!/usr/bin/env python3
"""Style as a test: layers, owners of C headers, lengths, banned calls, leftovers, documents,
citations (tools/citations.py says their form: `docs/protocol.md 3.4`), the form of C++.

    tools/tidy.py [ROOT]
    tools/tidy.py --layers     the table of the layers, as server/ARCHITECTURE.md has it

Prints `path:line: what is wrong` for each finding and ends with 1 when there is any.
"""

import fnmatch
import ipaddress
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

from citations import Citations

# The table of the layers: server/CMakeLists.txt, in this form.
LAYER = re.compile(r'gatehouse_layer\((\w+)\s+"([^"]*)"([^)]*)\)')
LAYER_LINES_MAX = 4_000
LAYER_FLOORS_MAX = 5
ARCHITECTURE = "server/ARCHITECTURE.md"

LINES_MAX = 600
COLUMNS_MAX = 100
CODE = {".cpp", ".hpp", ".lua", ".py", ".sh", ".cmake"}

# The World of a process, and what belongs to the process itself and lives before and after it: the
# lines that it writes, its signals, and the watchdog over its end.
WORLD = "server/base/system_world.*"
PROCESS = ["server/base/output_queue.*", "server/base/process_output.*", "server/base/signals.*",
           "server/app/orders.*", "server/app/events.*"]
# Who may include a header, where that is less than its layer says.
INCLUDED_BY = {
    "base/system_world.hpp": [
        "base/log.cpp", "base/system_world.cpp", "*/main/*", "*/client/client_crypt.cpp",
    ],
}

# Pattern, what to use instead, the files that it holds for, and those of them that may.
# tests/support has the helpers that wait, and so may sleep.
BANNED = [
    (r"\b(strcpy|strcat|sprintf|vsprintf|gets)\s*\(", "std::string or fmt::format", "*.[ch]pp"),
    (r"(?<![\w.>])s?rand\s*\(", "the World's Random", "*.[ch]pp"),
    (r"\b(atoi|atol|atoll|atof)\s*\(", "std::from_chars", "*.[ch]pp"),
    (r"(?<![\w.>])system\(\s*(\"|\w+\.c_str|\w*command)", "no shell: uv_spawn", "*.[ch]pp"),
    (r"\busing\s+namespace\s+std\s*;", "the name with std::", "*.[ch]pp"),
    (r"\bstd::endl\b", "'\\n'", "*.[ch]pp"),
    (r"\[=\s*[\],]", "a capture list that names what it captures", "*.[ch]pp"),
    (r"\b(strtok|localtime|gmtime|asctime|ctime)\s*\(", "the _r variant", "*.[ch]pp"),
    (r"#\s*include\s*<(format|expected)>", "fmt/format.h, base/result.hpp", "*.[ch]pp"),
    (r"\bsleep_(for|until)\b|\bu?sleep\s*\(", "a wait for a condition", "tests/[!s]*.[ch]pp"),
    (r"\bsleep_(for|until)\b", "simulated time", "tests/simulation/*"),
    (r"\btime\.sleep\b", "wait_until of tests/support/waiting.py", "tests/[!s]*.py"),
    (
        # What the manual marks with "-" and this server uses on a state that is not entered.
        r"\bluaL?_(?!(checkstack|gettop|settop|pop|pushcfunction|pushlightuserdata|xmove|status"
        r"|gethook|sethook|getstack|getlocal|type|typename|close|resetthread|resume|pcall"
        r"|atpanic|getextraspace|unref|pushthread)\b)\w+\(\s*(\w+(\.|->|::))*(thread|main_)\b",
        "a call that may raise: Vm::protect, or the task's first function",
        "server/*.cpp",
    ),
    (
        r"\b(steady|system|high_resolution)_clock::now\b|\b(clock_gettime|gettimeofday)\s*\("
        r"|(?<![\w.>:])(::|std::)?time\s*\(\s*(nullptr|NULL|0|&)",
        "the World's Clock", "server/*.[ch]pp", WORLD, *PROCESS,
    ),
    (
        r"\b(random_device|mt19937|RAND_\w*bytes|getrandom|getentropy|arc4random)\b",
        "the World's Random", "server/*.[ch]pp", WORLD,
    ),
    (
        r"\bstd::j?thread\b(?!::)|\bstd::async\b|\bpthread_create\b|\bthrd_create\b",
        "the World's Executor", "server/*.[ch]pp", WORLD, *PROCESS,
    ),
    (
        r"(?<!\w)::socket\s*\(|\bsocket(pair)?\s*\(\s*[AP]F_",
        "net::Network", "server/*.[ch]pp", "server/net/*", "server/*/client/*",
    ),
    (r"\bos\.execute\s*\(", "no shell", "lua/*.lua"),
    (r"\bshell\s*=\s*True\b", "a list of arguments", "*.py"),
]

LEFTOVER = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
ADDRESS = re.compile(r"(?<![\d.\w])(\d{1,3}(?:\.\d{1,3}){3})(?![\d.\w])")
FREE_NETWORKS = [
    ipaddress.ip_network(network)
    for network in (
        "127.0.0.0/8",
        "0.0.0.0/32",
        "192.0.2.0/24",  # the last three are for documents and examples (RFC 5737)
        "198.51.100.0/24",
        "203.0.113.0/24",
    )
]
DOCUMENTS = [
    "README*.md", "server/*.md", "sql/*.md", "config/*.md", "docs/*.md", "deploy/*.md",
    "tools/*.md", "tests/*.md", "clients/*.md", "lua/*.md",
]
TOP_FOLDERS = "server|lua|sql|deploy|config|tools|tests|clients|docs"
NAMED_FILE = re.compile(rf"(?<![\w/.-])(?:\./)?((?:{TOP_FOLDERS})/[\w./-]*\w)(?![\w*{{<-])")
SKIPPED_FOLDERS = {".git", "build", "var", "node_modules", "__pycache__", ".cache"}

CPP_COMMENT_OR_STRING = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.DOTALL
)


def without_comments(path, text):
    """The code with empty strings; line breaks stay, so that line numbers hold."""
    if path.suffix in (".cpp", ".hpp"):
        return CPP_COMMENT_OR_STRING.sub(
            lambda m: ("" if m[0].startswith("/") else '""') + "\n" * m[0].count("\n"), text
        )
    marker = {".py": r"(^|\s)#.*", ".lua": r"--.*"}.get(path.suffix)
    return re.sub(marker, "", text) if marker else text


class Layer:
    """A folder of server/: `may` name the layers it may include, `options` those of which it may
    include *options.hpp alone, `owns` the headers of libraries that others may not include."""

    def __init__(self, name, purpose, text):
        self.name, self.purpose = name, purpose
        self.lists = {"MAY": [], "OPTIONS": [], "OWNS": [], "LIBRARIES": []}
        into = self.lists["MAY"]
        for word in text.split():
            if word in self.lists:
                into = self.lists[word]
            else:
                into.append(word)
        self.may, self.options, self.owns = (self.lists[k] for k in ("MAY", "OPTIONS", "OWNS"))

    def row(self):
        """Its row in the table of the architecture page."""
        may = ", ".join(self.may + [f"{other}/options.hpp" for other in self.options]) or "–"
        owns = ", ".join(f"`{header}`" for header in self.owns) or "–"
        return f"| {self.name} | {self.purpose} | {may} | {owns} |"


def read_layers(root):
    path = root / "server/CMakeLists.txt"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return {name: Layer(name, purpose, rest) for name, purpose, rest in LAYER.findall(text)}


def check_includes(layers, relative, line):
    """What one line of a file of server/ includes against the layers."""
    match = INCLUDE.match(line)
    if not match or relative.parts[0] != "server" or len(relative.parts) < 3:
        return
    header, name = match[1], relative.parts[1]
    layer = layers.get(name)
    if layer is None:
        yield f"folder {name} is no layer of server/CMakeLists.txt"
        return
    owners = [
        other.name
        for other in layers.values()
        if any(fnmatch.fnmatch(header, pattern) for pattern in other.owns)
    ]
    if owners and name not in owners:
        yield f"<{header}> belongs to server/{' and server/'.join(owners)}"
    inside = "/".join(relative.parts[1:])
    for name_of, files in INCLUDED_BY.items():
        if header == name_of and not any(fnmatch.fnmatch(inside, f) for f in files):
            yield f"{header} is for {', '.join(files)}: take a World"
    target, _, file = header.partition("/")
    if target in layers and target != name and target not in layer.may:
        if target not in layer.options or not file.endswith("options.hpp"):
            yield f"layer {name} may not include {target} ({header})"


def floors(folder):
    """The longest chain of files of a folder that include one another; a header and its source
    are one, and so is a circle. Returns its names, from the top."""
    includes = {}
    for path in sorted(folder.glob("*.[ch]pp")):
        wanted = re.compile(rf'^\s*#\s*include "{folder.name}/(\w+)\.hpp"', re.MULTILINE)
        found = set(wanted.findall(path.read_text(encoding="utf-8"))) - {path.stem}
        includes.setdefault(path.stem, set()).update(found)
    reached = {name: reachable(includes, name) for name in includes}
    chains = {}

    def chain(name):
        if name not in chains:
            chains[name] = [name]
            circle = {other for other in reached[name] if name in reached.get(other, ())} | {name}
            below = {o for member in circle for o in includes.get(member, ())} - circle
            longest = max((chain(o) for o in sorted(below) if o in includes), key=len, default=[])
            chains[name] = [name] + longest
        return chains[name]

    return max((chain(name) for name in sorted(includes)), key=len, default=[])


def reachable(includes, start):
    seen, todo = set(), list(includes.get(start, ()))
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo.extend(includes.get(name, ()))
    return seen


def check_layers(root, layers):
    """The table itself, and what it promises of the folders, as (file, line, text)."""
    table = "server/CMakeLists.txt"
    above = set()
    for layer in layers.values():
        for other in layer.may + layer.options:
            if other not in above:
                yield table, 1, f"layer {layer.name} names {other}, which does not stand above it"
        above.add(layer.name)
        folder = root / "server" / layer.name
        parts = [p.read_text(encoding="utf-8") for p in folder.rglob("*.[ch]pp")]
        text = "\n".join(parts)
        for other in layer.may + layer.options:
            if text and f'#include "{other}/' not in text:
                yield table, 1, f"layer {layer.name} includes nothing of {other}"
        count = sum(len(part.splitlines()) for part in parts)
        if count > LAYER_LINES_MAX:
            yield table, 1, f"layer {layer.name} has {count} lines ({LAYER_LINES_MAX} at most)"
        chain = floors(folder)
        if len(chain) > LAYER_FLOORS_MAX:
            yield table, 1, f"layer {layer.name} has {len(chain)} floors: {' > '.join(chain)}"
    page = root / ARCHITECTURE
    if layers and page.exists():
        rows = page.read_text(encoding="utf-8").splitlines()
        for layer in layers.values():
            if layer.row() not in rows:
                yield ARCHITECTURE, 1, f"lacks the row of server/CMakeLists.txt: {layer.row()}"


def check_addresses(line):
    for text in ADDRESS.findall(line):
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            continue
        if not any(address in network for network in FREE_NETWORKS):
            yield f"address {text}: only loopback and documentation addresses belong in code"


def check_code(layers, relative, text):
    """All findings of one source file, as (line number, text)."""
    lines = text.splitlines()
    if len(lines) > LINES_MAX:
        yield len(lines), f"{len(lines)} lines; split the file ({LINES_MAX} at most)"
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS_MAX:
            yield number, f"{len(line)} columns ({COLUMNS_MAX} at most)"
        if line.rstrip() != line:
            yield number, "blanks at the end of the line"
        match = LEFTOVER.search(line)
        if match:
            yield number, f"leftover {match[0]}: do it, or file it"
        for finding in check_includes(layers, relative, line):
            yield number, finding
        for finding in check_addresses(line):
            yield number, finding
    code = without_comments(relative, text)
    for pattern, instead, files, *but in BANNED:
        name = str(relative)
        if fnmatch.fnmatch(name, files) and not any(fnmatch.fnmatch(name, file) for file in but):
            for match in re.finditer(pattern, code):
                number = code.count("\n", 0, match.start()) + 1
                yield number, f"{match[0].strip()}: use {instead}"


def check_document(root, text):
    """Project files that a document names, and that do not exist."""
    for number, line in enumerate(text.splitlines(), 1):
        for name in NAMED_FILE.findall(line):
            if not (root / name).exists():
                yield number, f"names {name}, which does not exist"


def is_code(path):
    if path.suffix in CODE:
        return True
    return path.parent.name in ("tools", ".ci") and not path.suffix


def files_below(root):
    for path in sorted(root.iterdir()):
        if path.is_dir() and not path.is_symlink():
            if path.name not in SKIPPED_FOLDERS:
                yield from files_below(path)
        elif path.is_file():
            yield path


# A function's name where a header declares it, and where a source defines it.
DECLARED = re.compile(
    r"^(?![ \t]*return\b)[\w:<>,&*\[\] \t]*?[\w>&*\]][ \t]+[&*]?(\w+)\(", re.MULTILINE
)
DEFINED = re.compile(r"^(?!\s)[^\n;{}]*?\b(?:\w+(?:<[^>]*>)?::)*(\w+)\(", re.MULTILINE)
KEYWORDS = {"if", "for", "while", "switch", "requires", "static_assert", "operator", "return"}


def check_unused(root):
    """Functions that headers of server/ declare and nothing in it calls: by their names, which is
    less than a compiler knows, and errs on their side. What is there for tests says so, in the
    comment before it or at the head of its file. As (file, line, text)."""
    paths = sorted(path for path in files_below(root) if path.suffix in (".cpp", ".hpp"))
    words, defined, declared = Counter(), Counter(), {}
    for path in paths:
        if path.relative_to(root).parts[0] != "server":
            continue
        code = without_comments(path, path.read_text(encoding="utf-8"))
        words.update(re.findall(r"\w+", code))
        if path.suffix == ".cpp":
            defined.update(DEFINED.findall(code))
            continue
        for match in DECLARED.finditer(code):
            if match[1] not in KEYWORDS:
                line = code.count("\n", 0, match.start(1)) + 1
                overrides = " override" in code[match.end() : code.find(";", match.end())]
                declared.setdefault(match[1], []).append((path, line, overrides))
    for name, places in declared.items():
        count = len(places)
        if words[name] > count + min(defined[name], count) or all(place[2] for place in places):
            continue
        for path, line, overrides in places:
            if not overrides and not for_tests(path.read_text(encoding="utf-8"), line):
                yield path.relative_to(root), line, f"nothing in server/ calls {name}"


def for_tests(text, line):
    """Whether the comment before a line, or at the head of the file, says that it is for tests."""
    lines = text.splitlines()
    above = line - 2
    while above >= 0 and lines[above].lstrip().startswith(("//", "template")):
        above -= 1
    head = next((n for n, text in enumerate(lines) if not text.startswith("//")), 0)
    return "tests" in " ".join(lines[:head] + lines[above + 1 : line])


def check_format(root):
    """Where C++ is not as .clang-format has it, by clang-format 14 (Debian's package), as (file,
    line, text)."""
    style = root / ".clang-format"
    paths = [p for p in files_below(root) if p.suffix in (".cpp", ".hpp")]
    if not style.exists() or not paths:
        return
    tool = shutil.which("clang-format-14") or shutil.which("clang-format")
    if tool is None:
        yield style.name, 1, "cannot be checked: clang-format is not installed"
        return
    command = [tool, "--dry-run", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    finding = re.compile(r"^(\S+?):(\d+):\d+: (?:warning|error):", re.MULTILINE)
    for path, line in finding.findall(done.stderr):
        yield Path(path).relative_to(root), line, "is not formatted: clang-format -i"


def check_tree(root):
    """All findings of a checkout, as `path:line: text`."""
    layers = read_layers(root)
    for name, number, finding in check_layers(root, layers):
        yield f"{name}:{number}: {finding}"
    for name, number, finding in [*check_format(root), *check_unused(root)]:
        yield f"{name}:{number}: {finding}"
    paths = [path.relative_to(root) for path in files_below(root)]
    citations = Citations(root, paths)
    for relative in paths:
        path = root / relative
        document = any(fnmatch.fnmatch(str(relative), pattern) for pattern in DOCUMENTS)
        if not (document or is_code(path)):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        findings = check_document(root, text) if document else check_code(layers, relative, text)
        for number, finding in [*findings, *citations.check(relative, text)]:
            yield f"{relative}:{number}: {finding}"


def main():
    if sys.argv[1:] == ["--layers"]:
        for layer in read_layers(Path(__file__).parents[1]).values():
            print(layer.row())
        return 0
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1]).resolve()
    findings = list(check_tree(root))
    for finding in findings:
        print(finding)
    print(f"tidy: {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
