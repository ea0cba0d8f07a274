"""The listener's page for people in a browser: it keeps itself up to date, can be read by all, and breaks no rule of its own."""
import os
import shutil
import tempfile
import unittest
from pathlib import Path

from browser import Browser
from harness import until
from people_page import Page
from people_rig import CHAIN, PROBES, Listening

# every text that is shown, with its contrast against what it stands on (WCAG 2.1, 1.4.3)
CONTRASTS = """
function channel(v){v/=255;return v<=0.03928?v/12.92:Math.pow((v+0.055)/1.055,2.4)}
function light(c){return 0.2126*channel(c[0])+0.7152*channel(c[1])+0.0722*channel(c[2])}
function parse(text){return text.match(/[\\d.]+/g).map(Number)}
function ground(e){for(;e;e=e.parentElement){var c=parse(getComputedStyle(e).backgroundColor);if(c.length<4||c[3]>0)return c}return [255,255,255]}
var walk=document.createTreeWalker(document.body,NodeFilter.SHOW_TEXT),all=[];
while(walk.nextNode()){var e=walk.currentNode.parentElement;
 if(!walk.currentNode.data.trim()||!e.getClientRects().length||e.closest('svg,script,.unseen'))continue;
 var a=light(parse(getComputedStyle(e).color)),b=light(ground(e));
 all.push([walk.currentNode.data.trim(),(Math.max(a,b)+0.05)/(Math.min(a,b)+0.05)])}
return all"""


def setUpModule():
    global browser, shots
    browser = Browser()
    unittest.addModuleCleanup(browser.close)
    shots = Path(os.environ.get("PEOPLE_SHOTS") or tempfile.mkdtemp(prefix="tinysup-shots-"))
    if not os.environ.get("PEOPLE_SHOTS"):
        unittest.addModuleCleanup(shutil.rmtree, shots, True)


