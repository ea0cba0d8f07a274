"""The release as a file: how it is linked and hardened, that it needs nothing but itself, and that it can be made again."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import images
from binaries import ROOT, path_of

from harness import children, kill_tree, until
from rig import Server, answer
from smtp_server import PASSWORD, USER, Mailbox, smtp_server
from test_tls import make_ca, make_certificate

DYNAMIC = Path(path_of("plain"))
NOBODY = "65534:65534"
SOURCES = ("init", "probes", "hooks", "config", "docs", "tests", "Makefile", "static.mk", "static.ld", "LICENSE", ".ci")


def setUpModule():
    global STATIC
    STATIC = images.static_binary()


def read(*words):
    return subprocess.run([*map(str, words)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True, text=True, timeout=30).stdout


def segments(binary):
    """(type, flags) of each."""
    return re.findall(r"^  (\w+) +(?:0x\w+ +){5}([RWE ]+?) +0x", read("readelf", "-lW", binary), re.M)


def hardened(case, binary):
    found = segments(binary)
    flags = dict(found)
    case.assertEqual(flags["GNU_STACK"], "RW")
    case.assertIn("GNU_RELRO", flags)
    for kind, how in found:
        case.assertFalse("W" in how and "E" in how, (kind, how))
    return flags


def hardened_release(case, binary):
    flags = hardened(case, binary)
    case.assertNotIn("INTERP", flags)
    case.assertNotIn("DYNAMIC", flags)
    case.assertLessEqual(binary.stat().st_size, 3 << 20)
    case.assertEqual(read("readelf", "-SW", binary).count(".debug"), 0)


class Hardening(unittest.TestCase):
    def test_static(self):
        hardened_release(self, STATIC)

    def test_dynamic(self):
        flags = hardened(self, DYNAMIC)
        self.assertIn("INTERP", flags)
        dynamic = read("readelf", "-dW", DYNAMIC)
        self.assertRegex(dynamic, r"FLAGS_1\).*\bNOW\b.*\bPIE\b")
        self.assertIn("BIND_NOW", dynamic)
        self.assertNotRegex(dynamic, "RPATH|RUNPATH|TEXTREL")
        self.assertEqual(set(re.findall(r"NEEDED.*\[lib(\w+)", dynamic)), {"curl", "config", "jansson", "microhttpd", "crypto", "c"})
        symbols = read("nm", "-D", DYNAMIC)
        self.assertIn(" U __stack_chk_fail", symbols)
        self.assertRegex(symbols, r" U __\w*snprintf_chk")


class Mail(unittest.TestCase):
    def test_with_starttls_and_auth(self):
        mailbox = Mailbox()
        with tempfile.TemporaryDirectory(prefix="tinysup-test-") as folder:
            folder = Path(folder)
            make_ca(folder, "ca")
            make_certificate(folder, "ca", "server", "IP:127.0.0.1")
            with smtp_server(mailbox, folder, authenticator=mailbox.authenticate, auth_required=True) as url:
                (folder / "conf").write_text(f'''
                    alerts: {{ mail: {{ type = "email"; url = "{url}"; from = "bot@example.com"; to = "ops@example.com";
                                       user = "{USER}"; password = "{PASSWORD}"; tls: {{ ca = "{folder}/ca.pem"; }}; }}; }};
                    shutdown: {{ deadline = "20s"; platform_grace = "60s";
                                chain = ( {{ name = "tell"; alert = [ "mail" ]; }}, {{ name = "stop"; stop: {{ }}; }} ); }};''')
                read(STATIC, "--config", folder / "conf", "--step", "tell")
        (_, recipients, mail, encrypted), = mailbox.mails
        self.assertEqual((recipients, encrypted), (["ops@example.com"], True))
        self.assertIn(b"\r\n\r\n", mail)


class Version(unittest.TestCase):
    def test_says_what_it_is_made_of(self):
        wanted = re.search(r"^VERSION := (\S+)", (ROOT / "Makefile").read_text(), re.M)[1]
        for binary in (STATIC, DYNAMIC):
            with self.subTest(binary):
                lines = read(binary, "--version").splitlines()
                self.assertEqual(lines[0], f"tinysup version {wanted}")
                self.assertRegex(lines[1], r"^commit ([0-9a-f]{12}|unknown)$")
                for library in ("libcurl/", "jansson ", "libconfig "):
                    self.assertIn(library, "\n".join(lines))
        manifest = (ROOT / "build-static/deps/MANIFEST").read_text()
        said = read(STATIC, "--version")
        for library, pattern in (("openssl", r"OpenSSL/(\S+)"), ("curl", r"libcurl/(\S+)"), ("c-ares", r"c-ares/(\S+)"),
                                 ("nghttp2", r"nghttp2/(\S+)"), ("jansson", r"jansson (\S+)"),
                                 ("libmicrohttpd", r"libmicrohttpd (\S+)")):
            self.assertIn(f"{library} {re.search(pattern, said)[1]}", manifest)


class Reproducible(unittest.TestCase):
    """Its part of the release, built anew twice, at different paths, with the libraries that are there."""

    made, cross = "build-static", ""
    under = ()

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="tinysup-e2e-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        sources = cls.folder / "sources"
        sources.mkdir()
        for name in SOURCES:
            (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, sources / name)
        cls.built = [cls.build(sources, cls.folder / name) for name in ("once", "again/at/a/longer/path")]

    @classmethod
    def build(cls, sources, tree):
        shutil.copytree(sources, tree, copy_function=shutil.copy)   # every file is new: none is older than what was made of it
        commit = read(*cls.under, cls.binary(), "--version").splitlines()[1].split()[1]
        images.run("make", "-s", "-j2", "all", "BUILD=built", f"STATIC={ROOT}/{cls.made}/deps", f"COMMIT={commit}", cwd=tree)
        images.run(f"{cls.cross}strip", "--strip-all", "-R", ".comment", "-o", tree / "tinysup", tree / "built/tinysup")
        return tree

    @staticmethod
    def binary():
        return STATIC

    def test_two_builds_are_the_same_bytes(self):
        once, again = ((tree / "tinysup").read_bytes() for tree in self.built)
        self.assertTrue(once == again)
        self.assertNotIn(str(self.folder).encode(), once)
        self.assertNotIn(str(ROOT).encode(), once)
        if "TINYSUP_STATIC" not in os.environ:
            self.assertTrue(once == self.binary().read_bytes(), "`make static` has made something else of this tree")

    def test_objects_have_stack_protectors(self):
        objects = sorted((self.built[0] / "built").rglob("*.o"))
        protected = [o for o in objects if "__stack_chk_fail" in read(f"{self.cross}nm", "--undefined-only", o)]
        self.assertGreater(len(objects), 40)
        self.assertGreater(len(protected), len(objects) // 3)
        self.assertRegex(read(f"{self.cross}nm", self.built[0] / "built/tinysup"), r" [Tt] __stack_chk_fail")


class Bare(unittest.TestCase):
    """A root directory with nothing in it but the binary: no C library, /dev, /proc, /etc, and nothing may be written."""

    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="tinysup-e2e-"))
        self.root.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.root)
        shutil.copy(STATIC, self.root / "tinysup")
        shutil.copy(images.idle_binary(), self.root / "idle")

    def words(self, *words, user=NOBODY):
        mount = 'mount --bind "$0" "$0"; mount -o remount,bind,ro,nodev,nosuid "$0"; exec chroot --userspec="$1" "$0" "${@:2}"'
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-ec", mount, str(self.root), user, "/tinysup",
                *map(str, words)]

    def once(self, *words, **options):
        done = subprocess.run(self.words(*words, **options), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=30, check=False, env={})
        return done.returncode, done.stdout

    def test_it_runs(self):
        for user in (NOBODY, "0:0"):
            code, said = self.once("--version", user=user)
            self.assertEqual((code, said.split()[0]), (0, "tinysup"))
            self.assertEqual(self.once("--", "/idle", "7", "now", user=user)[0], 7)
            self.assertEqual(self.once("--", "/nothing", user=user)[0], 127)
            self.assertEqual(self.once("--check", user=user)[0], 0)

    def test_probe(self):
        with Server(answer()) as server:
            self.assertEqual(self.once("--probe", server.url)[0], 0)
            self.assertEqual(self.once("--probe", server.url.replace("127.0.0.1", "localhost"))[0], 0)
        code, said = self.once("--probe", server.url)
        self.assertEqual((code, said.count("\n")), (1, 1))
        code, said = self.once("--probe", "https://127.0.0.1:1/")
        self.assertEqual((code, said.count("\n")), (1, 1))
        code, said = self.once("--probe", "http://no.such.host.e2e.test/")
        self.assertEqual((code, said.count("\n")), (1, 1), said)

    def test_a_chain(self):
        with Server(answer()) as server, tempfile.TemporaryFile() as log:
            (self.root / "conf").write_text(f'''
                shutdown: {{ deadline = "10s"; platform_grace = "60s"; chain = (
                    {{ name = "close"; http: {{ url = "{server.url}/close"; method = "POST"; }}; required = true; }},
                    {{ name = "stop"; stop: {{ timeout = "2s"; }}; }},
                    {{ name = "after"; exec = [ "/idle", "0", "now" ]; reserve = "1s"; required = true; }} ); }};''')
            process = subprocess.Popen(self.words("--config", "/conf", "--", "/idle", "0"), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       env={})
            self.addCleanup(process.wait)
            self.addCleanup(kill_tree, process.pid)

            def said():
                return os.pread(log.fileno(), 100000, 0).decode()
            until(lambda: "idle\n" in said() or process.poll() is not None, "the app runs")
            first = children(process.pid)[0]
            os.kill(first, 15)
            self.assertEqual(process.wait(15), 0, said())
            self.assertEqual([r.target for r in server.requests], ["/close"])
            for text in ("close: ok", "stop: ok", "after: ok", "exit code 0"):
                self.assertIn(text, said())
