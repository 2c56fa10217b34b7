"""gatectl account import and export on both stores, with logins by the real server afterwards."""

import base64
import csv
import hashlib
import io
import json
import re
import subprocess
from pathlib import Path

import pytest
from conftest import mysql_store, sqlite_store
from gatectl import GATECTL, Terminal, Tool
from gatehouse_client import login
from players import fresh_name
from server import PATIENCE, ROOT, SANITIZED, Server
from waiting import wait_until

PASSWORD = "secret one 严"
BYTES = PASSWORD.encode()
SALT = b"saltSALTsaltSALT"
HEX_SALT = "0123456789abcdef"


def b64(data, altchars=None):
    return base64.b64encode(data, altchars).decode().rstrip("=")


def pbkdf2(name, iterations=1000):
    digest = hashlib.pbkdf2_hmac(name, BYTES, SALT, iterations)
    return f"$pbkdf2-{name}${iterations}${b64(SALT, b'./')}${b64(digest, b'./')}"


def scrypt():
    digest = hashlib.scrypt(BYTES, salt=SALT, n=16, r=8, p=1, dklen=32)
    return f"$scrypt$ln=4,r=8,p=1${b64(SALT)}${b64(digest)}"


def ldap():
    return "{SSHA}" + base64.b64encode(hashlib.sha1(BYTES + SALT).digest() + SALT).decode()


def mysql41():
    return "*" + hashlib.sha1(hashlib.sha1(BYTES).digest()).hexdigest().upper()


def authme():
    inner = hashlib.sha256(BYTES).hexdigest()
    return hashlib.sha256((inner + HEX_SALT).encode()).hexdigest()


def digests():
    """(format, hash, salt) of the bare digests."""
    for name in ("md5", "sha1", "sha256", "sha512"):
        yield name, hashlib.new(name, BYTES).hexdigest(), ""
        yield f"{name}-ps", hashlib.new(name, BYTES + b"pepper").hexdigest(), "pepper"
        yield f"{name}-sp", hashlib.new(name, b"pepper" + BYTES).hexdigest(), "pepper"


# Made by crypt(3) of libxcrypt 4.4.33.
CRYPT = {
    "bcrypt": "$2b$05$abcdefghijklmnopqrstuu9PqgCS17EYtp5WxzyI39.L38o49zer.",
    "yescrypt": "$y$j75$saltSALTsaltSALT$g4TkdBwJUPk7v66qnYnrQwZpRaWGVFf/uK3FUYjF/h/",
    "sha512crypt": "$6$rounds=1000$saltSALT$HtbxU2lPIv/BVi4GciJlc/wOqqDaz6HCYL5neFFQm8IxEdnko1m25V2"
    "s4xnbAfHgucm7JDLKV8YySt3nQIz250",
    "sha256crypt": "$5$rounds=1000$saltSALT$UTUOf4733HrkoFA6uXjj8DxEy9Vk341keO9MDGpmZf2",
    "md5crypt": "$1$saltSALT$LdgPmHT/l4o.dVqSBmjI5/",
}


def wow_names(name):
    """The digest of name and password that World of Warcraft servers keep, in upper case."""
    return hashlib.sha1(f"{name}:{WOW_PASSWORD}".upper().encode()).digest()


WOW_PASSWORD = "secret one"


def srp6(name):
    """(verifier, salt), 32 bytes each, little-endian, in hexadecimal (RFC 2945, g = 7)."""
    prime = 0x894B645E89E1535BBDAD5B8B290650530801B18EBFBF5E8FAB3C82872A3E9BB7
    salt = bytes(range(32))
    exponent = int.from_bytes(hashlib.sha1(salt + wow_names(name)).digest(), "little")
    return pow(7, exponent, prime).to_bytes(32, "little").hex(), salt.hex()


def rows_of_all_formats(argon2):
    """(format, name, hash, salt, password)"""
    plain = [
        ("argon2", argon2, ""),
        *((name, text, "") for name, text in CRYPT.items()),
        ("stored", CRYPT["bcrypt"], ""),
        ("scrypt", scrypt(), ""),
        ("pbkdf2", pbkdf2("sha256"), ""),
        ("ldap", ldap(), ""),
        ("mysql41", mysql41(), ""),
        ("authme", authme(), HEX_SALT),
        ("authme", f"$SHA${HEX_SALT}${authme()}", ""),
        *digests(),
    ]
    for form, text, salt in plain:
        yield form, fresh_name("imported"), text, salt, PASSWORD
    name = fresh_name("Imported")
    yield "wow-sha1", name, wow_names(name).hex().upper(), "", WOW_PASSWORD
    name = fresh_name("Imported")
    yield "srp6", name, *srp6(name), WOW_PASSWORD


