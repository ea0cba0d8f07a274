"""A real SMTP server, aiosmtpd, and who may log in to it."""

import contextlib
import ssl

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from ports import free_port
from rig import SECRET

USER, PASSWORD = "bot@example.com", SECRET + "-word"


class Mailbox:
    """Takes mails; `replies` are given instead, by command."""

    def __init__(self, **replies):
        self.mails, self.replies, self.logins = [], replies, []

    def authenticate(self, server, session, envelope, mechanism, data):
        self.logins.append((mechanism, session.ssl is not None))
        return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False)

    async def handle_MAIL(self, server, session, envelope, address, options):
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self.replies.get("MAIL", "250 OK")

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.replies:
            return self.replies[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if "DATA" in self.replies:
            return self.replies["DATA"]
        encrypted = server.transport.get_extra_info("sslcontext") is not None
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.original_content, encrypted))
        return "250 OK"


@contextlib.contextmanager
def smtp_server(mailbox, folder, tls="server", implicit=False, **options):
    """Yields its URL. tls: the name of its certificate in the folder; None: it has none."""
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / f"{tls}.pem", folder / f"{tls}.key")
    if implicit:
        options["ssl_context"] = context
    else:
        options.update(tls_context=context, require_starttls=bool(context))
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield f"smtp{'s' if implicit else ''}://127.0.0.1:{controller.port}"
    finally:
        controller.stop()
