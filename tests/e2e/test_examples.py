"""What each folder of examples/ has to have, and that its files agree with each other."""
import re
import unittest

import yaml

import images
from deployment import EXAMPLES

FOLDERS = sorted(path.parent for path in EXAMPLES.glob("*/tinysup.conf"))
GRACES = {"compose.yaml": r"stop_grace_period: (\d+)s", "main.bicep": r"terminationGracePeriodSeconds: (\d+)",
          "kubernetes.yaml": r"terminationGracePeriodSeconds: (\d+)"}
PROBES = {"main.bicep": r"path: '(/\w+)', port: (\d+)", "kubernetes.yaml": r"path: (/\w+), +port: (\w+)"}


class Folders(unittest.TestCase):
    def platforms(self, folder, patterns):
        return {name: re.findall(pattern, (folder / name).read_text()) for name, pattern in patterns.items() if (folder / name).exists()}

    def test_files(self):
        self.assertEqual(len(FOLDERS), 10)
        for folder in FOLDERS:
            with self.subTest(folder.name):
                self.assertEqual([name for name in ("tinysup.conf", "Dockerfile", "README.md", "app") if not (folder / name).exists()], [])
                self.assertTrue(self.platforms(folder, GRACES))
                dockerfile = (folder / "Dockerfile").read_text()
                for line in ("ARG RUNTIME_IMAGE=", "COPY tinysup /sbin/tinysup", 'RUN ["/sbin/tinysup", "--check"]', 'ENTRYPOINT ["/sbin/tinysup"]',
                             "CMD [", "HEALTHCHECK "):
                    self.assertIn("\n" + line, "\n" + dockerfile)

    def test_one_grace_period(self):
        table = (EXAMPLES / "README.md").read_text()
        for folder in FOLDERS:
            with self.subTest(folder.name):
                grace = re.search(r'platform_grace = "(\d+)s"', (folder / "tinysup.conf").read_text())[1]
                found = {seconds for all_of_it in self.platforms(folder, GRACES).values() for seconds in all_of_it}
                self.assertEqual(found, {grace})
                self.assertRegex(table, rf"(?m)^\| \[{folder.name}\]\({folder.name}\) .* {grace} s \|$")

    def test_probes_ask_the_listener(self):
        for folder in FOLDERS:
            for name, probes in self.platforms(folder, PROBES).items():
                with self.subTest(f"{folder.name}/{name}"):
                    self.assertIn('listen = ":9180"', (folder / "tinysup.conf").read_text())
                    self.assertEqual(sorted(path for path, _ in probes), ["/livez", "/readyz", "/startupz"])
                    self.assertLessEqual({port for _, port in probes}, {"9180", "health"})

    def test_yaml(self):
        for path in (*EXAMPLES.glob("*/*.yaml"), *EXAMPLES.glob("*/*.yml")):
            with self.subTest(path):
                self.assertTrue(all(isinstance(document, dict) for document in yaml.safe_load_all(path.read_text())))

    def test_plans(self):
        for path in sorted(EXAMPLES.glob("*/*.conf")):
            if path.name != "nginx.conf":
                with self.subTest(path):
                    plan = images.run("env", "FREQTRADE_USER=x", "TELEGRAM_CHAT_ID=1", "HOSTNAME=x", images.static_binary(), "--check", "--config", path)
                    self.assertRegex(plan, r"(?m)^worst case")