def csv_text(header, rows):
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def run_import(tool, text, form, *options):
    """(exit code, summary, lines of standard error) of an import from standard input."""
    code, output, error = tool.run(
        "account", "import", "-", "--format", form, "--json", *options, stdin=text.encode()
    )
    assert "$2b$" not in error and PASSWORD not in error, "no hash, no password"
    return code, json.loads(output), [json.loads(line) for line in error.splitlines()]


def imported(tool, text, form, *options):
    """The summary of an import that must succeed."""
    code, summary, errors = run_import(tool, text, form, *options)
    assert code == 0 and errors == [], (code, summary, errors)
    return summary


def exported(tool):
    return list(csv.DictReader(io.StringIO(tool.export(), newline="")))


def stored_hash(store, name):
    return store.query(f"SELECT password_hash FROM account WHERE name = '{name}'")[0][0]


@pytest.fixture(scope="module")
def closed_server(store, tool, tmp_path_factory):
    """A server that makes no account by itself."""
    tool.done("migrate")
    changes = {"store": store.config, "auth": {"registration": "closed"}}
    instance = Server(tmp_path_factory.mktemp("closed"), changes).start()
    yield instance
    instance.stop()


def test_every_format_logs_in_and_is_hashed_again(tool, store, closed_server):
    tool.done("account", "add", "giver", password=PASSWORD)
    rows = list(rows_of_all_formats(stored_hash(store, "giver")))
    for form, name, text, salt, _ in rows:
        summary = imported(tool, csv_text(["name", "hash", "salt"], [[name, text, salt]]), form)
        assert summary["imported"] == 1 and summary["refused"] == 0, (form, summary)
    for form, name, _, _, password in rows:
        before = stored_hash(store, name)
        assert login(closed_server.login, name, "wrong", "sample").code == 401, form
        assert stored_hash(store, name) == before
        assert login(closed_server.login, name, password, "sample").code == 200, form
        wait_until(
            lambda name=name: stored_hash(store, name).startswith("$argon2id$v=19$m=1024,t=1,p=1$"),
            what=f"the new hash of {form}",
        )
        assert login(closed_server.login, name, password, "sample").code == 200, form


def test_the_formats_above_are_all_there_are(tool):
    error = tool.refused(2, "account", "import", "x", "--format", "none")
    tested = {row[0] for row in rows_of_all_formats("")} | {"plain"}
    for name in tested:
        assert name in error
    known = error.split("{")[1].split("}")[0].split(",")
    assert set(known) == tested


def test_plain_passwords(tool, store, closed_server):
    names = [fresh_name("plain") for _ in range(5)]
    text = csv_text(["password", "name"], [[f"pass {name} 严", name] for name in names])
    assert imported(tool, text, "plain")["imported"] == 5
    hashes = {stored_hash(store, name) for name in names}
    assert len(hashes) == 5
    assert all(text.startswith("$argon2id$v=19$m=1024,t=1,p=1$") for text in hashes)
    for name in names:
        assert login(closed_server.login, name, f"pass {name} 严", "sample").code == 200
        assert login(closed_server.login, name, f"pass {name}", "sample").code == 401
    assert imported(tool, text, "plain")["existed"] == 5
    assert {stored_hash(store, name) for name in names} == hashes


def test_bans_and_states_come_along(tool, closed_server):
    states = ("active", "banned", "over", "closed", "for_ever")
    names = {state: fresh_name(state) for state in states}
    rows = [
        [names["active"], CRYPT["bcrypt"], "active", "", "not kept", "1"],
        [names["banned"], CRYPT["bcrypt"], "", "4000000000", "cheating, 严", ""],
        [names["over"], CRYPT["bcrypt"], "banned", "1000000000", "", ""],
        [names["closed"], CRYPT["bcrypt"], "closed", "", "", "0"],
        [names["for_ever"], CRYPT["bcrypt"], "banned", "0", "two\r\nlines", ""],
    ]
    header = ["name", "hash", "status", "banned_until", "ban_reason", "staff"]
    assert imported(tool, csv_text(header, rows), "bcrypt")["imported"] == 5

    def code(state):
        return login(closed_server.login, names[state], PASSWORD, "sample").code

    assert [code(state) for state in names] == [200, 403, 200, 403, 403]
    shown = {state: tool.json("account", "show", name) for state, name in names.items()}
    assert shown["active"]["staff"] and shown["active"]["ban_reason"] == ""
    assert shown["banned"]["banned_until"] == 4000000000
    assert shown["banned"]["ban_reason"] == "cheating, 严" and not shown["banned"]["staff"]
    assert shown["closed"]["status"] == "closed"
    assert shown["for_ever"]["banned_until"] == 0 and shown["for_ever"]["banned"]
    assert shown["for_ever"]["ban_reason"] == "two\r\nlines"


