"""Certificates for tests, made by the openssl command in a folder."""

import ssl
import subprocess
from pathlib import Path

KEYS = {
    "ecdsa": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    "rsa": ["-newkey", "rsa:2048", "-nodes"],
}


class Certificates:
    """Each has NAME.pem and NAME.key."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def pem(self, name):
        return str(self.folder / f"{name}.pem")

    def key(self, name):
        return str(self.folder / f"{name}.key")

    def _openssl(self, *arguments):
        done = subprocess.run(
            ["openssl", *arguments], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def _make(self, name, *more, key="ecdsa", days=2):
        self._openssl(
            "req", "-x509", *KEYS[key], "-days", str(days), "-subj", f"/CN={name}",
            "-keyout", self.key(name), "-out", self.pem(name), *more,
        )

    def _signed_by(self, issuer):
        return ["-CA", self.pem(issuer), "-CAkey", self.key(issuer)]

    def make_issuer(self, name, issuer=None):
        """A root, or one in between that `issuer` signs."""
        by = self._signed_by(issuer) if issuer else []
        self._make(name, "-addext", "basicConstraints=critical,CA:TRUE", *by)

    def make_for(self, name, issuer, alternatives, key="ecdsa", days=2):
        """Alternatives as `DNS:localhost,IP:127.0.0.1`. An issuer of its own name signs itself."""
        by = self._signed_by(issuer) if issuer != name else []
        self._make(
            name, "-addext", f"subjectAltName={alternatives}",
            "-addext", "basicConstraints=critical,CA:FALSE", *by, key=key, days=days,
        )

    def append_issuer(self, name, issuer):
        """Puts the issuer's certificate behind that of `name`: a chain."""
        with open(self.pem(name), "a", encoding="ascii") as chain:
            chain.write(Path(self.pem(issuer)).read_text(encoding="ascii"))

    def config(self, *names):
        """The list `tls.certificates` of a server's configuration."""
        return [
            {"certificate_file": self.pem(name), "key_file": self.key(name)} for name in names
        ]

    def trust(self, *issuers, version=None):
        """A client's context that trusts these alone; version: the only one of TLS it speaks."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        for issuer in issuers:
            context.load_verify_locations(self.pem(issuer))
        if version is not None:
            context.minimum_version = context.maximum_version = version
        return context

    def make_expired(self, name, issuer, alternatives):
        """Valid for one day of the year 2020."""
        (self.folder / f"{name}.db").write_text("")
        (self.folder / f"{name}.cnf").write_text(
            f"[ca]\ndefault_ca=c\n[c]\ndatabase={name}.db\nrand_serial=yes\nnew_certs_dir=.\n"
            "default_md=sha256\npolicy=p\ncopy_extensions=copy\n[p]\ncommonName=supplied\n"
        )
        self._openssl(
            "req", *KEYS["ecdsa"], "-subj", f"/CN={name}",
            "-addext", f"subjectAltName={alternatives}",
            "-keyout", self.key(name), "-out", f"{name}.csr",
        )
        self._openssl(
            "ca", "-batch", "-notext", "-config", f"{name}.cnf", "-in", f"{name}.csr",
            "-cert", self.pem(issuer), "-keyfile", self.key(issuer), "-out", self.pem(name),
            "-startdate", "20200101000000Z", "-enddate", "20200102000000Z",
        )
