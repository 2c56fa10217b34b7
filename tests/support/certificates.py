"""Certificates for tests, made by the openssl command in a folder."""

import subprocess

CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


class Certificates:
    """Each has NAME.pem and NAME.key."""

    def __init__(self, folder):
        self.folder = folder

    def pem(self, name):
        return str(self.folder / f"{name}.pem")

    def key(self, name):
        return str(self.folder / f"{name}.key")

    def _openssl(self, *arguments):
        done = subprocess.run(
            ["openssl", *arguments], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def _make(self, name, *more):
        self._openssl(
            "req", "-x509", *CURVE, "-days", "2", "-subj", f"/CN={name}",
            "-keyout", self.key(name), "-out", self.pem(name), *more,
        )

    def make_issuer(self, name):
        self._make(name, "-addext", "basicConstraints=critical,CA:TRUE")

    def make_for(self, name, issuer, alternatives):
        """Alternatives as `DNS:localhost,IP:127.0.0.1`. An issuer of its own name signs itself."""
        by = ["-CA", self.pem(issuer), "-CAkey", self.key(issuer)] if issuer != name else []
        self._make(
            name, "-addext", f"subjectAltName={alternatives}",
            "-addext", "basicConstraints=critical,CA:FALSE", *by,
        )

    def make_expired(self, name, issuer, alternatives):
        """Valid for one day of the year 2020."""
        (self.folder / f"{name}.db").write_text("")
        (self.folder / f"{name}.cnf").write_text(
            f"[ca]\ndefault_ca=c\n[c]\ndatabase={name}.db\nrand_serial=yes\nnew_certs_dir=.\n"
            "default_md=sha256\npolicy=p\ncopy_extensions=copy\n[p]\ncommonName=supplied\n"
        )
        self._openssl(
            "req", *CURVE, "-subj", f"/CN={name}", "-addext", f"subjectAltName={alternatives}",
            "-keyout", self.key(name), "-out", f"{name}.csr",
        )
        self._openssl(
            "ca", "-batch", "-notext", "-config", f"{name}.cnf", "-in", f"{name}.csr",
            "-cert", self.pem(issuer), "-keyfile", self.key(issuer), "-out", self.pem(name),
            "-startdate", "20200101000000Z", "-enddate", "20200102000000Z",
        )