def test_bad_rows_are_reported_and_the_others_imported(tool, store):
    good = [fresh_name("good") for _ in range(3)]
    lines = [
        "\ufeffname,hash,id,status,banned_until",
        f"{good[0]},{CRYPT['bcrypt']},7,,",
        f"line\x01break,{CRYPT['bcrypt']},7,,",
        "short,row",
        '"a name',
        f'in two lines",{CRYPT["bcrypt"]},7,,',
        f"{good[1]},{CRYPT['bcrypt']},7,,",
        "",
        f"no hash,,7,,\r\nanother,{CRYPT['md5crypt']},7,,\r",
        f"state,{CRYPT['bcrypt']},7,frozen,",
        f"time,{CRYPT['bcrypt']},7,banned,tomorrow",
        f'qu"ote,{CRYPT["bcrypt"]},7,,',
        f"{good[2]},{CRYPT['bcrypt']},7,,",
        'open,"never closed',
        f"unread,{CRYPT['bcrypt']},7,,",
    ]
    before = len(store.names())
    code, summary, errors = run_import(tool, "\n".join(lines), "bcrypt")
    assert code == 1
    assert summary["imported"] == 3 and summary["existed"] == 0 and summary["refused"] == 9
    assert summary["ignored_columns"] == ["id"]
    assert [error["line"] for error in errors[:-1]] == [3, 4, 5, 9, 10, 11, 12, 13, 15]
    assert errors[-1]["error"]["code"] == "corrupt" and "line" not in errors[-1]
    assert all(set(error["error"]) == {"code", "message"} for error in errors)
    assert len(store.names()) == before + 3
    assert all(name.encode() in store.names() for name in good)

    code, output, error = tool.run(
        "account", "import", "-", "--format", "bcrypt", stdin="\n".join(lines).encode()
    )
    assert code == 1 and output.startswith("imported 0, existed 3, refused 9\n")
    assert "columns that were not read: id" in output
    assert error.count("gatectl: line ") == 9 and "$2b$" not in error and "\x01" not in error


def test_files_that_are_none(tool, tmp_path, store):
    before = store.names()
    for text, said in [
        ("", "empty"),
        ("\n\n", "empty"),
        ("hash\nx\n", "`name`"),
        ("name\nx\n", "`hash`"),
        ("name;hash\nx;y\n", "`name`"),
        ("name,hash,name\n", "twice"),
        ('"name,hash\n', "quote"),
    ]:
        path = tmp_path / "bad.csv"
        path.write_text(text)
        assert said in tool.refused(2, "account", "import", path, "--format", "md5")
    assert "cannot be read" in tool.refused(2, "account", "import", "none", "--format", "md5")
    tool.refused(1, "account", "import", tmp_path, "--format", "md5")
    assert store.names() == before


def test_dry_run_changes_nothing(tool, store, tmp_path):
    name, taken = fresh_name("dry"), fresh_name("taken")
    header = ["name", "hash"]
    imported(tool, csv_text(header, [[taken, CRYPT["bcrypt"]]]), "bcrypt")
    rows = [[name, CRYPT["bcrypt"]], [taken, CRYPT["bcrypt"]], ["bad", "bad"]]
    before = store.names()
    code, summary, errors = run_import(tool, csv_text(header, rows), "bcrypt", "--dry-run")
    assert code == 1 and [error.get("line") for error in errors] == [4, None]
    assert (summary["imported"], summary["existed"], summary["refused"]) == (1, 1, 1)
    assert summary["done"] == "checked" and store.names() == before

    empty = Tool(tmp_path, {})
    assert imported(empty, csv_text(header, rows[:2]), "bcrypt", "--dry-run")["imported"] == 2
    assert not (tmp_path / "gatehouse.db").exists()


