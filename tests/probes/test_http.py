"""probes/http against servers that are wrong in every way they can be. TLS is in test_tls.py."""

import email.utils
import gzip
import time
import unittest

from rig import (NO_NETWORK, SECRET, Server, answer, ask, by_path, drip, environment, flood, folder, full_backlog, hang, may,
                 raw, redirect, reset, wait_for_hangup)

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class Case(unittest.TestCase):
    def expect(self, result, short, message=None, status=None):
        self.assertEqual(result.short, short, result.message)
        if message is not None:
            self.assertIn(message, result.message)
        if status is not None:
            self.assertEqual(result.status, status)
        return result

    def try_one(self, handler, *words, path="/", **options):
        with Server(handler, **options) as server:
            return ask("http", server.url + path, *words)

    def sent(self, *words, handler=None, path="/"):
        """The one request that was made."""
        with Server(handler or answer()) as server:
            self.expect(ask("http", server.url + path, *words), "ok none")
            request, = server.requests
            return request


class Verdicts(Case):
    def test_status(self):
        for status, short in (("200 OK", "ok none"), ("204 No Content", "ok none"), ("304 Not Modified", "ok none"),
                              ("302 Found", "ok none"), ("399 Odd", "ok none"), ("400 Bad", "fail status"),
                              ("404 Not Found", "fail status"), ("503 Service Unavailable", "fail status")):
            with self.subTest(status):
                result = self.try_one(answer(status=status, headers=[f"X: {SECRET}"], length=status[:3] not in ("204", "304")))
                self.expect(result, short, f"status {status[:3]}", int(status[:3]))
                self.assertTrue(result.sent)
        self.expect(self.try_one(answer(), "status=500-599"), "fail status", "status 200")

    def test_contains(self):
        body = f"a\0b {SECRET} end"
        self.expect(self.try_one(answer(body), f"contains={SECRET} end"), "ok none")
        self.expect(self.try_one(answer(body), "contains=absent"), "fail body", "contain")
        self.expect(self.try_one(answer("abcdef"), "contains=abcde", "max_body=5"), "ok none")
        self.expect(self.try_one(answer("abcdef"), "contains=f", "max_body=5"), "fail body")
        self.expect(self.try_one(answer(), "contains=x"), "fail body")

    def test_matches(self):
        body = f"a\0b {SECRET} end"
        self.expect(self.try_one(answer(body), "matches=^a.b s[0-9]cret (end|fin)$"), "ok none")
        self.expect(self.try_one(answer(body), "matches=^b"), "fail body", "match")
        self.expect(self.try_one(answer(body), "matches=end", "max_body=5"), "fail body")
        self.expect(self.try_one(answer(), "matches=^$"), "ok none")
        self.expect(self.try_one(answer(), "matches=("), "error internal")

    def test_json(self):
        self.expect(self.try_one(answer('{"s":"ok"}'), "json=/s"), "ok none")
        result = self.try_one(answer('{"s":"%s"}' % SECRET), "json=/s")
        self.expect(result, "fail json", "json /s: equals: value differs")
        for body in ("[" * 5000 + "]" * 5000, '{"s":NaN}', '{"s":"ok","s":"ok"}', b'{"s":"ok","t":"\xff"}', "", "null x",
                     gzip.compress(b'{"s":"ok"}')):
            with self.subTest(body[:20]):
                self.expect(self.try_one(answer(body), "json=/s"), "fail json", "json: ")
        self.expect(self.try_one(answer('{"s":"ok"}' + " " * 100), "json=/s", "max_body=50"), "fail json", "max_body, 50 bytes")

    def test_first_failure_in_order(self):
        words = ("contains=x", "matches=y", "json=/s")
        self.expect(self.try_one(answer("z", "500 No"), *words), "fail status")
        self.expect(self.try_one(answer("z"), *words), "fail body", "contain")
        self.expect(self.try_one(answer("x"), *words), "fail body", "match")
        self.expect(self.try_one(answer("xy"), *words), "fail json")

    def test_slower_than(self):
        def late(connection, request):
            wait_for_hangup(connection, 0.15)
            answer()(connection, request)
        self.expect(self.try_one(late, "slower_than=100"), "fail age", "age: slower than 100 ms", 200)
        self.expect(self.try_one(late, "slower_than=1000"), "ok none")

    def test_retry_after(self):
        def header(value, status="503 Busy"):
            return self.try_one(answer(SECRET, status, [f"Retry-After: {value}"])).retry_after
        self.assertEqual(header("7"), 7000)
        self.assertEqual(header("0", "429 Slow Down"), 0)
        self.assertEqual(header("7", "500 No"), -1)
        for wrong in ("-1", "1.5", "soon", "99999999999", "", "Tue, 99 Nov 2023 22:13:20 GMT"):
            self.assertEqual(header(wrong), -1, wrong)
        later = time.time() + 100
        for date in (email.utils.formatdate(later, usegmt=True), time.strftime("%A, %d-%b-%y %H:%M:%S GMT", time.gmtime(later)),
                     time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(later))):
            self.assertAlmostEqual(header(date), 100000, delta=3000)
        self.assertEqual(header(email.utils.formatdate(later - 1000, usegmt=True)), 0)


