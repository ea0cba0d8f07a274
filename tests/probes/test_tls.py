"""probes/tls: who is trusted, by which name, and that nobody is where there is no certificate to trust anyone by."""

import pathlib
import ssl
import subprocess
import tempfile
import unittest
import warnings

from rig import SECRET, Server, answer, ask, by_path, environment, hang, may, raw, redirect, reset
from test_http import Case

EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
# where an image may keep certificates; emptied one mount at a time
PLACES = ("/etc/ssl", "/etc/pki", "/var/lib/ca-certificates", "/usr/local/share/certs")


def openssl(*words, **options):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=30, **options)


def make_ca(folder, name):
    openssl("req", "-x509", *EC, "-days", 2, "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out",
            folder / f"{name}.pem")


def make_certificate(folder, ca, name, names, days=2):
    openssl("req", *EC, "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr")
    (folder / f"{name}.ext").write_text(f"subjectAltName={names}\n" if names else "keyUsage=digitalSignature\n")
    openssl("x509", "-req", "-in", folder / f"{name}.csr", "-CA", folder / f"{ca}.pem", "-CAkey", folder / f"{ca}.key",
            "-days", days, "-set_serial", "7", "-extfile", folder / f"{name}.ext", "-out", folder / f"{name}.pem")


def hide(script, *places):
    """Words that run the driver where `script` has changed what is mounted."""
    mounts = "".join(f"if [ -d {place} ]; then mount -t tmpfs none {place}; fi; " for place in PLACES)
    return ["unshare", "--mount", "--map-root-user", "sh", "-ec", mounts + script + ' exec "$0" "$@"']


class Certified(Case):
    """Two authorities, one of them the clients', and servers' certificates: a good one, and one for another host."""
    SERVER = "IP:127.0.0.1"

    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="tinysup-test-")
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = pathlib.Path(temporary.name)
        make_ca(cls.folder, "ca")
        make_ca(cls.folder, "other")
        make_certificate(cls.folder, "ca", "server", cls.SERVER)
        make_certificate(cls.folder, "ca", "elsewhere", "DNS:elsewhere.test")


