"""How each of the paper exchanges of venues.py verifies a request: from the vendors' words, with nothing but hashlib and hmac."""

import base64
import calendar
import hashlib
import hmac
import time
import urllib.parse
from dataclasses import dataclass

KEY = "tinysup-test-key"
SECRET = "dGlueXN1cC10ZXN0LXNlY3JldC0wMTIzNDU2Nzg5YWJjZGVm"
PASSPHRASE = "tinysup-pass"


class Refused(Exception):
    """A key of the venue's words."""


@dataclass
class Call:
    """A request to a venue, as one of them sees it."""

    method: str
    path: str
    query: str
    body: str
    headers: dict
    secret: str
    now: float
    seen: dict
    time: float | None = None
    nonce: int | None = None

    def header(self, name):
        found = [value for known, value in self.headers.items() if known.lower() == name.lower()]
        if len(found) != 1:
            raise Refused("key")
        return found[0]

    def has_key(self, value):
        if value != KEY:
            raise Refused("key")

    def has_passphrase(self, value):
        if value != PASSPHRASE:
            raise Refused("key")

    def signed(self, digest, message, signature, secret=None, text="hex"):
        message = message if isinstance(message, bytes) else message.encode()
        made = hmac.new(secret or self.secret.encode(), message, digest)
        good = made.hexdigest() if text == "hex" else base64.b64encode(made.digest()).decode()
        if not hmac.compare_digest(good, signature):
            raise Refused("sign")

    def timely(self, seconds, behind, ahead):
        self.time = float(seconds)
        if not self.now - behind <= self.time <= self.now + ahead:
            raise Refused("clock")

    def rises(self, nonce):
        self.nonce = int(nonce)
        if self.nonce <= self.seen.get("last", 0):
            raise Refused("nonce")
        self.seen["last"] = self.nonce

    def new(self, nonce):
        self.nonce = int(nonce)
        if nonce in self.seen:
            raise Refused("nonce")
        self.seen[nonce] = True

    @property
    def target(self):
        return self.path + ("?" + self.query if self.query else "")

    @property
    def plain_query(self):
        return urllib.parse.unquote(self.query)


# --- each of them


def in_query(call):
    """What comes before &signature=, which is the last."""
    signed, found, signature = call.query.rpartition("&signature=")
    if not found or call.body:
        raise Refused("sign")
    return signed, signature, dict(urllib.parse.parse_qsl(signed))


def binance(call):
    call.has_key(call.header("X-MBX-APIKEY"))
    signed, signature, given = in_query(call)
    call.signed("sha256", signed, signature)
    call.timely(int(given["timestamp"]) / 1000, int(given.get("recvWindow", 5000)) / 1000, 1)


def bingx(call):
    call.has_key(call.header("X-BX-APIKEY"))
    signed, signature, given = in_query(call)
    call.signed("sha256", urllib.parse.unquote(signed), signature)
    call.timely(int(given["timestamp"]) / 1000, 5, 5)


def bybit(call):
    call.has_key(call.header("X-BAPI-API-KEY"))
    if call.method == "GET" and call.body:
        raise Refused("sign")
    when, window = call.header("X-BAPI-TIMESTAMP"), call.header("X-BAPI-RECV-WINDOW")
    payload = call.query if call.method == "GET" else call.body
    call.signed("sha256", when + KEY + window + payload, call.header("X-BAPI-SIGN"))
    call.timely(int(when) / 1000, int(window) / 1000, 1)


def okx(call):
    call.has_key(call.header("OK-ACCESS-KEY"))
    call.has_passphrase(call.header("OK-ACCESS-PASSPHRASE"))
    when = call.header("OK-ACCESS-TIMESTAMP")
    if call.body and call.header("Content-Type") != "application/json":
        raise Refused("sign")
    call.signed("sha256", when + call.method + call.target + call.body, call.header("OK-ACCESS-SIGN"), text="base64")
    call.timely(iso_seconds(when), 30, 30)


def iso_seconds(text):
    whole, _, rest = text.partition(".")
    if len(rest) != 4 or rest[-1] != "Z":
        raise Refused("clock")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + int(rest[:3]) / 1000


def bitget(call):
    call.has_key(call.header("ACCESS-KEY"))
    call.has_passphrase(call.header("ACCESS-PASSPHRASE"))
    when = call.header("ACCESS-TIMESTAMP")
    plain = call.path + ("?" + call.plain_query if call.query else "")
    call.signed("sha256", when + call.method + plain + call.body, call.header("ACCESS-SIGN"), text="base64")
    call.timely(int(when) / 1000, 30, 30)


def delta(call):
    call.has_key(call.header("api-key"))
    if not call.header("User-Agent"):
        raise Refused("key")
    when = call.header("timestamp")
    call.signed("sha256", call.method + when + call.target + call.body, call.header("signature"))
    call.timely(int(when), 6, 5)  # whole seconds, rounded down


def kraken(call):
    call.has_key(call.header("API-Key"))
    given = dict(urllib.parse.parse_qsl(call.body))
    if call.header("Content-Type") != "application/x-www-form-urlencoded" or "nonce" not in given:
        raise Refused("sign")
    inner = hashlib.sha256((given["nonce"] + call.body).encode()).digest()
    call.signed("sha512", call.path.encode() + inner, call.header("API-Sign"), base64.b64decode(call.secret), "base64")
    call.rises(given["nonce"])


def krakenfutures(call):
    call.has_key(call.header("APIKey"))
    given = {name.lower(): value for name, value in call.headers.items()}
    nonce = given.get("nonce", "")
    inner = hashlib.sha256((call.query + call.body + nonce + call.path.removeprefix("/derivatives")).encode()).digest()
    call.signed("sha512", inner, call.header("Authent"), base64.b64decode(call.secret), "base64")
    if nonce:
        call.rises(nonce)


def gate(call):
    call.has_key(call.header("KEY"))
    when = call.header("Timestamp")
    lines = [call.method, call.path, call.plain_query, hashlib.sha512(call.body.encode()).hexdigest(), when]
    call.signed("sha512", "\n".join(lines), call.header("SIGN"))
    call.timely(int(when), 60, 60)


def kucoin(call):
    call.has_key(call.header("KC-API-KEY"))
    if call.header("KC-API-KEY-VERSION") != "2":
        raise Refused("key")
    when = call.header("KC-API-TIMESTAMP")
    call.signed("sha256", PASSPHRASE, call.header("KC-API-PASSPHRASE"), text="base64")
    call.signed("sha256", when + call.method + call.target + call.body, call.header("KC-API-SIGN"), text="base64")
    call.timely(int(when) / 1000, 5, 5)


def deribit(call):
    kind, _, rest = call.header("Authorization").partition(" ")
    given = dict(part.split("=", 1) for part in rest.split(","))
    if kind != "deri-hmac-sha256":
        raise Refused("key")
    call.has_key(given["id"])
    lines = [given["ts"], given["nonce"], call.method, call.target, call.body, ""]
    call.signed("sha256", "\n".join(lines), given["sig"])
    call.timely(int(given["ts"]) / 1000, 5, 5)
    call.new(given["nonce"])
