"""GET / of the listener: what it is made of, and what cannot get into it."""

import os
import pathlib
import re
import time

from binaries import is_sanitized
from listener import HTTP, OK, PENDING, RUNNING, TCP, Case
from people_page import Page, words

BINARIES = ("plain", "sanitized")
NASTY = """<script>alert('1')</script>&"<b>"""


class People(Case):
    def page(self, status=200):
        answer = self.get("/")
        self.assertEqual((answer.status, answer.type), (status, "text/html; charset=utf-8"))
        self.policy = dict(rule.split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split("; "))
        page = Page(answer.text)
        self.assertEqual(page.errors, [])
        return page

    def test_it_is_alone_in_the_world(self):
        answer = self.get("/")
        self.assertEqual(answer.headers["Referrer-Policy"], "no-referrer")
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
        page = self.page()
        self.assertEqual(self.policy, {
            # if the style or the script was changed, these are the hashes for init/readers/people_look.c
            "style-src": page.hash_of("style"), "script-src": page.hash_of("script"),
            "default-src": "'none'", "connect-src": "'self'", "img-src": "data:", "base-uri": "'none'", "form-action": "'none'",
            "frame-ancestors": "'none'"})
        self.assertEqual(page.root.get("lang"), "en")
        self.assertIsNone(re.search(r"https?://(?!www\.w3\.org/2000/svg)|url\(|@import", page.text))

    def test_verdicts_first(self):
        self.tell("verdict readiness unhealthy -1 api: timeout after 900 ms", f"check api {HTTP} hard fail 900 10 60000 timeout after 900 ms",
                  f"check cache {TCP} soft fail 80 10 60000 connect: refused")
        page = self.page()
        self.assertEqual([page.verdict(kind) for kind in ("liveness", "readiness", "startup")], ["healthy", "unhealthy", "healthy"])
        self.assertEqual(page.said("state"), "Not ready")
        self.assertIn("api: timeout after 900 ms", page.said("readiness"))
        self.assertRegex(page.said("wrong"), r"What is wrong check api fails, for .*: timeout after 900 ms soft check cache fails, for .*: connect: refused$")
        self.tell("verdict readiness healthy -1", f"check api {HTTP} hard ok 3200 10 60000")
        self.assertEqual(self.page().said("state"), "Healthy, with a warning")
        self.tell(f"check cache {TCP} soft ok 3200 10 60000")
        page = self.page()
        self.assertEqual((page.said("state"), page.said("wrong")), ("Healthy", ""))
        self.tell("verdict liveness healthy 0")
        self.until(lambda: self.page().said("state") == "Not live", "stale")
        self.assertIn("the published status expired", self.page().said("liveness"))

    def test_what_others_have_written(self):
        self.tell(f"name {NASTY}", f"app 7 3 {NASTY}", f"check <b>&\"' {HTTP} hard fail 3200 500 60000 {NASTY}",
                  f"verdict liveness unhealthy -1 {NASTY}", f"step <i>&\" {RUNNING}", "chain running 0 SIGTERM 5000")
        page = self.page()
        self.assertEqual(len(list(page.root.iter("script"))), 1)
        self.assertEqual(list(page.root.iter("i")), [])
        for name in ("liveness", "app", "wrong"):
            self.assertIn(NASTY, page.said(name))
        self.assertIn(NASTY, words(next(page.root.iter("title"))))
        self.assertEqual(page.table("checks")[1][0], "<b>&\"' http")
        self.assertEqual(page.table("chain")[1][0], '<i>&"')

    def test_the_plots(self):
        self.tell(f"check api {HTTP} hard ok 3200 500 60000")
        self.page()   # from here on
        self.tell(f"check slow {HTTP} hard fail 3000000 500 60000")
        page = self.page()
        self.assertEqual([row[0] for row in page.table("checks")], ["Check", "api http", "slow http"])
        titles = [words(title) for title in page.id("checks").iter("title")]
        self.assertEqual([re.sub("last .*?:", "last:", title) for title in titles],
                         ["api, the last: no result", "slow, the last: no result"])   # two checks are not one check: anew

    def test_a_chain_that_runs(self):
        self.tell(f"step pause {OK}", f"step flat {RUNNING}", f"step tell {PENDING}", "phase 1",
                  "verdict readiness unhealthy -1 stopping", "chain running 1 SIGTERM 12340")
        page = self.page()
        self.assertEqual(page.said("state"), "Stopping")
        self.assertRegex(page.said("left"), r"^1[12]\.\d s$")
        self.assertIn("at step flat (2 of 3)", page.text.replace("<b>", "").replace("</b>", ""))
        self.assertRegex(page.said("chain"), "^Running now: stop by SIGTERM, for 1")
        rows = page.table("chain")
        self.assertEqual([row[0] for row in rows], ["Step", "pause", "flat", "tell"])
        self.assertEqual([re.sub(r" [\d.]+ m?s", "", row[1]) for row in rows], ["Result", "ok", "running", "pending"])
        self.assertEqual(page.id("tinysup").get("data-every"), "500")
        self.tell("chain over 3 SIGTERM 12340", "phase 0")
        page = self.page()
        self.assertIsNone(page.id("chain"))
        self.assertRegex(page.said("last"), "^Last chain stop by SIGTERM, 2023-11-14 22:13:21, took 1")

    def test_methods(self):
        head, answer = self.get("/", method="HEAD"), self.get("/")
        self.assertEqual((head.status, head.text, head.type), (200, "", answer.type))
        self.assertEqual(head.headers["Content-Security-Policy"], answer.headers["Content-Security-Policy"])
        self.assertGreater(int(head.headers["Content-Length"]), 5000)
        for method in ("POST", "PUT", "DELETE"):
            refused = self.get("/", method=method)
            self.assertEqual((refused.status, refused.headers["Allow"]), (405, "GET, HEAD"))
        self.assertIn("try / /livez ", self.get("/favicon.ico").text)
        for path in ("/index.html", "//", "/.", "/%2f"):
            self.assertEqual(self.get(path).status, 404, path)
        self.assertEqual(self.get("/?x=<b>").status, 200)
        for path in ("/livez", "/status", "/metrics"):
            self.assertIsNone(self.get(path).headers["Content-Security-Policy"])

    def test_a_page_that_cannot_be_read(self):
        self.tell("torn")
        page = self.page(status=503)
        self.assertEqual(page.said("state"), "No status")
        self.assertIn("Cannot read the published status", page.text)
        self.tell("whole")
        self.assertEqual(self.page().said("state"), "Healthy")

    def test_as_much_as_there_can_be(self):
        for i in range(64):
            self.tell(f"check {'x' * 60}{i} {HTTP} hard ok 3200 500 60000", f"step {'y' * 60}{i} {RUNNING}")
        self.tell("chain running 1 SIGTERM 12340")
        page = self.page()
        self.assertEqual((len(page.table("checks")), len(page.table("chain"))), (65, 65))
        self.page()
        before = self.resident()
        for _ in range(20):
            self.page()
        if not is_sanitized():   # whose freed memory stays for a while
            self.assertLess(self.resident(), before + 1024)


