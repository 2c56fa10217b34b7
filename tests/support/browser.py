"""Debian's Chromium without a screen, as a real browser: a page tells what came of it."""

import http.server
import json
import queue
import shutil
import subprocess
import tempfile
import threading
import urllib.parse
from pathlib import Path

from server import PATIENCE

CHROMIUM = shutil.which("chromium")


class Pages:
    """Serves one page, and keeps what it posts to /result. Use `with Pages(path) as pages`."""

    def __init__(self, path):
        content = Path(path).read_bytes()
        results = queue.Queue()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(content)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(204)
                self.end_headers()
                results.put(json.loads(body))

            def log_message(self, *unused):
                pass

        self.results = results
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *unused):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def open(self, timeout=60.0, **query):
        """What the page posts, in a browser that is started for it."""
        url = f"{self.origin}/?{urllib.parse.urlencode(query)}"
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu",
                       "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
                       "--disable-background-networking", f"--user-data-dir={profile}", url]
            with open(Path(profile) / "log", "wb") as log:
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
                )
            try:
                return self.results.get(timeout=timeout * PATIENCE)
            except queue.Empty:
                text = (Path(profile) / "log").read_text(errors="replace")
                raise AssertionError(f"the page said nothing:\n{text[-3000:]}") from None
            finally:
                process.terminate()
                try:
                    process.wait(20 * PATIENCE)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
