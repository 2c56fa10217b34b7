#!/usr/bin/env python3
"""Style as a test: layers, owners of C headers, lengths, banned calls, leftovers, documents.

    tools/tidy.py [ROOT]

Prints `path:line: what is wrong` for each finding and ends with 1 when there is any.
"""

import fnmatch
import ipaddress
import re
import sys
from pathlib import Path

# Layers of server/ and what each may include (the table of server/ARCHITECTURE.md). A layer may
# always include itself.
LAYERS = {
    "base": "",
    "crypto": "base",
    "actor": "base",
    "store": "base crypto",
    "protocol": "base crypto",
    "cluster": "base actor store",
    "ops": "base actor store",
    "net": "base crypto actor protocol",
    "login": "base crypto actor store protocol net",
    "gate": "base crypto actor protocol net",
    "script": "base crypto actor store protocol cluster ops net login gate",
    "app": "base crypto actor store protocol cluster ops net login gate script",
}

# Headers of C libraries and of a layer's inside, and the only files of server/ that may include
# them.
OWNERS = {
    "uv.h": ["net/*"],
    # Others ask a net::Network; app makes the real one.
    "net/uv_network.hpp": ["net/*", "app/*"],
    "net/uv_[!n]*.hpp": ["net/*"],
    "net/*_transport.hpp": ["net/*"],
    "net/connect.hpp": ["net/*"],
    "net/resolver.hpp": ["net/*"],
    "net/socket.hpp": ["net/*"],
    "mysql.h": ["store/mysql_*"],
    "mysql/*": ["store/mysql_*"],
    "mariadb/*": ["store/mysql_*"],
    "sqlite3.h": ["store/sqlite_*"],
    "openssl/*": ["crypto/*"],
    "argon2.h": ["crypto/*"],
    "crypt.h": ["crypto/*"],
    "unicode/*": ["protocol/user_name.*"],
    "spdlog/*": ["base/log.*"],
    "lua.hpp": ["script/*"],
    "lua.h": ["script/*"],
    "lauxlib.h": ["script/*"],
    "lualib.h": ["script/*"],
    "nlohmann/*": ["script/*", "app/*"],
    "CLI/*": ["app/*"],
    "httplib.h": ["ops/*"],
    "prometheus/*": ["ops/*"],
}

LINES_MAX = 600
COLUMNS_MAX = 100
CODE = {".cpp", ".hpp", ".lua", ".py", ".sh", ".cmake"}

# Pattern, what to use instead, and the files that it holds for. tests/support has the helpers
# that wait, and so may sleep.
BANNED = [
    (r"\b(strcpy|strcat|sprintf|vsprintf|gets)\s*\(", "std::string or fmt::format", "*.[ch]pp"),
    (r"(?<![\w.>])s?rand\s*\(", "crypto/random.hpp", "*.[ch]pp"),
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
        "server/script/*.cpp",
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


def check_includes(relative, line):
    """What one line of a file of server/ includes against the layers."""
    match = INCLUDE.match(line)
    if not match or relative.parts[0] != "server" or len(relative.parts) < 3:
        return
    header, layer = match[1], relative.parts[1]
    inside = "/".join(relative.parts[1:])
    for pattern, owners in OWNERS.items():
        if fnmatch.fnmatch(header, pattern):
            if not any(fnmatch.fnmatch(inside, owner) for owner in owners):
                yield f"<{header}> belongs to server/{' and server/'.join(owners)}"
    target = header.split("/")[0]
    if "/" in header and target in LAYERS and target != layer:
        if target not in LAYERS.get(layer, "").split():
            yield f"layer {layer} may not include {target} ({header})"


def check_addresses(line):
    for text in ADDRESS.findall(line):
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            continue
        if not any(address in network for network in FREE_NETWORKS):
            yield f"address {text}: only loopback and documentation addresses belong in code"


def check_code(relative, text):
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
        for finding in check_includes(relative, line):
            yield number, finding
        for finding in check_addresses(line):
            yield number, finding
    code = without_comments(relative, text)
    for pattern, instead, files in BANNED:
        if fnmatch.fnmatch(str(relative), files):
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


def check_tree(root):
    """All findings of a checkout, as `path:line: text`."""
    for path in files_below(root):
        relative = path.relative_to(root)
        document = any(fnmatch.fnmatch(str(relative), pattern) for pattern in DOCUMENTS)
        if not (document or is_code(path)):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        findings = check_document(root, text) if document else check_code(relative, text)
        for number, finding in findings:
            yield f"{relative}:{number}: {finding}"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1]).resolve()
    findings = list(check_tree(root))
    for finding in findings:
        print(finding)
    print(f"tidy: {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
