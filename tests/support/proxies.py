"""Real proxies in front of a server: HAProxy by deploy/haproxy.cfg, nginx by
deploy/nginx-stream.conf, with the addresses of a test in the place of the examples'."""

import os
import re
import shutil
import socket
import subprocess

from server import PATIENCE, ROOT

# Where the proxies connect from: what net.trusted_proxies of the server names.
PROXY = "127.0.0.77"
EXAMPLE, EXAMPLE_SERVER = "192.0.2.10", "198.51.100.20"
NGINX_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"


class Proxy:
    """Use it in `with`. The listening sockets are made here: the proxy inherits them, and who
    connects before it is up waits in their queue."""

    def __init__(self, folder, server):
        self.folder = folder
        self.folder.mkdir(exist_ok=True)
        self.server = server
        self.sockets = {}  # by port of the example
        self.process = None

    def address(self, port):
        """Where the example's port is."""
        return "{}:{}".format(*self.sockets[port].getsockname())

    def listen(self, port):
        listener = socket.create_server(("127.0.0.1", 0))
        listener.set_inheritable(True)
        self.sockets[port] = listener
        return listener

    def behind(self, port):
        """What the server serves behind the example's port."""
        ports = {"8001": self.server.ready["login"][0], "8888": self.server.ready["gate"][0]}
        return ports[port]["address"]

    def __enter__(self):
        command, environment = self.prepare()
        with open(self.folder / "proxy.log", "wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                pass_fds=[listener.fileno() for listener in self.sockets.values()],
            )
        return self

    def __exit__(self, *unused):
        for listener in self.sockets.values():
            listener.close()
        ended = self.process.poll()
        self.process.terminate()
        self.process.wait(20 * PATIENCE)
        assert ended is None, (self.folder / "proxy.log").read_text()


class HaProxy(Proxy):
    """version: what it says to the server in ports 8001 and 8888; the others are of 2."""

    def __init__(self, folder, server, version=2, certificate=None):
        super().__init__(folder, server)
        self.version = version
        self.certificate = certificate  # and its key, in one file

    def prepare(self):
        text = (ROOT / "deploy/haproxy.cfg").read_text()
        if self.certificate is None:
            text = text[: text.index("# Or HAProxy ends TLS")]
        text = text.replace("maxconn 50000", "maxconn 100\n  nbthread 1")
        text = text.replace("/etc/haproxy/game.pem", str(self.certificate))
        if self.version == 1:
            text = re.sub(r"send-proxy-v2(?! proxy-v2-options)", "send-proxy", text)
        text = re.sub(
            rf"bind {re.escape(EXAMPLE)}:(\d+)",
            lambda found: f"bind fd@{self.listen(found[1]).fileno()}", text,
        )
        text = re.sub(
            rf"{re.escape(EXAMPLE_SERVER)}:(\d+)",
            lambda found: f"{self.behind(found[1])} source {PROXY}", text,
        )
        path = self.folder / "haproxy.cfg"
        path.write_text(text)
        return ["haproxy", "-db", "-f", path], None


class Nginx(Proxy):
    @staticmethod
    def is_here():
        return shutil.which("nginx") is not None and os.path.exists(NGINX_MODULE)

    def prepare(self):
        text = (ROOT / "deploy/nginx-stream.conf").read_text()
        text = re.sub(
            rf"listen {re.escape(EXAMPLE)}:(\d+)",
            lambda found: "listen {}:{}".format(*self.listen(found[1]).getsockname()), text,
        )
        text = re.sub(
            rf"proxy_pass {re.escape(EXAMPLE_SERVER)}:(\d+)",
            lambda found: f"proxy_bind {PROXY};\n    proxy_pass {self.behind(found[1])}", text,
        )
        path = self.folder / "nginx.conf"
        path.write_text(
            f"load_module {NGINX_MODULE};\ndaemon off;\n"
            f"pid {self.folder}/nginx.pid;\nerror_log stderr;\nevents {{}}\n{text}"
        )
        # How nginx gives its sockets to the next nginx: a list of their descriptors.
        inherited = "".join(f"{each.fileno()};" for each in self.sockets.values())
        command = ["nginx", "-p", self.folder, "-c", path, "-e", "stderr"]
        return command, os.environ | {"NGINX": inherited}