def test_names_that_are_taken(tool, store):
    name = fresh_name("taken")
    text = csv_text(["name", "hash"], [[name, CRYPT["bcrypt"]], [name, CRYPT["bcrypt"]]])
    summary = imported(tool, text, "bcrypt")
    assert (summary["imported"], summary["existed"]) == (1, 1)
    other = csv_text(["name", "hash"], [[name, CRYPT["bcrypt"].replace("$2b$", "$2a$")]])
    before = stored_hash(store, name)
    assert imported(tool, other, "bcrypt", "--on-exists", "skip")["existed"] == 1
    code, summary, errors = run_import(tool, other, "bcrypt", "--on-exists", "fail")
    assert code == 1 and summary["refused"] == 1 and summary["existed"] == 0
    assert errors[0]["line"] == 2 and errors[0]["error"]["code"] == "exists"
    assert stored_hash(store, name) == before


def other_store(store, request, tmp_path):
    if store.config["driver"] == "sqlite":
        return sqlite_store(tmp_path / "other.db")
    return mysql_store(request.getfixturevalue("mariadb"), fresh_name("other"))


def test_export_and_import_agree(tool, store, request, tmp_path):
    for name in ("comma, name", 'quote " name', "严"):
        tool.done("account", "add", name, password="p")
    reason = 'said "no",\nthen\r\nleft'
    tool.done("account", "ban", "严", "--until", "4000000000", "--reason", reason)
    tool.done("account", "staff", "comma, name")
    sealed = base64.b64encode(bytes(52)).decode()
    store.query(f"UPDATE account SET totp_secret = '{sealed}' WHERE name = '严'")
    store.query("UPDATE account SET password_hash = '' WHERE name = 'comma, name'")
    before = exported(tool)
    assert len(before) == len(store.names()) and before == sorted(
        before, key=lambda row: row["name"].encode()
    )
    kept = [key for key in before[0] if key not in ("created_at", "last_login_at")]
    other = Tool(tmp_path, {"store": other_store(store, request, tmp_path).config})
    summary = imported(other, tool.export(), "stored")
    assert summary["imported"] == len(before)
    assert summary["ignored_columns"] == ["created_at", "last_login_at"]
    after = exported(other)
    assert [[row[key] for key in kept] for row in after] == [
        [row[key] for key in kept] for row in before
    ]
    last = next(row for row in after if row["name"] == "严")
    assert last["totp"] == sealed and last["ban_reason"] == reason


def test_export_in_json_and_without_hashes(tool):
    lines = [json.loads(line) for line in tool.export(form="jsonl").splitlines()]
    assert lines == json.loads(tool.export("--json"))
    assert [row["name"] for row in lines] == [row["name"] for row in exported(tool)]
    assert all({"hash", "totp", "staff", "status"} <= set(row) for row in lines)
    for form in ("csv", "jsonl"):
        text = tool.done("account", "export", "--format", form)
        assert "$2b$" not in text and "hash" not in text and lines[0]["name"] in text


def peak_kib(process):
    """The most memory that a running process has had."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])


def test_a_large_file_needs_no_more_memory(request, tmp_path, store):
    large = other_store(store, request, tmp_path)
    tool = Tool(tmp_path, {"store": large.config})
    digest = hashlib.md5(BYTES).hexdigest()
    rows, first = 100_000, 10_000
    process = subprocess.Popen(
        [GATECTL, "--config", tool.path, "account", "import", "-", "--format", "md5"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    # What is written was read, but for the pipe's 64 KiB.
    process.stdin.write("name,hash\n")
    process.stdin.writelines(f"player{number},{digest}\n" for number in range(first))
    early = peak_kib(process)
    process.stdin.writelines(f"player{number},{digest}\n" for number in range(first, rows))
    grown = peak_kib(process) - early
    output, _ = process.communicate(timeout=300 * PATIENCE)
    assert process.returncode == 0 and output == f"imported {rows}, existed 0, refused 0\n"
    assert large.query("SELECT COUNT(*) FROM account") == [[str(rows)]]
    # AddressSanitizer keeps what was freed for a while.
    assert grown < 8_000 or SANITIZED, f"{grown} KiB"

    code, output, _ = tool.run("account", "export")
    assert code == 0 and output.count("\n") == rows + 1


def test_progress_is_shown_on_a_terminal(tool, tmp_path):
    path = tmp_path / "some.csv"
    path.write_text(csv_text(["name", "hash"], [[fresh_name("some"), CRYPT["bcrypt"]]]))
    terminal = Terminal(tool, "account", "import", str(path), "--format", "bcrypt")
    terminal.wait_for(b"0 imported, 0 existed, 0 refused")
    terminal.wait_for(b"imported 1, existed 0, refused 0")
    assert terminal.end() == 0
