"""One name with several spellings or looks was compared by one at one door and by another at the
next: a decomposed name logged in and was unknown to the gate, and names that look like somebody
else's, or like nothing, were given to whoever asked. Every door brings names into one form by one
function, and new accounts have names that nobody can take for another's; older ones log in."""

import unicodedata

import pytest
from conftest import sqlite_store
from gatehouse_client import Gate, b64, login
from gatectl import Tool
from players import Player, fresh_name
from server import PATIENCE

COMPOSED = "Ren\u00e9e-\u1e69"  # the marks of the last letter in their order
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)
SWAPPED = "Rene\u0301e-s\u0307\u0323"

# Names that no new account has, each with what is wrong.
REFUSED = [
    " ",
    "\u00a0",
    "\u3000",
    "\u115f",  # Hangul filler: a letter by its category
    " ada",
    "ada ",
    "ada  lovelace",
    "ad\u200ba",  # zero-width space
    "ad\u200da",  # zero-width joiner
    "\ufeffada",
    "ada\u2060",
    "ada\ufe0f",  # variation selector
    "ada\U000e0041",  # tag
    "\u202eada",  # right-to-left override
    "ada\u200f",
    "\u2066ada\u2069",
    "\u0430dmin",  # Cyrillic a
    "p\u0430yp\u0430l",
    "adm\u03b9n",  # Greek iota
    "\uff41dmin",  # full-width a
    "o\ufb03ce",  # ligature
    "\U0001d5ba\U0001d5bd\U0001d5ba",  # mathematical letters
    "ada\u00b2",
    "ada\U0001f600",
    "\u05d0da",  # Hebrew and Latin
    "1\u0661",  # digits of two systems
    "a\u0300\u0300",
    "a" + "\u0300\u0301\u0302\u0303\u0304",
    "\u0301ada",  # begins with a mark
    "\u13aa\u13ac",  # Cherokee, which looks Latin
    "\ue000",  # private use
    "\u0378",  # not assigned
]
TAKEN = ["严", "ada lovelace", "' OR 1=1 --", "100%_\\", "a@b.example", "Ада", "東京タワー", "김치bob",
         "안녕", "שלום", "ada1", "Straße"]


@pytest.fixture(params=["plain", "skynet"])
def suite(request):
    return request.param


def named(session, user, server="sample"):
    """The handshake of a client that never learned the uid: it sends what the player typed."""
    text = f"{b64(user)}@{b64(server)}#{b64(session.subid)}:{named.index}"
    named.index += 1
    return f"{text}:{b64(session.mac(text))}"


named.index = 1


def enters(server, session, user):
    with Gate(server.gate()) as gate:
        gate.send_frame(named(session, user).encode())
        return gate.read_frame().decode()


def test_either_form_is_the_same_player_at_every_door(server, suite):
    first = login(server.login, DECOMPOSED, "secret", "sample", suite)
    assert first.code == 200
    for form in (DECOMPOSED, COMPOSED, SWAPPED):
        assert enters(server, first, form) == "200 OK", form
    again = login(server.login, COMPOSED, "secret", "sample", suite)
    for form in (DECOMPOSED, COMPOSED, SWAPPED):
        assert enters(server, again, form) == "200 OK", form
    assert enters(server, again, "Renee-s").startswith("404")
    assert login(server.login, SWAPPED, "other", "sample", suite).code == 401


def test_base64_without_its_padding_names_the_same_player(server, suite):
    user = fresh_name("pad")
    session = login(server.login, user, "secret", "sample", suite)
    name = "@".join(b64(part).rstrip("=") for part in (user, "sample"))
    text = f"{name}#{b64(session.subid).rstrip('=')}:1"
    with Gate(server.gate()) as gate:
        gate.send_frame(f"{text}:{b64(session.mac(text))}".encode())
        assert gate.read_frame() == b"200 OK"


def test_a_game_server_has_one_name_in_either_form(start_server):
    server = start_server(
        {"gate": {"gates": [{"server": "cafe\u0301", "listen": "127.0.0.1:0"}]}}
    )
    for form in ("caf\u00e9", "cafe\u0301"):
        session = login(server.login, "ada", "secret", form, "skynet")
        assert session.code == 200, session.line
        with Gate(server.ready["gate"][0]["address"]) as gate:
            gate.send_frame(named(session, "ada", "cafe\u0301").encode())
            assert gate.read_frame() == b"200 OK"


