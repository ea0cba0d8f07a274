"""The release for AArch64, cross-built, under qemu's user emulation: what it is and that it does the main job, process 1's included.

The system calls are this machine's, and so are the programs that it starts: an execve() in the emulation goes to the kernel. What
qemu does otherwise, and so cannot show: a vfork() is a fork(), and there is a thread of qemu's own in each process.
"""
import os
import re
import ssl
import subprocess
import tempfile
import unittest
from pathlib import Path

import images
import test_static
from binaries import ROOT

from harness import children, kill_tree, until
from rig import Server, answer
from test_static import read
from test_tls import make_ca, make_certificate, openssl

QEMU = "qemu-aarch64-static"


def setUpModule():
    global ARM64
    ARM64 = images.arm64_binary()


def once(*words, **options):
    done = subprocess.run([QEMU, ARM64, *map(str, words)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=60, check=False, **options)
    return done.returncode, done.stdout


class File(unittest.TestCase):
    def test_it_is_hardened_as_that_of_this_machine(self):
        test_static.hardened_release(self, ARM64)
        header = read("readelf", "-hW", ARM64)
        self.assertRegex(header, r"Machine: +AArch64\n")
        self.assertRegex(header, r"Type: +EXEC ")

    def test_nothing_runs_before_main(self):
        """One constructor, the compiler's own: OpenSSL's would look at the processor, GCC's choose its atomics."""
        size, = re.findall(r" \.init_array +INIT_ARRAY +\w+ \w+ (\w+)", read("readelf", "-SW", ARM64))
        self.assertEqual(int(size, 16), 8)

    def test_openssl_asks_the_kernel_what_the_processor_can_do(self):
        symbols = read("aarch64-linux-gnu-nm", ROOT / "build-static-aarch64/deps/lib/libcrypto.a")
        armcap, = re.findall(r"^\S*armcap\.o:\n((?:.+\n)+)", symbols, re.M)
        self.assertIn(" U getauxval\n", armcap)
        self.assertNotRegex(armcap, r" U _armv\d_(neon|aes|sha\d+|pmull)_probe")


class Reproducible(test_static.Reproducible):
    made, cross = "build-static-aarch64", "aarch64-linux-gnu-"
    under = (QEMU,)

    @staticmethod
    def binary():
        return ARM64


class Modes(unittest.TestCase):
    def test_version(self):
        self.assertEqual(once("--version"), (0, read(images.static_binary(), "--version")))

    def test_check(self):
        for config in sorted((ROOT / "examples").glob("*/tinysup.conf")):
            with self.subTest(config):
                code, said = once("--config", config, "--check")
                self.assertEqual(code, 0, said)
                self.assertIn("worst case:", said)
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write('shutdown: { deadline = "10 parsecs"; };')
            file.flush()
            self.assertEqual(once("--config", file.name, "--check")[0], 78)

    def test_a_request(self):
        with Server(answer("b\xe4r")) as server:
            code, said = once("--request", "--timeout", "30s", server.url + "/a")
            self.assertEqual((code, said.strip()), (0, "b\xe4r"))
        self.assertEqual(once("--request", "--timeout", "30s", server.url)[0], 1)


class Process1(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="tinysup-e2e-")
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.folder = Path(cls.temporary.name)
        make_ca(cls.folder, "ca")
        make_certificate(cls.folder, "ca", "ec", "IP:127.0.0.1")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-x509", "-days", 2, "-subj", "/CN=rsa", "-addext", "subjectAltName=IP:127.0.0.1",
                "-keyout", cls.folder / "rsa.key", "-out", cls.folder / "rsa.pem")

    def start(self, config, *app, env=None):
        log = tempfile.TemporaryFile()
        self.addCleanup(log.close)
        (self.folder / "conf").write_text(config)
        process = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", QEMU, ARM64, "--config", self.folder / "conf",
                                    "--", *app], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **(env or {})})
        self.addCleanup(process.wait)
        self.addCleanup(kill_tree, process.pid)
        self.said = lambda: os.pread(log.fileno(), 100000, 0).decode()
        until(lambda: "idle\n" in self.said() or process.poll() is not None, "the app runs")
        return process

    def stop(self, process):
        os.kill(children(process.pid)[0], 15)
        return process.wait(30)

    def asks(self, process, *words):
        """What a process of the same namespace is told: it finds the page below /proc."""
        done = subprocess.run(["nsenter", "-t", str(children(process.pid)[0]), "-p", "-m", QEMU, ARM64, *words], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
        return done.returncode, done.stdout

    def tls(self, name, highest, ciphers=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        context.maximum_version = highest
        if ciphers:
            context.set_ciphers(ciphers)
        return context

    def test_a_chain(self):
        with Server(answer()) as plain, Server(answer(), tls=self.tls("ec", ssl.TLSVersion.TLSv1_3)) as encrypted:
            process = self.start(f'''
                checks = ( {{ name = "up"; http: {{ url = "{plain.url}/health"; }}; }} );
                probes: {{ liveness: {{ checks = ( "up" ); period = "1s"; timeout = "30s"; }}; }};
                shutdown: {{ deadline = "60s"; platform_grace = "90s"; chain = (
                    {{ name = "before"; exec = [ "sh", "-c", "echo in the chain" ]; }},
                    {{ name = "close"; http: {{ url = "{plain.url}/close"; method = "POST"; }}; required = true; }},
                    {{ name = "cancel"; http: {{ url = "{encrypted.url}/cancel"; tls: {{ ca = "{self.folder}/ca.pem"; }}; }}; required = true; }},
                    {{ name = "stop"; stop: {{ timeout = "10s"; }}; }},
                    {{ name = "after"; exec = [ "true" ]; reserve = "1s"; required = true; }} ); }};''', images.idle_binary(), "0")
            until(lambda: self.asks(process, "--probe")[0] == 0, "it is healthy")
            self.assertRegex(self.asks(process, "--status")[1], r"liveness +healthy")
            self.assertEqual(self.stop(process), 0, self.said())
        self.assertEqual([r.target for r in plain.requests if r.target != "/health"], ["/close"])
        self.assertEqual([r.target for r in encrypted.requests], ["/cancel"])
        at = [self.said().index(text) for text in ("before: in the chain", "before: ok", "close: ok", "cancel: ok", "stop: ok", "after: ok", "exit code 0")]
        self.assertEqual(at, sorted(at))

    def test_exit_codes(self):
        self.assertEqual(self.start("", images.idle_binary(), "7", "now").wait(30), 7)
        self.assertEqual(self.start("", "/nothing").wait(30), 127)
        process = self.start('''shutdown: { deadline = "60s"; platform_grace = "90s"; chain = (
            { name = "stop"; stop: {}; }, { name = "save"; exec = [ "false" ]; required = true; } ); };''', images.idle_binary(), "0")
        self.assertEqual(self.stop(process), 75, self.said())

    def test_the_deadline(self):
        process = self.start('''shutdown: { deadline = "3s"; platform_grace = "60s"; chain = (
            { name = "hang"; exec = [ "sleep", "1000" ]; }, { name = "stop"; stop: { timeout = "1s"; }; } ); };''',
                             "sh", "-c", "trap '' TERM; echo idle; while :; do sleep 1000; done")
        self.assertEqual(self.stop(process), 137, self.said())
        self.assertLessEqual(float(re.search(r"exit code 137, ([\d.]+) s after", self.said())[1]), 3, self.said())

    def test_tls_with_and_without_the_processors_own_instructions(self):
        """OpenSSL's assembler code for AES, GCM, ChaCha20, Poly1305, SHA-2, P-256, X25519 and RSA: what the kernel says the processor
        can do, which is all under qemu, and what every ARMv8 can. The exchange would fail at the first wrong byte."""
        tls12, tls13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
        servers = [("ec", "ca", tls13, None), ("ec", "ca", tls12, "ECDHE-ECDSA-AES128-GCM-SHA256"), ("ec", "ca", tls12, "ECDHE-ECDSA-CHACHA20-POLY1305"),
                   ("rsa", "rsa", tls13, None), ("rsa", "rsa", tls12, "ECDHE-RSA-AES256-GCM-SHA384"), ("rsa", "ca", tls13, None)]
        for name, ca, highest, ciphers in servers:
            with self.subTest(name, ca=ca, ciphers=ciphers), Server(answer("y" * 100000), tls=self.tls(name, highest, ciphers)) as server:
                for env in ({}, {"OPENSSL_armcap": "0"}):
                    code, said = once("--request", "--timeout", "30s", server.url, env={**os.environ, **env, "SSL_CERT_FILE": f"{self.folder}/{ca}.pem"})
                    self.assertEqual((code, "y" * 100000 in said), (0, True) if ca != "ca" or name == "ec" else (1, False), said[:300])
