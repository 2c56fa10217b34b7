"""tools/tidy.py finds what it is there to find, and nothing in code that is right."""

import subprocess
import sys

import pytest
from server import ROOT

TIDY = ROOT / "tools/tidy.py"


def tidy(root):
    done = subprocess.run(
        [sys.executable, "-B", TIDY, root], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


def write(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


LAYERS = """
gatehouse_layer(base "words")
gatehouse_layer(crypto "keys" OWNS openssl/*)
gatehouse_layer(actor "threads")
gatehouse_layer(store "accounts")
gatehouse_layer(drivers "databases" OWNS mysql.h LIBRARIES mariadb)
gatehouse_layer(net "bytes" MAY base actor
                OWNS uv.h net/*_transport.hpp)
gatehouse_layer(gate "players")
gatehouse_layer(script "Lua" OWNS lua.hpp)
gatehouse_layer(modules "Lua's modules" OWNS lua.hpp nlohmann/*)
gatehouse_layer(config "keys" OPTIONS gate)
gatehouse_layer(app "all" MAY net)
"""


# What a finding is, a file that has it, and what the report must say.
BAD = {
    "layer": ("server/actor/a.cpp", '#include "net/loop.hpp"\n', "actor may not include net"),
    "layer up": ("server/base/a.hpp", '#include "crypto/digest.hpp"\n', "base may not include"),
    "inside": ("server/app/a.cpp", '#include "net/tcp_transport.hpp"\n', "server/net"),
    "owner": ("server/gate/a.cpp", "#include <openssl/evp.h>\n", "server/crypto"),
    "one wrapper": ("server/store/pool.cpp", "#include <mysql.h>\n", "server/drivers"),
    "json": ("server/gate/a.cpp", "#include <nlohmann/json.hpp>\n", "server/modules"),
    "more than options": (
        "server/config/a.cpp",
        '#include "gate/options.hpp"\n#include "gate/gate.hpp"\n',
        "config may not include gate",
    ),
    "unknown folder": ("server/misc/a.cpp", '#include "base/a.hpp"\n', "no layer"),
    "long file": ("lua/lib/a.lua", "local a\n" * 601, "601 lines"),
    "long line": ("server/base/a.cpp", "int " + "a" * 100 + ";\n", "columns"),
    "blanks": ("server/base/a.cpp", "int a; \n", "blanks"),
    "strcpy": ("server/base/a.cpp", "void f() { strcpy(a, b); }\n", "strcpy"),
    "sprintf": ("server/base/a.cpp", "void f() { std::sprintf(a, b); }\n", "fmt::format"),
    "rand": ("tests/unit/base/a.cpp", "int a = std::rand();\n", "Random"),
    "atoi": ("server/base/a.cpp", "int a = atoi(text);\n", "std::from_chars"),
    "system": ("server/base/a.cpp", 'void f() { std::system("ls"); }\n', "no shell"),
    "namespace": ("server/base/a.cpp", "using namespace std;\n", "std::"),
    "endl": ("server/base/a.cpp", "void f() { out << std::endl; }\n", "std::endl"),
    "capture": ("server/base/a.cpp", "auto f = [=] { return a; };\n", "capture list"),
    "raises unprotected": (
        "server/script/a.cpp",
        "void f() { lua_pushstring(task->thread, text); }\n",
        "Vm::protect",
    ),
    "sleep": ("tests/unit/base/a.cpp", "std::this_thread::sleep_for(x);\n", "condition"),
    "sleep in Python": ("tests/integration/test_a.py", "time.sl" + "eep(1)\n", "wait_until"),
    "clock": ("server/base/a.cpp", "auto t = std::chrono::steady_clock::now();\n", "Clock"),
    "system call for time": ("server/gate/a.cpp", "clock_gettime(id, &ts);\n", "Clock"),
    "C's time": ("server/login/a.hpp", "auto t = time(nullptr);\n", "Clock"),
    "randomness": ("server/crypto/a.cpp", "getrandom(out, size, 0);\n", "Random"),
    "OpenSSL's randomness": ("server/crypto/a.cpp", "RAND_bytes(out, 8);\n", "Random"),
    "device": ("server/base/a.hpp", "std::random_device device;\n", "Random"),
    "thread": ("server/actor/a.hpp", "std::thread thread_;\n", "Executor"),
    "thread that joins": ("server/store/a.cpp", "std::jthread thread(run);\n", "Executor"),
    "thread of C": ("server/ops/a.cpp", "pthread_create(&t, nullptr, f, 0);\n", "Executor"),
    "socket": ("server/store/a.cpp", "int s = ::socket(family, type, 0);\n", "net::Network"),
    "world of the system": (
        "server/base/a.cpp",
        '#include "base/system_world.hpp"\n',
        "take a World",
    ),
    "leftover": ("lua/lib/a.lua", "-- TO" + "DO: later\n", "leftover"),
    "address": ("lua/lib/a.lua", 'local host = "10.' + '1.2.3"\n', "loopback"),
    "document": ("README.md", "See `server/gate/nowhere.cpp`.\n", "does not exist"),
    "document in a folder": ("docs/a.md", "Run ./tools/nothing now.\n", "tools/nothing"),
    "cites a page not here": ("server/base/a.cpp", "// By s" + "k 2.15.\n", "docs/"),
    "cites the plan": ("tests/lua/a.lua", "-- DESI" + "GN section 6.\n", "docs/"),
    "cites no page": (
        "server/base/a.cpp",
        "// As docs/now" + "here.md 3.4 says.\n",
        "docs/nowhere.md, which does not exist",
    ),
    "comment names no file": ("server/base/a.hpp", "// For tcp.cpp alone.\n", "names tcp.cpp"),
    "comment names no file of a folder": (
        "server/base/a.hpp",
        "int a;  /* see\n   gate/session.cpp */\n",
        "names gate/session.cpp",
    ),
    "comment names no part": ("server/base/a.hpp", "// In base/wiring.\n", "names base/wiring"),
    "Lua comment names no file": ("lua/lib/a.lua", "local a -- as b.lua\n", "names b.lua"),
}


@pytest.mark.parametrize("name", BAD, ids=str)
def test_bad_sample_is_reported(tmp_path, name):
    path, text, message = BAD[name]
    write(tmp_path, "server/CMakeLists.txt", LAYERS)
    write(tmp_path, path, text)
    code, output = tidy(tmp_path)
    assert code == 1, output
    findings = output.splitlines()[:-1]
    assert len(findings) == 1, output
    assert findings[0].startswith(f"{path}:") and message in findings[0], output


# What is wrong with the table of the layers or a folder: the table, files, what the report says.
BAD_LAYERS = {
    "circle": (
        'gatehouse_layer(a "x" MAY b)\ngatehouse_layer(b "y" MAY a)\n',
        {"server/a/a.cpp": '#include "b/b.hpp"\n', "server/b/b.cpp": '#include "a/a.hpp"\n'},
        "a names b, which does not stand above it",
    ),
    "unused row": (
        'gatehouse_layer(a "x")\ngatehouse_layer(b "y" MAY a)\n',
        {"server/b/b.cpp": "int b;\n"},
        "b includes nothing of a",
    ),
    "floors": (
        'gatehouse_layer(a "x")\n',
        {f"server/a/f{n}.hpp": f'#include "a/f{n + 1}.hpp"\n' for n in range(5)}
        | {"server/a/f5.hpp": "int a;\n"},
        "6 floors: f0 > f1 > f2 > f3 > f4 > f5",
    ),
    "size": (
        'gatehouse_layer(a "x")\n',
        {f"server/a/f{n}.cpp": "int a;\n" * 500 for n in range(9)},
        "a has 4500 lines",
    ),
    "page": (
        'gatehouse_layer(a "x")\n',
        {"server/ARCHITECTURE.md": "| a | y | – | – |\n"},
        "lacks the row of server/CMakeLists.txt: | a | x | – | – |",
    ),
}


@pytest.mark.parametrize("name", BAD_LAYERS, ids=str)
def test_bad_layers_are_reported(tmp_path, name):
    table, files, message = BAD_LAYERS[name]
    write(tmp_path, "server/CMakeLists.txt", table)
    for path, text in files.items():
        write(tmp_path, path, text)
    code, output = tidy(tmp_path)
    assert code == 1, output
    findings = output.splitlines()[:-1]
    assert len(findings) == 1 and message in findings[0], output


def test_function_that_nobody_calls_is_reported(tmp_path):
    write(tmp_path, "server/CMakeLists.txt", LAYERS)
    write(
        tmp_path,
        "server/base/a.hpp",
        "int used(int a);\nint unused(int a);\n// For tests.\nint looked_at();\n",
    )
    write(
        tmp_path,
        "server/base/a.cpp",
        "int used(int a) { return a; }\nint unused(int a) { return used(a); }\n",
    )
    code, output = tidy(tmp_path)
    findings = output.splitlines()[:-1]
    assert code == 1 and len(findings) == 1, output
    assert findings[0] == "server/base/a.hpp:2: nothing in server/ calls unused"


def test_bad_format_is_reported(tmp_path):
    write(tmp_path, ".clang-format", (ROOT / ".clang-format").read_text())
    write(tmp_path, "server/CMakeLists.txt", LAYERS)
    write(tmp_path, "server/base/a.cpp", "int f(){return 1;}\n")
    code, output = tidy(tmp_path)
    assert code == 1 and "server/base/a.cpp:1: is not formatted" in output, output


def test_good_sample_is_not(tmp_path):
    write(tmp_path, "server/CMakeLists.txt", LAYERS)
    write(
        tmp_path,
        "server/net/loop.cpp",
        '#include "net/loop.hpp"\n'
        "#include <uv.h>\n"
        '#include "actor/worker.hpp"\n'
        '#include "base/result.hpp"\n'
        "// A comment may speak of strcpy(a, b) and of std::endl.\n"
        'const char* text = "system(1) and rand()";\n'
        "System& system();\n"
        "auto f = [this, id] { return a[i] == b; };\n"
        "int brand(int operand) { return grand(operand) + dice.rand(); }\n",
    )
    includes = "#include <lua.hpp>\n#include <nlohmann/json.hpp>\n"
    write(tmp_path, "server/modules/a.cpp", includes)
    write(tmp_path, "server/config/a.cpp", '#include "gate/options.hpp"\n')
    write(tmp_path, "server/drivers/mysql_driver.cpp", "#include <mysql.h>\n")
    write(tmp_path, "tests/support/wait.hpp", "std::this_thread::sleep_for(x);\n")
    write(tmp_path, "lua/lib/a.lua", 'local host <const> = "127.0.0.1"\nlocal any = "0.0.0.0"\n')
    write(tmp_path, "lua/game/player.lua", 'return { version = "1.2.3" }\n')
    write(
        tmp_path,
        "README.md",
        "Edit `lua/game/player.lua`, or anything in lua/*.lua; build/release/x is made.\n",
    )
    write(tmp_path, "build/a.cpp", "using namespace std;\n")
    code, output = tidy(tmp_path)
    assert code == 0, output


PAGE = "# Page\n\n## 1. One\n\n### 1.1 First\n\n```\n### 9.9 Not this\n```\n\n### 1.2 Second\n"
RULES = "docs/skynet-rules.md"
CITED = "docs/page.md"


@pytest.mark.parametrize(
    ("path", "text", "missing"),
    [
        ("server/base/a.cpp", f"// {CITED} 1.3 says so.\n", "1.3"),
        ("server/base/a.cpp", f"// {CITED} 9.9 says so.\n", "9.9"),
        ("server/base/a.cpp", f"// {CITED} 1.1, 2 and 1.2.\n", "2"),
        ("server/base/a.cpp", f"// {CITED} 1.1 to 1.4.\n", "1.4"),
        ("server/base/a.cpp", f"// By {CITED}\n// 1.5, and so on.\n", "1.5"),
        ("lua/lib/a.lua", f"-- {CITED} 1.1,\n-- 1.6.\n", "1.6"),
        ("tests/integration/a.py", f'"""{CITED} 3."""\n', "3"),
        ("README.md", f"See `{CITED} 1.7`.\n", "1.7"),
        ("tests/conformance/skynet/task/a.lua", '\trule("2.99 holds", f)\n', "2.99"),
        ("docs/a.md", "[there](page.md#13-third)\n", "docs/page.md#13-third"),
        ("docs/a.md", "# A\n\n[here](#b)\n", "docs/a.md#b"),
    ],
)
def test_a_citation_without_its_heading_is_reported(tmp_path, path, text, missing):
    write(tmp_path, "docs/page.md", PAGE)
    write(tmp_path, RULES, PAGE)
    write(tmp_path, path, text)
    code, output = tidy(tmp_path)
    findings = output.splitlines()[:-1]
    assert code == 1 and len(findings) == 1, output
    assert findings[0].startswith(f"{path}:"), output
    assert f"{missing}, and there is no such heading" in findings[0], output


def test_citations_that_are_right_are_not(tmp_path):
    write(tmp_path, "docs/page.md", PAGE)
    write(tmp_path, RULES, PAGE)
    write(tmp_path, "docs/page.zh-CN.md", PAGE.replace("First", "第一"))
    write(tmp_path, "README.md", f"[a](docs/page.md#11-first), `{CITED} 1.1 to 1.2`.\n")
    write(tmp_path, "tests/conformance/skynet/task/a.lua", 'rule("1.2 holds", f)\n')
    write(
        tmp_path,
        "server/base/a.cpp",
        f"// a.hpp and base/a: by {CITED}\n// 1.1 and 1.2, of RFC 9700 section 4.14.2; a\n"
        "// pattern x/?/init.lua, bind_*.cpp and <name>.lua name no file; task b.c is none.\n"
        f'const char* name = "none.lua";  // {CITED} 1, 20 of them\n',
    )
    write(tmp_path, "server/base/a.hpp", "int a;\n")
    code, output = tidy(tmp_path)
    assert code == 1 and output.splitlines()[:-1] == [
        f"server/base/a.cpp:4: cites {CITED} 20, and there is no such heading"
    ], output


def test_a_translation_has_the_numbers_of_its_page(tmp_path):
    write(tmp_path, "docs/page.md", PAGE)
    write(tmp_path, "docs/page.zh-CN.md", PAGE.replace("### 1.2", "### 1.3"))
    code, output = tidy(tmp_path)
    assert code == 1, output
    assert output.splitlines()[:-1] == [
        "docs/page.zh-CN.md:1: its numbered headings are not those in English: 1.2, 1.3"
    ], output


def test_this_tree_is_tidy():
    code, output = tidy(ROOT)
    assert code == 0, output
