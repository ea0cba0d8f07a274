"""What `make dist` makes: for each architecture, sums, tarball, package, image and SBOM say the same, and hold the release."""
import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
import unittest
from pathlib import Path

import engine
import images
from binaries import ROOT
from engine import DockerCase

# --version prints other names than the source packages have
NAMES = {"libcurl": "curl", "OpenSSL": "openssl"}
# part of every static binary, and printed by no --version
UNPRINTED = {"musl", "libgcc"}
COMPLETIONS = ("tinysup.bash", "_tinysup", "tinysup.fish")


def setUpModule():
    global DIST, VERSION
    engine.start(bot=False)
    DIST = Path(tempfile.mkdtemp(prefix="tinysup-e2e-")) / "dist"
    unittest.addModuleCleanup(shutil.rmtree, DIST.parent)
    VERSION = re.search(r"^VERSION := (\S+)", (ROOT / "Makefile").read_text(), re.M)[1]
    with images.alone():
        images.run("make", "-s", "dist", f"DIST={DIST}", cwd=ROOT, seconds=900)
        images.run("make", "-s", "packages", f"DIST={DIST}-again", cwd=ROOT)
        images.run("make", "-s", "packages", "ARCH=aarch64", f"DIST={DIST}-one", cwd=ROOT)
        for release in RELEASES:
            release.bytes = (release.folder / "tinysup").read_bytes()


class Release:
    """Of one architecture: what it is called by the machine and by Debian, where it is made, and how it is run here."""

    def __init__(self, machine, debian, folder, under=(), suffix="", installed=UNPRINTED):
        self.machine, self.debian, self.folder, self.under, self.suffix = machine, debian, ROOT / folder, under, suffix
        self.installed = installed      # libraries that are not built from a pinned source
        self.bytes = b""

    def tarball(self):
        return DIST / f"tinysup-{VERSION}-linux-{self.machine}.tar.gz"

    def package(self):
        return DIST / f"tinysup_{VERSION}_{self.debian}.deb"

    def image(self):
        return DIST / f"tinysup-{VERSION}-image{self.suffix}.tar.gz"

    def sbom(self):
        return DIST / f"tinysup-{VERSION}{self.suffix}.spdx.json"

    def files(self):
        return {path.name for path in (self.tarball(), self.package(), self.image(), self.sbom())}

    def tag(self):
        return f"tinysup:{VERSION}{self.suffix}"


QEMU = shutil.which("qemu-aarch64-static")
AMD64 = Release("x86_64", "amd64", "build-static")
ARM64 = Release("aarch64", "arm64", "build-static-aarch64", (QEMU,), "-arm64", {"libgcc"})
RELEASES = (AMD64, ARM64)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Files(unittest.TestCase):
    def test_sums(self):
        done = subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=DIST, stdout=subprocess.PIPE, text=True, check=True)
        named = {line.split(":")[0] for line in done.stdout.splitlines()}
        self.assertEqual(named, {p.name for p in DIST.iterdir() if p.is_file()} - {"SHA256SUMS"})
        self.assertEqual(named, AMD64.files() | ARM64.files())

    def test_made_again_they_are_the_same(self):
        sums = (DIST / "SHA256SUMS").read_text()
        self.assertEqual(sums, (DIST.parent / "dist-again/SHA256SUMS").read_text())
        one = (DIST.parent / "dist-one/SHA256SUMS").read_text().splitlines()
        self.assertEqual({line.split("  ")[1] for line in one}, ARM64.files())
        self.assertLessEqual(set(one), set(sums.splitlines()))

    def test_tarball(self):
        for release in RELEASES:
            with self.subTest(release.machine), tarfile.open(release.tarball()) as tar:
                folder = tar.getnames()[0]
                self.assertEqual(folder, release.tarball().name.removesuffix(".tar.gz"))
                self.assertEqual(tar.extractfile(f"{folder}/tinysup").read(), release.bytes)
                for name in COMPLETIONS:
                    self.assertEqual(tar.extractfile(f"{folder}/completions/{name}").read(), (ROOT / "docs/completions" / name).read_bytes())
                licences = [name for name in tar.getnames() if Path(name).parent.name == "licenses"]
                self.assertEqual(len(licences), len(json.loads(release.sbom().read_text())["packages"]) - 1, licences)

    def test_package(self):
        for release in RELEASES:
            with self.subTest(release.machine):
                self.assertEqual(images.run("dpkg-deb", "-f", release.package(), "Architecture").strip(), release.debian)
                root = DIST.parent / f"deb-{release.debian}"
                images.run("dpkg-deb", "-x", release.package(), root)
                self.assertEqual((root / "sbin/tinysup").read_bytes(), release.bytes)
                for path, name in zip(("bash-completion/completions/tinysup", "zsh/vendor-completions/_tinysup",
                                       "fish/vendor_completions.d/tinysup.fish"), COMPLETIONS):
                    self.assertEqual((root / "usr/share" / path).read_bytes(), (ROOT / "docs/completions" / name).read_bytes())


