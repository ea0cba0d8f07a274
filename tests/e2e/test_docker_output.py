"""app.output in a real engine: who follows the file in another container sees every line, whatever happens to the one that writes it."""
import os

import engine
from engine import DockerCase, until

LINES = 6000
CONFIG = """app: { name = "bot"; output: { file = "/test/bot.log"; max_size = "64KB"; keep = 9; }; };
shutdown: { deadline = "5s"; platform_grace = "10s"; };
"""
BOT = f"for n in range({LINES}):\n    print(n, 'x' * 60, flush=True)\n    time.sleep(0.0005)\n"


def setUpModule():
    engine.start()


class Tailer(DockerCase):
    def relay(self, c):
        """Its pid here; None between two."""
        for here in c.processes():
            try:
                with open(f"/proc/{here}/comm", encoding="ascii") as file:
                    if file.read() == "tinysup-output\n":
                        return here
            except OSError:
                continue
        return None

    def test_in_another_container_over_rotations_and_dead_relays(self):
        (self.shared / "bot.log").touch()
        follow = ["tail", "-n", "+1", "-s", "0.02", "--follow=name", "--retry", "/test/bot.log"]
        tailer = self.start("-s", "--", *follow)
        until(lambda: any(here for here, there in tailer.processes().items() if there > 1), "it follows")
        bot = self.start("--", "python3", "-c", "import time\n" + BOT, config=CONFIG)
        for n in (1, 2, 3):
            until(lambda n=n: (self.shared / f"bot.log.{n}").exists(), "it is rotated")
            os.kill(until(lambda: self.relay(bot), "there is a relay"), 9)
        self.assertEqual(bot.code(60), 0, bot.log())
        wanted = [f"{n} {'x' * 60}" for n in range(LINES)]
        tailer.until_log(wanted[-1])
        said = [line for line in tailer.log().splitlines() if not line.startswith("tail: ")]
        for lines in (said, [line for line in bot.log().splitlines() if " tinysup " not in line]):
            self.assertEqual(list(dict.fromkeys(lines)), wanted)    # what a relay is killed in writing may come twice
            self.assertLess(len(lines), LINES + 100)
