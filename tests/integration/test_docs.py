"""What docs/*.md quotes is true: configurations pass --check, log lines are the program's, YAML can be read, links lead somewhere."""
import errno
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import yaml

from binaries import ROOT, tinysup

PAGES = [ROOT / "docs" / f"{name}.md" for name in ("install", "migrate", "troubleshooting")]
# what only the container can tell
OF_THE_CONTAINER = r"/run/secrets/|: not found in PATH|user not found in /etc/passwd|app\.directory: No such file"
# formats that are nearly all conversions, with the words that go into them
COMPOSED = (r"\S+ exited with code \d+ \((exit|crash)\): (restarting it|shutting down|cleaning up) within .+",
            r"\S+ is unhealthy: (restarting it|shutting down|cleaning up) within .+",
            r"tinysup: (\S+: unknown option|no command given); see --help",
            r"cannot listen on \S+: .+; retrying",
            r"cannot (make|open|read|write|lock|compact) /\S+: .+")
PREFIX = r"(?:\S+Z )?[\w-]+ (?:error|warn|info|debug): "


def blocks(page, word):
    return re.findall(rf"^```{word}\n(.*?)^```$", page.read_text(), re.M | re.S)


def messages():
    """What the sources print, each as a regular expression for the whole text; those that say next to nothing are left out."""
    found = set()
    for folder in ("init", "probes", "config", "hooks"):
        for path in (ROOT / folder).rglob("*.[ch]"):
            text = re.sub(r'"\s*PRI([a-zA-Z])\w*\s*"', r"\1", path.read_text())
            for literal in re.findall(r'"(?:[^"\\\n]|\\.)*"(?:\s*\\?\n?\s*"(?:[^"\\\n]|\\.)*")*', text):
                found.add("".join(re.findall(r'"((?:[^"\\\n]|\\.)*)"', literal)))
    patterns = []
    for text in found:
        parts = re.split(r"%[-+ #0]*(?:\*|\d+)?(?:\.(?:\*|\d+))?(?:hh|h|ll|l|z|j)?[a-zA-Z]", text.replace("\\n", "").replace("%%", "\0"))
        fixed = "".join(parts).replace("\0", "%").replace('\\"', '"')
        if len(re.sub(r"\W", "", fixed)) >= 6 and len(re.findall(r"[a-z]{2,}", fixed)) >= len(parts) - 2:
            patterns.append(".*".join(re.escape(part.replace("\0", "%").replace('\\"', '"')) for part in parts))
    return [*patterns, *COMPOSED]


class Docs(unittest.TestCase):
    @staticmethod
    def each(word):
        return [block for page in PAGES for block in blocks(page, word)]

    def test_configurations(self):
        count = 0
        for text in self.each("conf"):
            count += 1
            with tempfile.TemporaryDirectory(prefix="tinysup-test-") as folder:
                (Path(folder) / "conf").write_text(text)
                done = subprocess.run([tinysup(), "--config", f"{folder}/conf", "--check"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, text=True, timeout=30, check=False, env={"PATH": os.environ["PATH"]})
            self.assertEqual(done.returncode, 0, done.stderr)
            for line in done.stderr.splitlines():
                self.assertRegex(line, OF_THE_CONTAINER)
            if "chain" in text:
                self.assertIn("no step is cut", done.stdout)
        self.assertGreaterEqual(count, 7)

    def test_log_lines(self):
        errors = "|".join(re.escape(os.strerror(number)) for number in errno.errorcode)
        known, count, unknown = [re.compile(f"(?:{pattern})(?:: (?:{errors}))?") for pattern in messages()], 0, []
        for text in self.each("log"):
            for line in text.splitlines():
                count += 1
                said = re.sub(f"^(?:{PREFIX}|unhealthy: )", "", line)
                # with and without the name of a step, check or probe, or of a file, before it
                tries = [said]
                while re.match(r"\S+: ", tries[-1]):
                    tries.append(tries[-1].split(": ", 1)[1])
                if not any(pattern.fullmatch(text) for text in tries for pattern in known):
                    unknown.append(line)
        self.assertEqual(unknown, [])
        self.assertGreater(count, 25)

    def test_a_line_that_nothing_prints_is_found(self):
        known = [re.compile(pattern) for pattern in messages()]
        for line in ("cannot frobnicate the journal", "the app was stopped", "stopping python"):
            self.assertFalse([pattern.pattern for pattern in known if pattern.fullmatch(line)], line)
        self.assertTrue(any(pattern.fullmatch("ok after 3 ms") for pattern in known))

    def test_yaml(self):
        for text in self.each("yaml"):
            self.assertTrue(yaml.safe_load(text))

    def test_options(self):
        manual = (ROOT / "docs/tinysup.8").read_text().replace("\\-", "-")
        for page in PAGES:
            for option in re.findall(r"tinysup(?:\"?,? \"?[\w./=:-]+)*? \"?(--[a-z][a-z-]*)", page.read_text()):
                self.assertRegex(manual, rf"{option}(?![\w-])", page.name)

    def test_settings(self):
        manual = (ROOT / "docs/tinysup.conf.5").read_text().replace("\\-", "-")
        for page in PAGES:
            for setting in re.findall(r"`((?:app|shutdown|recovery|start|probes|heartbeats|log)\.[a-z_.]+)`", page.read_text()):
                self.assertRegex(manual, rf"{re.escape(setting)}(?!\w)", page.name)

    def test_exit_codes(self):
        """All that the manual has are in the table."""
        manual = (ROOT / "docs/tinysup.8").read_text().split(".SH EXIT STATUS")[1].split(".SH ")[0]
        table = (ROOT / "docs/troubleshooting.md").read_text().split("## The exit code")[1].split("###")[0]
        for line in re.findall(r"^\.BR? (\d.*)$", manual, re.M):
            for code in set(re.findall(r"\d+", line)) - {"0"}:
                self.assertRegex(table, rf"(?m)^\| [^|]*\b{code}\b")

    def test_links(self):
        for page in (*PAGES, ROOT / "README.md"):
            for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
                if "://" not in link:
                    self.assertTrue((page.parent / link).exists(), (page.name, link))
            slugs = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.*)$", page.read_text(), re.M)}
            for anchor in re.findall(r"\]\(#([^)]+)\)", page.read_text()):
                self.assertIn(anchor, slugs, page.name)
            if page in PAGES:
                self.assertIn(f"docs/{page.name}", (ROOT / "README.md").read_text())
