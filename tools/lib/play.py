"""What ./tools/play does: one login, a few requests, a reconnect, each step explained; or, given
requests on the command line, a login and those."""

import argparse
import base64
import dataclasses
import json
import secrets
import ssl
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from cryptography.exceptions import InvalidSignature  # noqa: E402
from cryptography.hazmat.primitives import serialization  # noqa: E402
from gatehouse_client import Closed, Gate, RequestFailed, login  # noqa: E402
from transports import Endpoint, UpgradeRefused  # noqa: E402
from x25519_suite import BadSeal  # noqa: E402

IDENTITY = ROOT / "var/identity.pem"  # the quickstart's


def quickstart_addresses(server, transport):
    """(login, gate) of the server that ./tools/run started, else its usual ports."""
    config = json.loads((ROOT / "config/quickstart.json").read_text())
    names = [gate["server"] for gate in config["gate"]["gates"]]
    index = names.index(server) if server in names else 0
    try:
        ready = json.loads((ROOT / "var/ready.json").read_text())
        logins, gate = ready["login"], ready["gate"][index]["address"]
    except (OSError, LookupError, ValueError):
        logins, gate = config["login"]["listen"], config["gate"]["gates"][index]["listen"]
    fitting = [entry for entry in logins if entry["transport"] in (transport, "auto")]
    return (fitting or logins)[0]["address"], gate


def read_identity(text):
    """The public key of a PEM file with either half, or from base64."""
    if not Path(text).is_file():
        try:
            key = base64.b64decode(text, validate=True)
        except ValueError:
            key = b""
        if len(key) != 32:
            raise ValueError(f"--identity: neither a file nor the base64 of 32 bytes: {text}")
        return key
    pem = Path(text).read_bytes()
    if b"PRIVATE" in pem:
        key = serialization.load_pem_private_key(pem, None).public_key()
    else:
        key = serialization.load_pem_public_key(pem)
    raw = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return key.public_bytes(*raw)


def tls_context(options):
    context = ssl.create_default_context(cafile=options.ca)
    if options.any_certificate:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def arguments():
    parser = argparse.ArgumentParser(prog="./tools/play", description="A demonstration client.")
    parser.add_argument("--login", metavar="ADDRESS", help="the login port: HOST:PORT or a URL, "
                        "tcp://, tls://, ws://, wss://HOST:PORT")
    parser.add_argument("--gate", metavar="ADDRESS", help="the gate, likewise")
    parser.add_argument("--tls", action="store_true", help="addresses without a scheme: over TLS")
    parser.add_argument("--ws", action="store_true", help="the same: WebSocket; with --tls wss")
    parser.add_argument("--ca", metavar="FILE", help="whom to trust in TLS, not the system's")
    parser.add_argument("--any-certificate", action="store_true",
                        help="trust whoever answers in TLS: for a look, not for a password")
    parser.add_argument("--user", default="hello")
    parser.add_argument("--password", default="password")
    parser.add_argument("--server", default="sample", help="the game server (default: sample)")
    parser.add_argument("--suite", choices=["skynet", "plain", "x25519"],
                        help="default: skynet; x25519 with --sealed")
    parser.add_argument("--sealed", action="store_true", help="seal the frames at the gate")
    parser.add_argument("--identity", metavar="KEY", help="the server's public key, as base64 or "
                        "PEM file, which x25519 checks (default: that of ./tools/run)")
    parser.add_argument(
        "requests", nargs="*", metavar="REQUEST", help="send these, instead of the tour"
    )
    options = parser.parse_args()
    options.suite = options.suite or ("x25519" if options.sealed else "skynet")
    transport = {(0, 0): "tcp", (1, 0): "tls", (0, 1): "ws", (1, 1): "wss"}
    transport = transport[options.tls, options.ws]
    usual = quickstart_addresses(options.server, transport)
    try:
        for name, address in zip(("login", "gate"), usual):
            address = getattr(options, name) or address
            endpoint = Endpoint.of(address if "://" in address else f"{transport}://{address}")
            if endpoint.is_encrypted:
                endpoint = dataclasses.replace(endpoint, context=tls_context(options))
            setattr(options, name, endpoint)
        if options.suite == "x25519":
            options.identity = read_identity(options.identity or str(IDENTITY))
    except (OSError, ValueError) as error:
        parser.error(str(error))
    return options


def where(endpoint):
    return endpoint.address if endpoint.transport == "tcp" else str(endpoint)


def say(step, text):
    print(f"{step:>9}  {text}")


def show(gate, content):
    try:
        answer = gate.request(content).decode(errors="replace")
    except RequestFailed:
        answer = "(an error: kind 0)"
    say("request", f"{content!r} -> {answer!r}")


def connect(options, session, index, last_push, conversation):
    gate = Gate(options.gate)
    answer = gate.handshake(session, index, last_push=last_push, conversation=conversation,
                            options="sealed" if options.sealed else "")
    say("gate", f"{where(options.gate)}, handshake number {index}: {answer}")
    if not answer.startswith("200"):
        raise SystemExit(1)
    return gate


def send_requests(requests, gate):
    try:
        for content in requests:
            show(gate, content)
        gate.ping()  # what was pushed meanwhile comes before its answer
    finally:
        for number, content in gate.pushes:
            say("push", f"number {number}: {content.decode(errors='replace')!r}")
        for control in gate.controls:
            say("control", json.dumps(control))
        gate.close()
    return 0


def play(options):
    user = f"user {options.user}@{options.server}"
    say("login", f"{where(options.login)}, suite {options.suite}, {user}")
    proof = {"identity": options.identity} if options.suite == "x25519" else {}
    session = login(
        options.login, options.user, options.password, options.server, options.suite, **proof
    )
    if session.code != 200:
        say("answer", session.line)
        raise SystemExit(1)
    say("answer", f"200, sub-id {session.subid}; both sides now hold the session's secret")

    conversation = secrets.token_urlsafe(12)
    gate = connect(options, session, 1, 0, conversation)
    if options.requests:
        return send_requests(options.requests, gate)
    for content in ("whoami", "hello gatehouse", "count", "note from ./tools/play", "note"):
        show(gate, content)
    show(gate, "push good news")
    number, content = gate.wait_for(gate.pushes)[0]
    say("push", f"number {number}: {content.decode()!r}")

    say("", "the connection breaks; the player stays, and comes back with the next index")
    number_of_count = gate.send_request("count")
    kind_and_answer = gate.response(number_of_count)
    gate.close()
    gate = connect(options, session, 2, number, conversation)
    again = gate.response(gate.send_request("count", number_of_count))
    same = "not counted twice" if again == kind_and_answer else "NOT THE SAME ANSWER"
    say("repeat", f"request {number_of_count} again -> {again[1].decode()!r}: {same}")
    gate.ping(b"beat")
    say("ping", "answered")
    gate.close()
    return 0 if again == kind_and_answer else 1


def main():
    options = arguments()
    try:
        return play(options)
    except InvalidSignature:
        print("Another server's identity: its signature is not that of the key that is expected.")
    except BadSeal:
        print("Somebody changed what the server said: it is not sealed as it must be.")
    except UpgradeRefused as error:
        print(f"The server refuses the WebSocket: {error}")
    except ssl.SSLError as error:
        print(f"TLS: {error}")
    except ConnectionRefusedError:
        print(f"Nothing listens on {where(options.login)} or {where(options.gate)}.")
        print("Start it: ./tools/run --detach")
    except (Closed, TimeoutError) as error:
        print(f"The server ended the connection or did not answer ({type(error).__name__}).")
    return 1


if __name__ == "__main__":
    sys.exit(main())
