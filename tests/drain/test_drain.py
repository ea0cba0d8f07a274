"""A stop that drains first loses no request of clients that follow readiness; a stop that does not, does."""
import unittest

import drain


class Drain(unittest.TestCase):
    def lost(self, name, alone=False):
        answered, lost = drain.measure(name, alone, rounds=1 if alone else drain.ROUNDS)
        self.assertGreater(answered, 20)
        return lost

    def test_uvicorn(self):
        self.assertEqual(self.lost("uvicorn"), [])

    def test_gunicorn(self):
        self.assertEqual(self.lost("gunicorn"), [])

    def test_nginx(self):
        self.assertEqual(self.lost("nginx"), [])

    def test_node(self):
        self.assertEqual(self.lost("node"), [])

    def test_without_it_requests_are_lost(self):
        """What the others do not see is there to be seen."""
        self.assertNotEqual(self.lost("uvicorn", alone=True), [])