class Tls(Certified):
    SERVER = "IP:127.0.0.1,DNS:app.test"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = cls.folder
        make_certificate(folder, "ca", "expired", "IP:127.0.0.1", days=-1)
        make_certificate(folder, "ca", "client", None)
        openssl("ec", "-in", folder / "client.key", "-aes128", "-passout", "pass:x", "-out", folder / "locked.key")
        (folder / "hashed").mkdir()
        found = subprocess.run(["openssl", "x509", "-hash", "-noout", "-in", folder / "ca.pem"], check=True,
                               capture_output=True, text=True, timeout=30)
        (folder / "hashed" / (found.stdout.strip() + ".0")).write_text((folder / "ca.pem").read_text())

    def context(self, name="server"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        return context

    def try_tls(self, *words, context=None, handler=None, url=None, **options):
        with Server(handler or answer(SECRET), tls=context or self.context()) as server:
            result = ask("http", (url or "https://127.0.0.1:{port}/").format(port=server.port), *words, **options)
            self.served = server.requests
            return result

    def trusted(self, *words, **options):
        return self.try_tls(f"ca={self.folder}/ca.pem", *words, **options)

    def test_own_ca(self):
        self.expect(self.trusted(), "ok none", "status 200")

    def test_wrong_ca(self):
        result = self.expect(self.try_tls(f"ca={self.folder}/other.pem"), "fail tls", "unknown authority")
        self.assertFalse(result.sent)
        self.assertEqual(self.served, [])
        self.expect(self.try_tls(f"ca={self.folder}/none.pem"), "fail tls", "cannot read tls.ca")
        self.expect(self.try_tls(f"ca={self.folder}/ca.key"), "fail tls", "cannot read")

    def test_image_does_not_know_our_ca(self):
        self.expect(self.try_tls(), "fail tls")

    def test_self_signed(self):
        self.expect(self.try_tls(f"ca={self.folder}/other.pem", context=self.context("ca")), "fail tls", "self-signed")

    def test_wrong_name(self):
        result = self.expect(self.trusted(context=self.context("elsewhere")), "fail tls", "not for this host name")
        self.assertFalse(result.sent)
        self.expect(self.trusted(url="https://localhost:{port}/"), "fail tls", "not for this host name")

    def test_expired(self):
        self.expect(self.trusted(context=self.context("expired")), "fail tls", "expired")

    def test_verify_off(self):
        for name in ("elsewhere", "expired", "other"):
            self.expect(self.try_tls("verify=no", context=self.context(name)), "ok none")

    def test_server_name(self):
        seen = []
        context = self.context("elsewhere")
        context.sni_callback = lambda connection, name, _: seen.append(name)
        self.expect(self.trusted("server_name=elsewhere.test", context=context), "ok none")
        self.assertEqual(seen, ["elsewhere.test"])
        self.assertTrue(self.served[0].get("Host").startswith("127.0.0.1:"))
        self.expect(self.trusted("server_name=elsewhere.test", "header=Host:h", context=context), "ok none")
        self.assertEqual(self.served[0].all("Host"), ["h"])
        self.expect(self.trusted("server_name=wrong.test", context=context), "fail tls", "not for this host name")
        self.expect(self.trusted("server_name=a b", context=context), "fail request", "server_name")

    def test_server_name_over_redirects(self):
        handler = by_path({"/": redirect("/b"), "/b": answer()})
        self.expect(self.trusted("server_name=app.test", handler=handler), "ok none", status=200)
        self.assertEqual([request.target for request in self.served], ["/", "/b"])

    def test_versions(self):
        newest, old = self.context(), self.context()
        newest.minimum_version = ssl.TLSVersion.TLSv1_3
        self.expect(self.trusted(context=newest), "ok none")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        self.expect(self.trusted(context=old), "fail tls", "handshake")

    def test_client_certificate(self):
        context = self.context()
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(self.folder / "ca.pem")
        certificate = f"cert={self.folder}/client.pem"
        self.expect(self.trusted(certificate, f"certkey={self.folder}/client.key", context=context), "ok none")
        both = self.folder / "both.pem"
        both.write_text((self.folder / "client.pem").read_text() + (self.folder / "client.key").read_text())
        self.expect(self.trusted(f"cert={both}", context=context), "ok none")
        self.assertEqual(self.trusted(context=context).outcome, 1)
        self.assertEqual(self.served, [])
        # an encrypted key must not ask the terminal for its password
        self.expect(self.trusted(certificate, f"certkey={self.folder}/locked.key"), "fail tls", "client certificate")
        self.expect(self.trusted(certificate, f"certkey={self.folder}/none"), "fail tls", "client certificate")

    def test_no_tls_there(self):
        with Server(raw(b"HTTP/1.1 400 Bad\r\n\r\n"), read=False) as server:
            self.expect(ask("http", server.url.replace("http", "https"), "verify=no"), "fail tls", "handshake")
        with Server(hang, read=False) as server:
            result = ask("http", server.url.replace("http", "https"), "verify=no", "timeout=300")
            self.expect(result, "fail timeout", "connected, TLS handshake")
            self.assertFalse(result.sent)
        with Server(reset, read=False) as server:
            result = ask("http", server.url.replace("http", "https"), "verify=no")
            self.assertEqual((result.outcome, result.sent), (1, False))

    def test_environment(self):
        ca, other, hashed = (str(self.folder / name) for name in ("ca.pem", "other.pem", "hashed"))
        for changed, short in (({"SSL_CERT_FILE": ca}, "ok none"), ({"SSL_CERT_DIR": hashed}, "ok none"),
                               ({"SSL_CERT_DIR": f"/nowhere:{hashed}"}, "ok none"),
                               ({"SSL_CERT_FILE": other, "SSL_CERT_DIR": hashed}, "ok none"),
                               ({"SSL_CERT_FILE": other}, "fail tls"), ({"SSL_CERT_FILE": "/nowhere"}, "fail tls"),
                               ({"SSL_CERT_DIR": "/nowhere"}, "fail tls"),
                               ({"SSL_CERT_FILE": "", "SSL_CERT_DIR": ""}, "fail tls")):
            with self.subTest(changed):
                self.expect(self.try_tls(env=environment(**changed)), short)
        self.expect(self.trusted(env=environment(SSL_CERT_FILE=other)), "ok none")

    @unittest.skipUnless(may(hide("")), "may not mount")
    def test_usual_places(self):
        result = self.try_tls(before=hide(""))
        self.expect(result, "fail tls", "no CA certificates found: set tls.ca, SSL_CERT_FILE or SSL_CERT_DIR")
        self.assertFalse(result.sent)
        self.expect(self.try_tls("verify=no", before=hide("")), "ok none")
        bundle = "mkdir -p /etc/ssl/certs; cp {} /etc/ssl/certs/ca-certificates.crt; "
        good, bad = (bundle.format(self.folder / name) for name in ("ca.pem", "other.pem"))
        self.expect(self.try_tls(before=hide(good)), "ok none")
        self.expect(self.try_tls(before=hide(bad)), "fail tls", "unknown authority")
        hashed = f"cp {self.folder}/hashed/* /etc/ssl/certs/; "
        self.expect(self.try_tls(before=hide(bad + hashed)), "ok none")
        self.expect(self.try_tls(before=hide(f"cp {self.folder}/ca.pem /etc/ssl/cert.pem; ")), "ok none")