class Samples(Case):
    """The listener takes them by itself, at the end of each half minute, if there are checks."""

    def sleeps(self):
        """The time-out of its poll() in milliseconds; None: it does something else."""
        call = pathlib.Path(f"/proc/{self.pid}/syscall").read_text().split()
        if os.uname().machine != "x86_64" or call[0] != "7":
            return None
        timeout = int(call[3], 16) & 0xffffffff
        return -1 if timeout == 0xffffffff else timeout

    def test_without_checks_it_sleeps_for_ever(self):
        self.settled()
        if os.uname().machine == "x86_64":
            self.until(lambda: self.sleeps() == -1, "it sleeps")

    def test_with_checks_it_wakes_twice_a_minute(self):
        self.tell(f"check api {HTTP} hard ok 3200 500 60000")
        self.pid = int(self.ask_driver("again"))
        self.settled()
        if os.uname().machine == "x86_64":
            self.until(lambda: 0 < (self.sleeps() or 0) <= 30000, "it sleeps to the end of the half minute")

    def test_it_has_the_time_before_it_was_asked(self):
        self.tell(f"check api {HTTP} hard ok 3200 500 60000")
        self.pid = int(self.ask_driver("again"))
        self.settled()
        begun, taken = time.monotonic(), self.switches()
        self.until(lambda: self.switches() > taken, "its own sample", 40)
        waited = time.monotonic() - begun
        said = Page(self.get("/").text).said("checks")
        known, unit = re.search(r"Recorded for ([\d.]+) (m?s) so far", said).groups()
        self.assertGreaterEqual(float(known) / (1000 if unit == "ms" else 1), waited - 0.1, said)

    def switches(self):
        return int(re.search(r"\nvoluntary_ctxt_switches:\s+(\d+)", pathlib.Path(f"/proc/{self.pid}/status").read_text())[1])
