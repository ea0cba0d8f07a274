"""probes/http and answers that are made to break whoever reads them: framing, packed bodies, JSON, redirects, dying peers.

What is wrong in plainer ways is in test_http.py.
"""

import gzip
import time

from rig import SECRET, Server, answer, ask, by_path, drip, raw, redirect, reset, wait_for_hangup
from test_http import CHUNKED, Case

OK = b"HTTP/1.1 200 OK\r\n"
BOMB = gzip.compress(b"[" * 100_000_000)
LITTLE_MEMORY = ["prlimit", "--as=200000000"]
ENOUGH_SECONDS = 10


class Bad(Case):
    """Whatever comes: an outcome in time, with little memory, and no crash (the driver's exit code)."""

    def bounded(self, handler, *words, path="/", **options):
        begun = time.monotonic()
        with Server(handler, **options) as server:
            result = ask("http", server.url + path, "timeout=2000", *words, before=LITTLE_MEMORY)
            self.served = [request.target for request in server.requests if request]
            self.assertLess(time.monotonic() - begun, ENOUGH_SECONDS)
            return result


class Framing(Bad):
    def test_chunks(self):
        end = b"0\r\n\r\n"
        for wrong in (b"5\r\nhelloXX" + end, b"-5\r\nhello\r\n" + end, b" 5\r\nhello\r\n" + end, b"0x5\r\nhello\r\n" + end,
                      b"\r\n\r\n", b"x\r\n", b"7fffffffffffffff\r\nhello", b"10000000000000005\r\nhello\r\n" + end,
                      b"5\r\nhello\r\n", b"5\r\nhel", b"5", b"3\r\nhello\r\n" + end, b"9\r\nhello\r\n" + end):
            with self.subTest(wrong):
                self.expect(self.bounded(raw(CHUNKED + wrong)), "fail protocol", "protocol: ")
        for odd in (b"5;a=b\r\nhello\r\n" + end, b"05\r\nhello\r\n" + end, b"5\r\nhello\r\n0\r\nX: y\r\n\r\n",
                    b"5\r\nhello\r\n" + end + b"HTTP/1.1 500 No\r\n\r\n"):
            with self.subTest(odd):
                self.expect(self.bounded(raw(CHUNKED + odd), "contains=hello"), "ok none", "status 200")

    def test_endless_chunk_head(self):
        for head in (b"", b"5;"):
            result = self.bounded(drip(CHUNKED + head, b"0" * 100), "timeout=400")
            self.assertIn(result.short, ("fail protocol", "fail timeout"))

    def test_content_length(self):
        # RFC 9112, 6.3: the chunks count, not the length
        both = OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        self.expect(self.bounded(raw(both), "contains=hello"), "ok none")
        for value in (b"5", b"+5", b"0x5", b"5, 6", b"99999999999999999999999", b"", b"4294967301"):
            with self.subTest(value):
                result = self.bounded(raw(OK + b"Content-Length: " + value + b"\r\n\r\nhello"))
                self.assertIn(result.short, ("ok none", "fail protocol"))
        self.expect(self.bounded(raw(OK + b"Content-Length: 6\r\n\r\nhello")), "fail protocol", "truncated response")

    def test_status_lines(self):
        for line in (b"HTTP/1.1 000 X", b"HTTP/1.1 099 X", b"HTTP/1.1 1000 X", b"HTTP/1.1 20", b"HTTP/1.1 -200 OK", b"HTTP/1.1",
                     b"ICY 200 OK", b"HTTP/3.1 200 OK", b"\r\n\r\nHTTP/1.1 200 OK", b"200 OK"):
            with self.subTest(line):
                result = self.bounded(raw(line + b"\r\nContent-Length: 0\r\n\r\n"))
                self.expect(result, "fail protocol", "protocol: not an HTTP response")
        self.expect(self.bounded(raw(b"HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n")), "fail status", "status 999")

    def test_headers(self):
        for line in (b"X: a\0b", b"X", b" X: a"):
            with self.subTest(line):
                result = self.bounded(raw(OK + line + b"\r\nContent-Length: 0\r\n\r\n"))
                self.expect(result, "fail protocol", "protocol: not an HTTP response")

    def test_switched_protocols(self):
        for name in (b"websocket", b"h2c", b"TLS/1.3"):
            head = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + name + b"\r\n\r\n"
            self.assertEqual(self.bounded(raw(head)).outcome, 1)
            self.assertEqual(self.bounded(raw(head + b"\0" * 1000)).outcome, 1)