@pytest.fixture(scope="module")
def open_to_all(tmp_path_factory):
    """A server that makes accounts, and may be asked as often as it takes."""
    from server import Server

    with Server(tmp_path_factory.mktemp("open"), {"limits": {"profile": "off"}}) as instance:
        yield instance


def test_a_first_login_makes_no_account_of_a_name_that_deceives(open_to_all):
    store = sqlite_store(open_to_all.config["store"]["sqlite"]["path"])
    wrong = [n for n in REFUSED
             if login(open_to_all.login, n, "secret", "sample").line != "401 Unauthorized"]
    assert wrong == []
    assert store.names() == []
    refused = [n for n in TAKEN if login(open_to_all.login, n, "secret", "sample").code != 200]
    assert refused == []
    assert store.names() == [unicodedata.normalize("NFC", n).encode() for n in TAKEN]


AUTH = """
local login = require "gatehouse.login"
return {
    auth_handler = function(token) return token.server, token.password end,
    %s
}
"""
PLACES = """
    login_handler = function(server, uid, secret) return login.place(server, uid, secret) end,
"""


@pytest.mark.parametrize("login_handler", ["", PLACES], ids=["default", "places"])
def test_the_uid_of_a_policy_is_a_name_like_any_other(start_server, tmp_path, login_handler):
    policy = tmp_path / "policy.lua"
    policy.write_text(AUTH % login_handler)
    server = start_server({"login": {"policy": str(policy)}, "limits": {"profile": "off"}})
    store = sqlite_store(server.config["store"]["sqlite"]["path"])
    for uid in (COMPOSED, DECOMPOSED):
        session = login(server.login, "whoever", uid, "sample", "skynet")
        assert session.code == 200, session.line
        for form in (COMPOSED, DECOMPOSED):
            assert enters(server, session, form) == "200 OK"
    for uid in ("\u202eada", "\u0430dmin", " ", "a\tb", "a\nb"):
        assert login(server.login, "whoever", uid, "sample", "skynet").code in (401, 403), uid
    assert store.names() == [COMPOSED.encode()]


def test_who_has_such_a_name_already_logs_in(start_server, tmp_path):
    loose = {"auth": {"names": "any"}}
    server = start_server(loose)
    names = ["\u0430dmin", " ", "ad\u200ba", "ada\U0001f600", "\uff41dmin"]
    for name in names:
        assert login(server.login, name, "secret", "sample").code == 200
    server.stop()
    server.config["auth"]["names"] = "strict"
    server.start()
    for name in names:
        player = Player(server, name)
        assert player.connect().request("count") == b"1"
        assert enters(server, player.login, name) != "404 User Not Found"
    assert login(server.login, "b\u0430d", "secret", "sample").code == 401


def test_gatectl_makes_no_account_of_such_a_name(tmp_path):
    tool = Tool(tmp_path, {})
    for name in ("\u0430dmin", " ", "ad\u200ba", "\u202eada"):
        assert "auth.names" in tool.refused(2, "account", "add", name, password="secret")
    rows = "name,hash\n" + "".join(f"{name},!\n" for name in ("\u0430dmin", "ad\u200ba", COMPOSED))
    code, output, error = tool.run(
        "account", "import", "--format", "stored", "-", stdin=rows.encode()
    )
    assert code == 1 and "imported 1" in output and "refused 2" in output, (output, error)
    tool.done("--set", "auth.names=any", "account", "add", "\u0430dmin", password="secret")
    # Whatever the rule, an account that exists is reached, by either form of its name.
    tool.done("account", "passwd", "\u0430dmin", password="another")
    assert tool.json("account", "show", DECOMPOSED)["name"] == COMPOSED


def test_an_operator_kicks_by_any_form_of_the_name(start_server):
    server = start_server({"admin": {"listen": "127.0.0.1:0"}})
    player = Player(server, DECOMPOSED)
    gate = player.connect(conversation="c1")
    tool = Tool(server.folder / "tool", server.config)
    tool.done("--set", f"admin.listen={server.ready['admin']}", "kick", SWAPPED)
    gate.read_until_closed(timeout=10 * PATIENCE)
