"""What ./tools/play does: one login, a few requests, a reconnect, each step explained; or, given
requests on the command line, a login and those."""

import argparse
import json
import secrets
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from gatehouse_client import Closed, Gate, RequestFailed, login  # noqa: E402


def quickstart_addresses(server):
    """(login, gate) of the server that ./tools/run started, else its usual ports."""
    config = json.loads((ROOT / "config/quickstart.json").read_text())
    names = [gate["server"] for gate in config["gate"]["gates"]]
    index = names.index(server) if server in names else 0
    try:
        ready = json.loads((ROOT / "var/ready.json").read_text())
        return ready["login"][0]["address"], ready["gate"][index]["address"]
    except (OSError, LookupError, ValueError):
        gate = config["gate"]["gates"][index]
        return config["login"]["listen"][0]["address"], gate["listen"]


def arguments():
    parser = argparse.ArgumentParser(prog="./tools/play", description="A demonstration client.")
    parser.add_argument("--login", metavar="HOST:PORT", help="the login port")
    parser.add_argument("--gate", metavar="HOST:PORT", help="the gate")
    parser.add_argument("--user", default="hello")
    parser.add_argument("--password", default="password")
    parser.add_argument("--server", default="sample", help="the game server (default: sample)")
    parser.add_argument("--suite", choices=["skynet", "plain"], default="skynet")
    parser.add_argument(
        "requests", nargs="*", metavar="REQUEST", help="send these, instead of the tour"
    )
    options = parser.parse_args()
    login_address, gate_address = quickstart_addresses(options.server)
    options.login = options.login or login_address
    options.gate = options.gate or gate_address
    return options


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
    answer = gate.handshake(session, index, last_push=last_push, conversation=conversation)
    say("gate", f"{options.gate}, handshake number {index}: {answer}")
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
    say("login", f"{options.login}, suite {options.suite}, user {options.user}@{options.server}")
    session = login(
        options.login, options.user, options.password, options.server, options.suite
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
    except ConnectionRefusedError:
        print(f"Nothing listens on {options.login} or {options.gate}.")
        print("Start it: ./tools/run --detach")
    except (Closed, TimeoutError) as error:
        print(f"The server ended the connection or did not answer ({type(error).__name__}).")
    return 1


if __name__ == "__main__":
    sys.exit(main())