class Packed(Bad):
    def test_bomb_nobody_asked_for(self):
        for coding in ("gzip", "br", "zstd", "deflate", ", ".join(["gzip"] * 100), "x" * 1000):
            with self.subTest(coding[:10]):
                handler = answer(BOMB, headers=[f"Content-Encoding: {coding}"])
                self.expect(self.bounded(handler), "ok none", "status 200")
                self.expect(self.bounded(handler, "contains=[["), "fail body")
                result = self.bounded(handler, "json=/s", "max_body=10000000")
                self.expect(result, "fail json", "json: ")

    def test_bomb_as_transfer_encoding(self):
        """libcurl unpacks that unasked, where it can: then max_body counts what comes out."""
        chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BOMB), BOMB)
        for head, body in ((b"gzip, chunked", chunk), (b"gzip", BOMB), (b"gzip, gzip, chunked", chunk)):
            with self.subTest(head):
                result = self.bounded(raw(OK + b"Transfer-Encoding: " + head + b"\r\n\r\n" + body), "json=/s")
                self.assertIn(result.short, ("fail json", "fail protocol"))
        for head in (b"odd", b"gzip, " * 100 + b"chunked", b"identity, x"):
            result = self.bounded(raw(OK + b"Transfer-Encoding: " + head + b"\r\n\r\nhello"))
            self.expect(result, "fail protocol", "protocol: ")


class Json(Bad):
    def test_deep(self):
        for body in (b"[" * 2_000_000, b"[" * 1_000_000 + b"]" * 1_000_000, b'{"s":' * 400_000 + b"1" + b"}" * 400_000,
                     b'{"s":"ok","t":' + b"[" * 100_000 + b"]" * 100_000 + b"}"):
            with self.subTest(body[:10]):
                self.expect(self.bounded(answer(body), "json=/s", "max_body=10000000"), "fail json", "json: ")

    def test_not_json(self):
        for body in (b'{"s":"ok","t":Infinity}', b'{"s":"ok","t":-NaN}', b'{"s":"ok","t":1e999}', b'{"s":"ok","t":01}',
                     b'{"s":"ok","t":0x1}', b'{"s":"ok","t":' + b"9" * 5000 + b"}", b'{"s":"ok","t":"\\ud800"}',
                     b'{"s":"ok","t":"\xed\xa0\x80"}', b'{"s":"ok","t":"\xc0\xaf"}', b'{"s":"ok","t":"\xf5\x80\x80\x80"}',
                     b'{"s":"ok","t":"\n"}', b'\xef\xbb\xbf{"s":"ok"}', '{"s":"ok"}'.encode("utf-16"), b"{'s':'ok'}",
                     b'{"s":"ok",}', b'{"s":"ok"', b'{"s":"ok"}}', b'{"s":"ok"}{"s":"ok"}', b'{"s":"ok"} //', b'{"s":"ok"}\0',
                     b'{"s":"no","s":"ok"}', b'{"a":{"s":1,"s":2},"s":"ok"}', b'{"s\\u0000":1,"s":"ok"}'):
            with self.subTest(body[:40]):
                self.expect(self.bounded(answer(body), "json=/s"), "fail json", "json: ")
        self.expect(self.bounded(answer(b' \r\n\t{"s":"\\u006fk"}\n'), "json=/s"), "ok none")


