"""The numbers of /metrics, for tests that prove that something was counted."""

import re
import urllib.request

from waiting import wait_until


def read(server):
    """{name with its labels: number}; the server has an admin port."""
    with urllib.request.urlopen(f"http://{server.ready['admin']}/metrics", timeout=30) as page:
        text = page.read().decode()
    return {name: float(value) for name, value in re.findall(r"^(\w+(?:{.*})?) (\S+)$", text, re.M)}


def refused(server, where, reason):
    """gatehouse_refused_total, whatever the order of its labels."""
    for name, value in read(server).items():
        if not name.startswith("gatehouse_refused_total{"):
            continue
        labels = dict(re.findall(r'(\w+)="([^"]*)"', name))
        if labels == {"where": where, "reason": reason}:
            return int(value)
    return 0


def wait_refused(server, where, reason, count, timeout=20.0):
    return wait_until(
        lambda: refused(server, where, reason) >= count,
        timeout,
        f"{count} refused at the {where}: {reason}",
    )
