"""tinysup with a listener, whose page for people is read."""
import http.client

from harness import APP, Case, until
from people_page import Page
from ports import free_port

PROBES = ('checks = ( { name = "up<b>&"; file: { path = "${TEST_DIR}/up"; }; } ); probes: { readiness: { checks = ( "up<b>&" ); period = "100ms"; }; '
          'liveness: { checks = ( "up<b>&" ); period = "100ms"; failure_threshold = 100000; }; }; ')
WAIT = 'exec = [ "sh", "-c", "while ! test -e $TEST_DIR/go; do sleep 0.02; done" ];'
CHAIN = ('shutdown: { deadline = "9s"; platform_grace = "60s"; chain = ( '
         '{ name = "pause"; exec = [ "true" ]; needs_app = true; timeout = "1s"; when = [ "stop" ]; }, '
         '( { name = "cancel"; exec = [ "false" ]; timeout = "2s"; reserve = "1s"; required = true; }, '
         '{ name = "close"; %s timeout = "8s"; reserve = "2s"; } ), '
         '{ name = "stop"; stop: { timeout = "2s"; }; }, { name = "save"; exec = [ "true" ]; timeout = "5s"; } ); }; ' % WAIT)


class Listening(Case):
    def listening(self, config, *app, **options):
        self.port = free_port()
        return self.start("--", *APP, *(app or ("plain",)), config=f'{config} listen = "127.0.0.1:{self.port}";', **options)

    def page(self):
        """None where nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/")
            page = Page(connection.getresponse().read().decode())
        except (ConnectionError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        self.assertEqual(page.errors, [])
        return page

    def until_said(self, name, text):
        def look():
            page = self.page()
            return page and text in page.said(name) and page
        return until(look, f"{name} says {text!r}")