class InABrowser(Listening):
    def open(self, config, *app, **options):
        s = self.listening(config, *app, files=("up",), **options)
        self.until_said("state", "Healthy")
        browser.show()
        browser.web.get(f"http://127.0.0.1:{self.port}/")
        browser.complaints()   # of the test before
        browser.run("window.loadedOnce = true")
        return s

    def text(self, name):
        return browser.run("var e=document.getElementById(arguments[0]);return e?e.innerText.replace(/\\s+/g,' ').trim():''", name)

    def until_shown(self, name, text):
        return until(lambda: text in (t := self.text(name)) and t, f"{name} shows {text!r}, not {self.text(name)!r}")

    def shoot(self, name):
        """It is not blank: letters, two grounds, and the colours of what it says."""
        width, height = browser.run("return [innerWidth, document.documentElement.scrollHeight]")
        found = browser.picture(shots / f"{name}.png", width, height)
        self.assertGreater(len(found), 20, name)
        self.assertGreater((shots / f"{name}.png").stat().st_size, 8000)
        self.assertLess(max(found.values()), 0.97 * sum(found.values()), name)
        return found

    def in_order(self, width=1000):
        """As it is now: everything can be read, fits the width, and nothing is refused or fails."""
        for text, contrast in browser.run(CONTRASTS):
            self.assertGreaterEqual(contrast, 4.5, text)
        # a phone's own innerWidth grows with what does not fit
        self.assertLessEqual(browser.run("return document.documentElement.scrollWidth"), width)
        self.assertEqual(Page(browser.run("return '<!DOCTYPE html>' + document.documentElement.outerHTML.replace(/<script>[^]*<\\/script>/, '')")
                              .replace('<p id="lost" role="alert" hidden="">', '<p id="lost" role="alert">')).errors, [])
        self.assertEqual(browser.complaints(), [])
        self.assertTrue(browser.run("return window.loadedOnce"), "it was loaded anew")

    def everywhere(self, name):
        """By day, by night, and on a phone."""
        grounds = []
        for scheme, width in (("light", 1000), ("dark", 1000), ("light", 360), ("dark", 360)):
            browser.show(scheme, width)
            self.in_order(width)
            self.shoot(f"{name}-{scheme}-{width}")
            grounds.append(browser.run("return getComputedStyle(document.body).backgroundColor + getComputedStyle(document.body).color"))
        self.assertEqual((len(set(grounds)), grounds[0]), (2, grounds[2]))
        browser.show()

    def test_an_app_that_hangs(self):
        s = self.open(PROBES + CHAIN)
        self.assertEqual(self.text("state"), "Healthy")
        self.assertIn("healthy", self.text("readiness"))
        self.everywhere("healthy")
        s.remove("up")
        self.until_shown("state", "Not ready")
        self.assertIn("unhealthy", self.text("readiness"))
        self.assertNotIn("unhealthy", self.text("liveness"))
        self.assertIn("file: missing", self.text("wrong"))
        self.assertEqual(browser.run("return document.getElementById('say').textContent"), "Not ready")   # what screen readers say
        self.assertIn("Not ready", browser.web.title)
        self.everywhere("hangs")
        s.touch("up")
        self.until_shown("state", "Healthy")
        self.in_order()

    def test_an_app_that_restarts(self):
        s = self.open(PROBES + 'app: { restart: { policy = "on-failure"; backoff = "4s"; }; }; ', "ends_once", "crash", "3")
        s.touch("crash")
        self.until_shown("state", "Restarting")
        self.assertIn("ended with code 3: restarting in", self.text("wrong"))
        self.assertIn("unhealthy", self.text("liveness"))
        self.in_order()
        self.shoot("restarts")
        self.until_shown("state", "Healthy")
        self.assertIn("code 3", self.text("app"))
        self.in_order()

    def test_a_stop(self):
        s = self.open(PROBES + CHAIN)
        s.signal("TERM")
        self.until_shown("chain", "running")
        self.assertEqual(self.text("state"), "Stopping")
        self.assertIn("unhealthy", self.text("readiness"))
        self.assertIn("close", self.text("chain"))
        left = float(self.text("left").split()[0])
        self.everywhere("stopping")
        until(lambda: float(self.text("left").split()[0]) < left - 0.5, "it counts down")
        wide = "return [...document.querySelectorAll('#chain rect.fill-strong')].map(r => Number(r.getAttribute('width')))"
        before = browser.run(wide)[0]
        until(lambda: browser.run(wide)[0] > before, "the running step is filled in")
        s.touch("go")
        self.assertEqual(s.wait(), 75)
        until(lambda: "has not answered since" in self.text("lost"), "it says that nobody answers")
        self.assertEqual(browser.web.title, "No answer")
        self.shoot("over")
        self.assertTrue(all("ERR_CONNECTION" in c or "ERR_EMPTY" in c for c in browser.complaints()))

    def test_a_listener_that_comes_back(self):
        self.open(PROBES)
        browser.devtools("Network.enable")
        browser.devtools("Network.setBlockedURLs", urls=["*"])
        self.addCleanup(browser.devtools, "Network.setBlockedURLs", urls=[])
        self.until_shown("lost", "has not answered since")
        self.assertIn("old", browser.run("return document.getElementById('tinysup').className"))
        for text, contrast in browser.run(CONTRASTS):
            self.assertGreaterEqual(contrast, 4.5, text)
        browser.devtools("Network.setBlockedURLs", urls=[])
        until(lambda: browser.run("return document.getElementById('lost').hidden"), "it is back")
        self.assertIn("Healthy", browser.web.title)
        browser.complaints()
        self.in_order()

    def test_without_scripts(self):
        browser.devtools("Emulation.setScriptExecutionDisabled", value=True)
        self.addCleanup(browser.devtools, "Emulation.setScriptExecutionDisabled", value=False)
        s = self.listening(PROBES + CHAIN, files=("up",))
        self.until_said("state", "Healthy")
        browser.complaints()
        browser.web.get(f"http://127.0.0.1:{self.port}/")
        shown = lambda: Page(browser.web.page_source)   # noqa: E731
        self.assertEqual(shown().said("state"), "Healthy")
        self.shoot("no-script")
        s.remove("up")
        until(lambda: shown().said("state") == "Not ready", "it was loaded anew by the browser")
        self.assertEqual(browser.complaints(), [])