class Sbom(unittest.TestCase):
    release = AMD64

    def setUp(self):
        self.document = json.loads(self.release.sbom().read_text())
        self.packages = {package["name"]: package for package in self.document["packages"]}
        self.libraries = {name: package for name, package in self.packages.items() if name != "tinysup"}

    def test_what_spdx_requires(self):
        document = self.document
        self.assertEqual((document["spdxVersion"], document["dataLicense"], document["SPDXID"]), ("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT"))
        self.assertEqual(document["name"], f"tinysup-{VERSION}")
        self.assertRegex(document["documentNamespace"], r"^https://[^#\s]+$")
        self.assertRegex(document["creationInfo"]["created"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        for creator in document["creationInfo"]["creators"]:
            self.assertRegex(creator, "^(Tool|Organization): .")
        ids = [package["SPDXID"] for package in document["packages"]]
        self.assertEqual(len(ids), len(set(ids)))
        for package in document["packages"]:
            self.assertRegex(package["SPDXID"], r"^SPDXRef-[A-Za-z0-9.-]+$")
            self.assertRegex(package["downloadLocation"], r"^(NOASSERTION|https://\S+)$")
            self.assertIs(package["filesAnalyzed"], False)
            self.assertNotEqual(package["licenseDeclared"], "NOASSERTION")
            for checksum in package.get("checksums", []):
                self.assertRegex(checksum["checksumValue"], "^[0-9a-f]{64}$")
        relations = {(r["spdxElementId"], r["relationshipType"], r["relatedSpdxElement"]) for r in document["relationships"]}
        self.assertEqual(relations, {("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-tinysup")} |
                         {("SPDXRef-tinysup", "STATIC_LINK", package["SPDXID"]) for package in self.libraries.values()})

    def test_it_is_of_this_binary(self):
        self.assertEqual(self.packages["tinysup"]["versionInfo"], VERSION)
        self.assertEqual(self.packages["tinysup"]["checksums"][0]["checksumValue"], sha256(self.release.bytes))

    def test_libraries_are_those_that_version_prints(self):
        said = subprocess.run([*self.release.under, self.release.folder / "tinysup", "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
        printed = {NAMES.get(name, name): version for line in said.splitlines()[2:] for name, version in re.findall(r"([\w-]+)[/ ](\d[\w.]*)", line)}
        self.assertEqual(set(self.libraries), set(printed) | UNPRINTED)
        for name, version in printed.items():
            with self.subTest(name):
                # libconfig 1.5 calls itself 1.5.0
                self.assertIn(self.libraries[name]["versionInfo"].split("-")[0], (version, version.removesuffix(".0")))

    def test_sources_are_those_that_are_pinned(self):
        manifest = (self.release.folder / "deps/MANIFEST").read_text()
        self.assertTrue(manifest.startswith("sources: as locked\n"))
        for name in set(self.libraries) - self.release.installed:
            with self.subTest(name):
                package = self.libraries[name]
                file = package["packageFileName"]
                self.assertIn(f"{name} {package['versionInfo']} {file} {package['checksums'][0]['checksumValue']}\n", manifest)
                self.assertTrue(package["downloadLocation"].endswith(f"/{name}/{file}"))
                for patch, digest in re.findall(rf"^patch ({name}-\S+) (\w+)$", manifest, re.M):
                    self.assertIn(f"{patch} (SHA-256 {digest})", package["sourceInfo"])
        for name in self.release.installed:
            self.assertRegex(manifest, rf"(?m)^tool \S+ {re.escape(self.libraries[name]['versionInfo'])}$")

    def test_licences_are_those_of_the_licence_file(self):
        words = {"curl": "curl licence", "Apache-2.0": "Apache License 2.0", "MIT": "MIT", "LGPL-2.1-or-later": "LGPL 2.1 or later"}
        text = (ROOT / "LICENSE").read_text()
        for name, package in self.libraries.items():
            if name != "libgcc":
                self.assertRegex(text, rf"(?mi)^  {name} +{words[package['licenseDeclared']]}")


class SbomArm64(Sbom):
    release = ARM64


class Image(DockerCase):
    def holds(self, release, *words, options=()):
        said = engine.the_engine.docker("load", "--input", str(release.image())).stdout
        self.assertIn(f"Loaded image: {release.tag()}\n", said)
        said = engine.the_engine.docker("image", "inspect", "--format", "{{.Os}}/{{.Architecture}}", release.tag()).stdout
        self.assertEqual(said.strip(), f"linux/{release.debian}")
        code, said = self.once(*words, "--version", image=release.tag(), options=("--platform", f"linux/{release.debian}", *options))
        self.assertEqual((code, said.splitlines()[0]), (0, f"tinysup version {VERSION}"))
        with tarfile.open(release.image()) as tar, tarfile.open(fileobj=tar.extractfile("layer.tar")) as layer:
            self.assertEqual(layer.extractfile("sbin/tinysup").read(), release.bytes)

    def test_it_loads_and_holds_the_release(self):
        self.holds(AMD64)

    def test_that_of_arm64(self):
        self.holds(ARM64, "/sbin/tinysup", options=("--volume", f"{QEMU}:/qemu:ro", "--entrypoint", "/qemu"))