class BadServers(Case):
    def timed(self, result, timeout):
        self.assertGreaterEqual(result.took_us, timeout * 1000 - 2000)
        self.assertLess(result.took_us, timeout * 1000 + 3000000)

    def test_endless_body(self):
        for head in (b"HTTP/1.1 200 OK\r\n\r\n", CHUNKED, b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"):
            piece = b"1000\r\n" + b"x" * 4096 + b"\r\n" if head is CHUNKED else b"x" * 4096
            result = self.try_one(flood(head, piece), "contains=xxx", "timeout=5000")
            self.expect(result, "ok none", "status 200")
            self.assertLess(result.took_us, 2000000)
        self.expect(self.try_one(flood(head, piece), "max_body=0"), "ok none")

    def test_endless_headers(self):
        for head, piece in ((b"HTTP/1.1 200 OK\r\n", b"X: " + b"y" * 1000 + b"\r\n"), (b"HTTP/1.1 200 OK\r\nX: ", b"y" * 4096),
                            (b"", b"HTTP/1.1 100 Continue\r\n\r\n"), (CHUNKED + b"0\r\n", b"X: y\r\n")):
            with self.subTest(piece[:20]):
                result = self.expect(self.try_one(flood(head, piece), "timeout=8000"), "fail protocol")
                self.assertLess(result.took_us, 4000000)

    def test_slow_drip(self):
        for head in (b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n", CHUNKED + b"fffff\r\n"):
            with self.subTest(head):
                result = self.expect(self.try_one(drip(head), "timeout=300"), "fail timeout" if head else "fail protocol")
                if head:
                    self.assertIn("timeout after 300 ms, connected, ", result.message)
                    self.timed(result, 300)

    def test_hang(self):
        result = self.expect(self.try_one(hang, "timeout=300"), "fail timeout", "timeout after 300 ms, connected, no response")
        self.timed(result, 300)
        self.assertTrue(result.sent)
        result = self.try_one(drip(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b""), "timeout=300")
        self.expect(result, "fail timeout", "incomplete response")

    def test_timeout_covers_redirects(self):
        def slow_redirect(connection, request):
            wait_for_hangup(connection, 0.1)
            redirect("/again")(connection, request)
        self.timed(self.expect(self.try_one(slow_redirect, "timeout=350"), "fail timeout"), 350)
        self.expect(self.try_one(hang, "timeout=0"), "fail timeout")

    def test_no_connection(self):
        with Server(answer()) as server:
            url = server.url
        result = self.expect(ask("http", url), "fail connect", "connect: connection refused")
        self.assertFalse(result.sent)
        with full_backlog() as port:
            result = ask("http", f"http://127.0.0.1:{port}/{SECRET}", "timeout=300")
        self.timed(self.expect(result, "fail timeout", "timeout after 300 ms, connecting"), 300)
        self.assertFalse(result.sent)

    @unittest.skipUnless(may(NO_NETWORK), "may not make a network")
    def test_unknown_name(self):
        result = ask("http", "http://name.test/", "timeout=5000", before=NO_NETWORK)
        self.assertFalse(self.expect(result, "fail connect", "cannot resolve the host name").sent)

    def test_connection_lost(self):
        partial = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" + SECRET.encode()
        for handler in (reset, lambda connection, request: None, raw(partial), raw(CHUNKED + b"5\r\nab"),
                        lambda connection, request: (connection.sendall(partial), reset(connection, request))):
            result = self.expect(self.try_one(handler), "fail protocol", "protocol: ")
            self.assertTrue(result.sent)

    def test_half_open(self):
        def half(connection, request):
            connection.shutdown(1)
            wait_for_hangup(connection)
        self.expect(self.try_one(half), "fail protocol", "closed without a response")
        self.expect(self.try_one(half, read=False), "fail protocol")

    def test_not_http(self):
        for data in (b"SSH-2.0-OpenSSH_9.2\r\n" * 5, b"\0" * 100, b"HTTP/9.9 200 OK\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n",
                     CHUNKED + b"zz\r\nab\r\n0\r\n\r\n", CHUNKED + b"ffffffffffffffffffff\r\n",
                     b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1\0\r\n\r\nx"):
            with self.subTest(data[:60]):
                self.expect(self.try_one(raw(data), "timeout=1000"), "fail protocol", "protocol: ")

    def test_gzip_is_not_unpacked(self):
        packed = gzip.compress(b"x" * 1000)
        handler = answer(packed, headers=["Content-Encoding: gzip"])
        self.expect(self.try_one(handler), "ok none")
        self.expect(self.try_one(handler, "contains=xxx"), "fail body")


class Redirects(Case):
    def test_same_host(self):
        with Server(None) as server:
            server.handler = by_path({"/": redirect("a/b?q=1"), "/a/b?q=1": redirect(f"{server.url}/c", "301 Moved"),
                                      "/c": answer(SECRET)})
            self.expect(ask("http", server.url, f"contains={SECRET}"), "ok none", "status 200", 200)
            self.assertEqual([request.target for request in server.requests], ["/", "/a/b?q=1", "/c"])

    def test_loop(self):
        with Server(redirect("/" + SECRET)) as server:
            self.expect(ask("http", server.url), "fail redirect", "too many", 302)
            self.assertEqual(len(server.requests), 11)
            self.expect(ask("http", server.url, "redirects=1"), "fail redirect")
            self.assertEqual(len(server.requests), 13)
            self.expect(ask("http", server.url, "redirects=0"), "ok none", "status 302", 302)
            self.assertEqual(len(server.requests), 14)

    def test_other_host(self):
        for location in (f"http://localhost/{SECRET}", f"https://127.0.0.2/{SECRET}", "ftp://127.0.0.1/", "file:///etc/passwd"):
            with self.subTest(location):
                handler = redirect(location, body=b"moved")
                self.expect(self.try_one(handler), "ok none", "status 302, redirect to another host not followed", 302)
                self.expect(self.try_one(handler, "status=200-299"), "fail redirect", "another host")
                self.expect(self.try_one(handler, "contains=absent"), "fail body")
                self.expect(self.try_one(handler, "method=POST"), "fail redirect", "another host")

    def test_wrong_location(self):
        self.expect(self.try_one(redirect("http://[")), "fail redirect", "malformed")
        self.expect(self.try_one(answer(status="302 Found", headers=["Location:"])), "ok none", status=302)

    def test_post(self):
        cases = (("307 Temporary", "POST", b"{}"), ("308 Permanent", "POST", b"{}"), ("303 See", "GET", b""))
        for status, method, body in cases:
            with self.subTest(status), Server(by_path({"/": redirect("/b", status), "/b": answer()})) as server:
                self.expect(ask("http", server.url, "body={}", "key=k1"), "ok none", status=200)
                second = server.requests[1]
                self.assertEqual((second.method, second.body, second.get("Idempotency-Key")), (method, body, "k1"))
        for status in ("301 Moved", "302 Found"):
            with Server(redirect("/b", status)) as server:
                self.expect(ask("http", server.url, "body={}"), "fail redirect", "would turn the request into a GET")
                self.assertEqual(len(server.requests), 1)

    def test_credentials_stay_at_home(self):
        words = ("user=me", f"password={SECRET}", f"header=X-Key:{SECRET}", "header=Accept:text/plain", "key=k1")
        with Server(answer()) as other, Server(redirect(other.url + "/b")) as server:
            self.expect(ask("http", server.url, *words), "ok none", status=200)
            request, = other.requests
            self.assertNotIn(SECRET, request.raw)
            self.assertIsNone(request.get("Authorization"))
            self.assertEqual(request.get("Accept"), "text/plain")
        with Server(by_path({"/": redirect("/b"), "/b": answer()})) as server:
            for url in (server.url, server.url.replace("//", f"//me:{SECRET}@")):
                self.expect(ask("http", url, *words[2:]), "ok none", status=200)
            self.assertEqual([request.get("X-Key") for request in server.requests], [SECRET] * 4)
            self.assertEqual(server.requests[2].get("Authorization"), server.requests[3].get("Authorization"))
            self.assertTrue(server.requests[3].get("Authorization").startswith("Basic "))


class Requests(Case):
    def test_as_the_kubelet(self):
        request = self.sent(path="/live?x=1&y=%20")
        self.assertEqual(request.line, "GET /live?x=1&y=%20 HTTP/1.1")
        names = [name for name, _ in request.headers]
        self.assertEqual(sorted(names), ["Accept", "Connection", "Host", "User-Agent"])
        self.assertEqual((request.get("Accept"), request.get("Connection")), ("*/*", "close"))
        self.assertTrue(request.get("User-Agent").startswith("tinysup-probe/"))

    def test_headers(self):
        words = ("header=User-Agent:me/1", "header=Host:example.org", "header=X-A:1", "header=X-A:2", "header=Accept:")
        request = self.sent(*words)
        self.assertEqual((request.all("User-Agent"), request.all("Host")), (["me/1"], ["example.org"]))
        self.assertEqual((request.all("X-A"), request.all("Accept")), (["1", "2"], []))
        request = self.sent("header=Host:", "header=user-agent:")
        self.assertEqual(request.all("User-Agent"), [])
        self.assertTrue(request.get("Host").startswith("127.0.0.1:"))

    def test_headers_that_break_out(self):
        for word in ("header=X:a\r\nY: b", "header=X Y:a", "header=:a", "header=X:a\x7f", "bearer=a\nb", "key=a\r\nb",
                     "method=GET /x", "method="):
            with self.subTest(word), Server(answer()) as server:
                self.expect(ask("http", server.url, word), "fail request")
                self.assertEqual(server.requests, [])

    def test_credentials(self):
        self.assertEqual(self.sent("user=me", "password=a:b").get("Authorization"), "Basic bWU6YTpi")
        self.assertEqual(self.sent("user=me").get("Authorization"), "Basic bWU6")
        self.assertEqual(self.sent(f"bearer={SECRET}").get("Authorization"), f"Bearer {SECRET}")
        self.assertEqual(self.sent("bearer=x", "header=authorization:own").all("Authorization"), ["own"])
        self.assertEqual(self.sent("key=k-1", "header=Idempotency-Key:own").all("Idempotency-Key"), ["k-1"])

    def test_methods(self):
        for method in ("GET", "DELETE", "OPTIONS"):
            request = self.sent(f"method={method}")
            self.assertEqual((request.method, request.get("Content-Length"), request.body), (method, None, b""))
        for method in ("POST", "PUT", "PATCH"):
            request = self.sent(f"method={method}")
            self.assertEqual((request.method, request.all("Content-Length")), (method, ["0"]))
            self.assertIsNone(request.get("Content-Type"))
        request = self.sent("method=HEAD", handler=raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"))
        self.assertEqual(request.method, "HEAD")

    def test_bodies(self):
        request = self.sent("body= {\"a\":1}")
        self.assertEqual((request.method, request.body), ("POST", b' {"a":1}'))
        self.assertEqual(request.all("Content-Type"), ["application/json"])
        request = self.sent("method=PUT", "body=a=1", "header=Content-Type:text/x")
        self.assertEqual((request.method, request.body, request.all("Content-Type")), ("PUT", b"a=1", ["text/x"]))
        self.assertEqual(self.sent("body=a=1").get("Content-Type"), "application/x-www-form-urlencoded")
        large = "x" * 100000
        request = self.sent(f"body={large}")
        self.assertEqual((len(request.body), request.get("Expect")), (100000, None))

    def test_no_proxy(self):
        with Server(answer(status="502 Proxy")) as proxy, Server(answer()) as server:
            names = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
            env = environment(**dict.fromkeys(names, proxy.url), no_proxy="")
            self.expect(ask("http", server.url, env=env), "ok none")
            self.assertEqual((len(server.requests), proxy.requests), (1, []))

    def test_unix_socket(self):
        with folder() as path, Server(answer(SECRET), path=str(path / "s")) as server:
            result = ask("http", "http://app/live", f"unix_socket={path}/s", f"contains={SECRET}")
            self.expect(result, "ok none")
            self.assertEqual(server.requests[0].get("Host"), "app")
            result = ask("http", "http://app/live", f"unix_socket={path}/none")
            self.expect(result, "fail connect", "no such file")

    def test_urls(self):
        for url in ("http://", "http://[::1", "gopher://127.0.0.1/", f"http://{SECRET}:x/"):
            with self.subTest(url):
                self.expect(ask("http", url), "fail request")   # tried once, not again and again