class Redirects(Bad):
    def test_back_and_forth(self):
        with Server(None) as one, Server(redirect(one.url + "/a")) as other:
            one.handler = redirect(other.url + "/b")
            self.expect(ask("http", one.url), "fail redirect", "too many", 302)
            self.assertEqual(len(one.requests) + len(other.requests), 11)

    def test_hosts_in_disguise(self):
        for location in (f"//elsewhere.test/{SECRET}", "http://127.0.0.1@elsewhere.test/", "http://127.0.0.1.elsewhere.test/",
                         "http:/elsewhere.test", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://127.0.0.1%2eelsewhere.test/",
                         "hTTp://ELSEWHERE.test/", "http://127.0.0.1.:1/"):
            with self.subTest(location):
                result = self.bounded(redirect(location))
                self.expect(result, "ok none", "redirect to another host not followed", 302)
                self.assertEqual(self.served, ["/"])

    def test_no_address(self):
        for location in ("http:elsewhere.test", "javascript:alert(1)", "data:,x", "http://127.0.0.1:99999/", "http://", "\x01"):
            with self.subTest(location):
                self.expect(self.bounded(redirect(location)), "fail redirect", "to a malformed URL", 302)
                self.assertEqual(self.served, ["/"])

    def test_stays_on_the_server(self):
        for location, target in (("/\\elsewhere.test/", "/\\elsewhere.test/"), ("?q", "/?q"), ("#f", "/"), ("../../x", "/x"),
                                 ("/a b", "/a%20b"), ("./\r", "/")):
            with self.subTest(location):
                self.expect(self.bounded(redirect(location)), "fail redirect", "too many", 302)
                self.assertEqual(self.served, ["/"] + [target] * 10)

    def test_long_ones(self):
        self.expect(self.bounded(redirect("/" + "y" * 60000)), "fail redirect", "too many")
        self.expect(self.bounded(redirect("/" + "y" * 70000)), "fail protocol", "response headers exceed")
        # each one longer than the last
        def longer(connection, request):
            redirect(request.target + "x" * 5000)(connection, request)
        self.expect(self.bounded(longer), "fail redirect", "too many")

    def test_dies_on_the_way(self):
        for handler, short in ((reset, "fail protocol"), (lambda connection, request: None, "fail protocol"),
                               (answer(status="500 No"), "fail status"), (drip(b"HTTP/1.1 200 OK\r\nX: "), "fail timeout")):
            result = self.bounded(by_path({"/": redirect("/next"), "/next": handler}), "timeout=400")
            self.expect(result, short)
            self.assertEqual(self.served, ["/", "/next"])

    def test_to_a_closed_port(self):
        with Server(answer()) as gone:
            url = gone.url
        self.expect(self.bounded(redirect(url)), "fail connect", "connection refused")


class Dying(Bad):
    def test_ends_anywhere(self):
        whole = OK + b"Content-Length: 5\r\nX: y\r\n\r\nhello"
        for length in range(0, len(whole), 3):
            for end in (reset, lambda connection, request: None):
                with self.subTest(length, end=end.__name__):
                    def handler(connection, request, part=whole[:length], end=end):
                        connection.sendall(part)
                        end(connection, request)
                    self.expect(self.bounded(handler), "fail protocol", "protocol: ")

    def test_half_open(self):
        """The other side has closed its half, and reads on."""
        for part, short in ((b"", "fail protocol"), (OK, "fail protocol"), (OK + b"\r\nhello", "ok none"), (CHUNKED, "fail protocol"),
                            (OK + b"Content-Length: 9\r\n\r\nhello", "fail protocol"), (OK + b"Content-Length: 5\r\n\r\nhello", "ok none")):
            with self.subTest(part):
                def handler(connection, request, part=part):
                    connection.sendall(part)
                    connection.shutdown(1)
                    wait_for_hangup(connection)
                self.expect(self.bounded(handler), short)

    def test_stays_open_after_the_answer(self):
        """A server that does not close has answered all the same."""
        def handler(connection, request):
            connection.sendall(OK + b"Content-Length: 5\r\n\r\nhello")
            self.assertTrue(wait_for_hangup(connection))
        self.expect(self.bounded(handler, "contains=hello"), "ok none")

    def test_answers_before_it_is_asked(self):
        for data, short in ((OK + b"Content-Length: 5\r\n\r\nhello", "ok none"),
                            (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "fail status")):
            def handler(connection, request, data=data):
                connection.sendall(data)
                wait_for_hangup(connection)
            self.expect(self.bounded(handler, read=False), short)
