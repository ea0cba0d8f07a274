"""Alerts by mail to a real SMTP server (aiosmtpd): STARTTLS, AUTH, whose certificate is believed, and what arrives."""

import asyncio
import base64
import email
import email.policy
import random

from ports import free_port
from rig import Server, ask, hang
from smtp_server import PASSWORD, USER, Mailbox, smtp_server
from test_alerts import HEAD, ID, TEXT, ask_bytes
from test_tls import Certified

ENVELOPE = ("from=tinysup <bot@example.com>", "to=ops@example.com", "to=Zo\xeb, Chef <chef@example.com>")
LOGIN = (f"user={USER}", f"password={PASSWORD}")


class Mail(Certified):
    def serve(self, mailbox, **options):
        """The URL of a server; it is stopped when the test ends."""
        return self.enterContext(smtp_server(mailbox, self.folder, **options))

    def send(self, url, *words, short="ok none", ca="ca", send=ask):
        return self.expect(send("alert", "email", url, 5000, f"ca={self.folder / ca}.pem", *ENVELOPE, *words), short)

    def arrived(self, mailbox):
        (sender, recipients, raw, encrypted), = mailbox.mails
        self.assertTrue(encrypted)
        self.assertEqual((sender, recipients), ("bot@example.com", ["ops@example.com", "chef@example.com"]))
        return self.checked(raw)

    def checked(self, raw):
        """RFC 5322: ASCII, CRLF, lines of 78, every header once."""
        self.assertTrue(raw.isascii())
        self.assertNotRegex(raw, rb"[^\r]\n|\r[^\n]")
        self.assertLessEqual(max(map(len, raw.split(b"\r\n"))), 200)
        head, body = raw.split(b"\r\n\r\n", 1)
        self.assertLessEqual(max(map(len, body.split(b"\r\n"))), 76)
        names = [line.split(b":")[0].decode() for line in head.split(b"\r\n") if not line.startswith(b" ")]
        self.assertEqual(len(set(names)), len(names))
        self.assertLessEqual(set(names), {"From", "To", "Subject", "Date", "Message-ID", "Importance", "Auto-Submitted", "MIME-Version",
                                          "Content-Type", "Content-Transfer-Encoding"})
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        self.assertEqual([part.defects for part in mail.walk()], [[]])
        for name in ("From", "To", "Subject", "Date", "Message-ID"):
            self.assertEqual(list(mail[name].defects), [], name)
        return mail

    @staticmethod
    def text(mail):
        return mail.get_payload(decode=True).decode("utf-8").replace("\r\n", "\n")

    def test_with_starttls_and_auth(self):
        mailbox = Mailbox()
        url = self.serve(mailbox, authenticator=mailbox.authenticate, auth_required=True)
        self.assertEqual(self.send(url, *LOGIN).message, "accepted")
        mail = self.arrived(mailbox)
        self.assertTrue(all(encrypted for _, encrypted in mailbox.logins) and mailbox.logins)
        self.assertEqual(mail["From"].addresses[0].display_name, "tinysup")
        self.assertEqual([(to.display_name, to.addr_spec) for to in mail["To"].addresses],
                         [("", "ops@example.com"), ("Zo\xeb, Chef", "chef@example.com")])
        self.assertEqual(mail["Subject"], f"[critical] {HEAD}")
        self.assertRegex(mail["Message-ID"], rf"^<tinysup\.{ID}\.\d+@example\.com>$")
        self.assertEqual((mail["Importance"], mail["Auto-Submitted"]), ("high", "auto-generated"))
        self.assertEqual(self.text(mail), TEXT + "\n")
        self.assertIsNotNone(mail["Date"].datetime.utcoffset())

    def test_smtps(self):
        mailbox = Mailbox()
        self.send(self.serve(mailbox, implicit=True), "level=info")
        self.assertNotIn("Importance", self.arrived(mailbox))

    def test_a_certificate_that_is_not_believed(self):
        for tls, ca in (("server", "other"), ("elsewhere", "ca")):
            for implicit in (False, True):
                mailbox = Mailbox()
                url = self.serve(mailbox, tls=tls, implicit=implicit, authenticator=mailbox.authenticate)
                self.send(url, *LOGIN, short="fail tls", ca=ca)
                self.assertEqual((mailbox.mails, mailbox.logins), ([], []))

    def test_no_starttls_no_mail(self):
        mailbox = Mailbox()
        url = self.serve(mailbox, tls=None, authenticator=mailbox.authenticate, auth_require_tls=False)
        self.assertIn("does not offer STARTTLS", self.send(url, *LOGIN, short="fail tls").message)
        self.assertEqual((mailbox.mails, mailbox.logins), ([], []))
        self.send(url, "plain=1")
        self.assertEqual(len(mailbox.mails), 1)

    def test_a_wrong_password(self):
        mailbox = Mailbox()
        url = self.serve(mailbox, authenticator=mailbox.authenticate, auth_required=True)
        result = self.send(url, f"user={USER}", f"password={PASSWORD}x", short="fail request")
        self.assertRegex(result.message, "^smtp: 535 ")
        self.assertNotIn(PASSWORD, result.message)
        self.assertRegex(self.send(url, short="fail request").message, "^smtp: 530 ")

    def test_a_server_that_repeats_the_login(self):
        def repeat(mechanism):
            def handler(connection, _):
                lines = connection.makefile("rwb", 0)
                for reply in [b"220 hello", b"250-hello\r\n250 AUTH " + mechanism, *[b"334 "] * (1 if mechanism == b"PLAIN" else 2)]:
                    lines.write(reply + b"\r\n")
                    said = lines.readline().strip()
                lines.write(b"535 not " + said + b" " + base64.b64decode(said).replace(b"\0", b" ") + b"\r\n")
            return handler
        for mechanism in (b"PLAIN", b"LOGIN"):
            with Server(repeat(mechanism), read=False) as server:
                result = ask("alert", "email", f"smtp://127.0.0.1:{server.port}", 3000, *ENVELOPE, *LOGIN, "plain=1")
                self.assertRegex(result.message, r"^smtp: 535 not \*+( \*+)+$")

    def test_refusals_in_the_servers_own_words(self):
        for replies, short, message in (
                ({"MAIL": "451 4.7.1 Greylisting in action"}, "fail protocol", "smtp: 451 4.7.1 Greylisting in action"),
                ({"MAIL": "550 5.7.1 bot@example.com may not send"}, "fail request", "smtp: 550 5.7.1 bot@example.com may not send"),
                ({"DATA": "554 5.7.1 Spam"}, "fail request", "smtp: 554 5.7.1 Spam"),
                ({"DATA": "452 4.2.2 Mailbox \u2603 full".encode().decode("latin-1")}, "fail protocol", "smtp: 452 4.2.2 Mailbox")):
            with self.subTest(replies=replies):
                self.assertIn(message, self.send(self.serve(Mailbox(**replies)), short=short).message)

    def test_one_recipient_is_enough(self):
        mailbox = Mailbox(**{"ops@example.com": "550 5.1.1 No such user"})
        self.send(self.serve(mailbox))
        self.assertEqual(mailbox.mails[0][1], ["chef@example.com"])
        self.send(self.serve(Mailbox(**{name: "550 5.1.1 No such user" for name in ("ops@example.com", "chef@example.com")})),
                  short="fail request")

    def test_servers_that_say_nothing_or_nonsense(self):
        with Server(hang, read=False) as server:
            result = self.expect(ask("alert", "email", f"smtp://127.0.0.1:{server.port}", 300, *ENVELOPE), "fail timeout")
            self.assertEqual(result.message, "timeout after 300 ms, connected, no greeting")
        with Server(lambda connection, _: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"), read=False) as server:
            self.expect(ask("alert", "email", f"smtp://127.0.0.1:{server.port}", 2000, *ENVELOPE), "fail protocol")
        self.expect(ask("alert", "email", f"smtp://127.0.0.1:{free_port()}", 2000, *ENVELOPE), "fail connect")

    def test_a_server_that_never_says_goodbye(self):
        class Rude(Mailbox):
            async def handle_QUIT(self, server, session, envelope):
                await asyncio.sleep(8)
                return "221 Bye"
        for implicit in (False, True):
            mailbox = Rude()
            self.assertLess(self.send(self.serve(mailbox, implicit=implicit)).took_us, 4000000)
            self.assertEqual(len(mailbox.mails), 1)

    def test_dots_and_long_lines_arrive_as_they_are(self):
        text = ".\n..\n.a\n" + "x" * 3000 + "\n" + "." * 200 + " \n\t\n=3D\n\u20ac" * 30 + "\nFrom here\n\n."
        mailbox = Mailbox()
        self.send(self.serve(mailbox), f"text={text}")
        self.assertEqual(self.text(self.arrived(mailbox)), text + "\n")

    def test_any_bytes_are_a_valid_mail(self):
        chance = random.Random(12)
        pieces = [b"\xff", b"\xed\xa0\x80", b"\x01", b"\r\nBcc: all@example.com\r\n", b"\r", b"\n", b"\n.\n", b"\r\n.\r\nQUIT\r\n", b"=?utf-8?q?x?=",
                  b"=", b" ", b"a" * 80, "\u20ac".encode() * 30, "\U0001f680".encode(), b"<@>,;:\"\\()", b"."]

        def noise(most):
            return b"".join(chance.choice(pieces) for _ in range(chance.randint(0, most)))
        mailbox = Mailbox()
        url = self.serve(mailbox)
        for turn in range(60):
            words = [b"app=a" + noise(8), b"host=" + noise(3), b"why=" + noise(20), b"text=x" + noise(60).replace(b"$", b"")]
            with self.subTest(turn=turn, words=words):
                done = ask_bytes("alert", "email", url, "5000", f"ca={self.folder}/ca.pem", *ENVELOPE, *words[:3 + turn % 2])
                self.assertEqual(done["outcome"], 0, done)
                self.arrived(mailbox)
                mailbox.mails.clear()
