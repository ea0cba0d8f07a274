"""Tests of signed requests: a supervisor, its signers and the paper exchanges."""
import json
from pathlib import Path

from harness import APP, Supervised

from httpd import ask
from paper import PaperTest
from venue_signing import KEY, PASSPHRASE, SECRET
from venues import VENUES

STOP = '{ name = "stop"; stop: { timeout = "5s"; }; }'
QUOTES = str.maketrans({'"': '\\"', "\\": "\\\\"})


class SignersTest(PaperTest):
    def setUp(self):
        super().setUp()
        _, self.url = self.server("venues")

    def ask(self, path, body=None):
        return ask("POST" if body is not None else "GET", self.url + path, body).data

    def open(self):
        return self.ask("/summary")["open_orders"]

    def requests(self):
        return self.ask("/requests")

    def signer(self, scheme, text=None, **settings):
        """A group of signers, with its secrets in files."""
        values = {"key": KEY, "secret": SECRET, "passphrase": PASSPHRASE}
        for name, value in values.items():
            Path(self.path(name)).write_text(value + "\n", encoding="utf-8")
            values[name] = f'${{file:{self.path(name)}}}'
        settings = {**values, **settings}
        row = text if text else f'scheme = "{scheme}";'
        return "signers: { main: { %s %s }; };" % (row, " ".join(f'{name} = "{value}";' for name, value in settings.items()))

    def http(self, call, more=""):
        method, target, body = call
        body = f'body = "{body.translate(QUOTES)}"; ' if body else ""
        return f'http: {{ url = "{self.url}{target}"; method = "{method}"; {body}sign = "main"; {more} }};'

    def cancel(self, scheme, more="", name="cancel", timeout="8s"):
        return f'{{ name = "{name}"; timeout = "{timeout}"; required = true; {more} {self.http(VENUES[scheme].cancel)} }}'

    def look(self, scheme):
        request = self.http(VENUES[scheme].look, "json = ( { %s } );" % VENUES[scheme].flat)
        return f'{{ name = "flat"; timeout = "5s"; required = true; wait: {{ period = "50ms"; {request} }}; }}'

    def start(self, signer, *steps):
        chain = ", ".join((*steps, STOP))
        config = signer + 'shutdown: { deadline = "25s"; platform_grace = "60s"; chain = ( ' + chain + " ); };"
        s = Supervised("--", *APP, "code_on_term", "0", config=config)
        self.addCleanup(s.__exit__)
        s.app()
        return s

    def stop(self, signer, *steps, code=0):
        self.ask("/seed", {"orders": 3})
        s = self.start(signer, *steps)
        s.signal("TERM")
        self.assertEqual(s.wait(), code, s.log() + json.dumps(self.requests(), indent=1))
        return s
