"""docs/completions: what each shell offers is what --help names, and bash and fish are asked for it."""
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from binaries import ROOT, tinysup

FOLDER = ROOT / "docs/completions"
FILES = {"bash": "tinysup.bash", "zsh": "_tinysup", "fish": "tinysup.fish"}
# options that --help does not list: short names of --help, --version and --license
SHORT = {"-h", "-V", "-l"}
REASONS = ["stop", "exit", "crash", "unhealthy", "restart", "recovery", "start"]


def run(*words, cwd=ROOT, code=0):
    done = subprocess.run([*map(str, words)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30,
                          check=False, cwd=cwd)
    assert done.returncode == code, (words, done.returncode, done.stdout)
    return done.stdout


def options_of_help():
    """{mode or "": its options}"""
    usage, options = run(tinysup(), "--help").split("\noptions:\n")
    parts = {"": set(), "--request": set()}
    for line in usage.splitlines():
        names = re.findall(r"(?<![\w-])--?[A-Za-z][a-z-]*", re.split(r" {2,}(?=[a-z])", line.removeprefix("usage:").strip())[0])
        mode = "--request" if "--request" in names else ""
        parts[""] |= set(names[:1] if mode else names)
        parts[mode] |= set(names[1:] if mode else [])
    mode = ""
    for line in options.splitlines():
        if line.startswith("with "):
            mode = line[len("with "):-1]
        else:
            parts.setdefault(mode, set()).update(re.findall(r"(?:^  |, )(--?[A-Za-z][a-z-]*)", line))
    return parts


def words_of_help(option):
    found = re.search(rf"--{option}\[?=([\w|]+)", run(tinysup(), "--help"))[1]
    if found == "PLATFORM":
        found = re.search(r"grace period: ([\w, ]+)", run(tinysup(), "--help"))[1].replace(", ", "|")
    return [word for word in found.split("|") if word.islower()]


def bash(line, cwd=ROOT, breaks=" \t\n\"'@><=;|&(:"):
    """What bash's function answers at the end of this line, cut into words as bash cuts it."""
    splitters = "".join(c for c in "=:" if c in breaks)
    words = [word for part in line.split(" ")[:-1] if part for word in re.findall(rf"[{splitters}]|[^{splitters}]+" if splitters else ".+", part)]
    last = line.split(" ")[-1]
    words += re.findall(rf"[{splitters}]|[^{splitters}]+" if splitters else ".+", last) or [""]
    script = 'source "$1"; COMP_WORDBREAKS=$2; shift 2; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tinysup tinysup; printf "%s\\n" "${COMPREPLY[@]}"'
    return run("bash", "-c", script, "bash", FOLDER / "tinysup.bash", breaks, *words, cwd=cwd).split()


def fish(line, cwd=ROOT):
    said = run("fish", "--no-config", "-c", 'source "$argv[1]"; complete -C "$argv[2]"', FOLDER / "tinysup.fish", line, cwd=cwd)
    return [text.split("\t")[0] for text in said.splitlines()]


class Completions(unittest.TestCase):
    def test_syntax(self):
        run("bash", "-n", FOLDER / "tinysup.bash")
        run("zsh", "-n", FOLDER / "_tinysup")
        run("fish", "--no-execute", FOLDER / "tinysup.fish")

    def test_help_is_read(self):
        parts = options_of_help()
        self.assertEqual(set(parts), {"", "--probe", "--status", "--history", "--request"})
        self.assertLessEqual({"--config", "-c", "--single-child", "--probe", "--emit", "--license"}, parts[""])
        self.assertEqual(parts["--request"], {"--sign", "-X", "-d"})

    def test_every_option_is_in_every_file(self):
        for part in options_of_help().values():
            for option in part:
                bare = option.lstrip("-")
                pattern = {"bash": rf"[\" ]{option}[=\" ]",
                           "zsh": rf"['{{,)*]{option}[=\[}},']",
                           "fish": rf" -l {bare}\b" if option.startswith("--") else rf" -s {bare}\b"}
                for shell, name in FILES.items():
                    with self.subTest(shell=shell, option=option):
                        self.assertRegex((FOLDER / name).read_text(), pattern[shell])

    def test_no_file_has_an_option_that_is_none(self):
        known = set().union(*options_of_help().values()) | SHORT | {"--timeout"}
        offered = {"bash": set(), "fish": set()}
        for line in ("tinysup -", "tinysup --", "tinysup --probe -", "tinysup --probe --", "tinysup --status --", "tinysup --history --", "tinysup --request -",
                     "tinysup --request --"):
            offered["bash"] |= {word.rstrip("=") for word in bash(line)}
            offered["fish"] |= {word.rstrip("=") for word in fish(line)}
        for shell, words in offered.items():
            self.assertEqual(words, known, shell)

    def test_options_of_a_mode(self):
        for mode, wanted in options_of_help().items():
            line = f"tinysup {mode} -".replace("  ", " ")
            for shell, complete in (("bash", bash), ("fish", fish)):
                with self.subTest(shell=shell, mode=mode):
                    got = {word.rstrip("=") for word in complete(line) + complete(line + "-")}
                    self.assertLessEqual(wanted, got)
                    if mode:
                        self.assertNotIn("--emit", got)

    def test_words(self):
        wanted = {"probe": words_of_help("probe"), "emit": words_of_help("emit"), "status": ["json"], "rehearse": [*REASONS, "live"]}
        self.assertEqual((len(wanted["probe"]), len(wanted["emit"])), (3, 6))
        zsh = (FOLDER / "_tinysup").read_text()
        for option, words in wanted.items():
            with self.subTest(option=option):
                self.assertEqual(sorted(bash(f"tinysup --{option}=")), sorted(words))
                self.assertEqual(sorted(bash(f"tinysup --{option}={words[0][:2]}")), [w for w in sorted(words) if w.startswith(words[0][:2])])
                self.assertEqual(sorted(bash(f"tinysup --{option}=", breaks=" ")), sorted(f"--{option}={w}" for w in words))
                self.assertEqual(sorted(fish(f"tinysup --{option}=")), sorted(f"--{option}={w}" for w in words))
                self.assertRegex(zsh, rf"--{option}=-?\[[^\n]*:\({' '.join(words)}\)")
        self.assertEqual(sorted(bash("tinysup --emit ")), sorted(wanted["emit"]))
        self.assertEqual(sorted(bash("tinysup --probe ")), sorted(wanted["probe"]))
        self.assertEqual(sorted(fish("tinysup --emit ")), sorted(wanted["emit"]))

    def test_the_reasons_are_those_of_rehearse(self):
        with tempfile.NamedTemporaryFile("w", prefix="tinysup-test-") as conf:
            conf.write('shutdown: { platform_grace = "60s"; chain = ( { name = "stop"; stop: { }; } ); };')
            conf.flush()
            for reason in REASONS:
                run(tinysup(), "--config", conf.name, f"--rehearse={reason}")
            run(tinysup(), "--config", conf.name, "--rehearse=nosuch", code=64)

    def test_files_and_directories(self):
        with tempfile.TemporaryDirectory(prefix="tinysup-test-") as folder:
            (Path(folder) / "bot.conf").touch()
            (Path(folder) / "state").mkdir()
            for line in ("tinysup --config b", "tinysup --check --config b"):
                self.assertEqual(bash(line, cwd=folder), ["bot.conf"])
                self.assertEqual(fish(line, cwd=folder), ["bot.conf"])
            self.assertEqual(bash("tinysup --config=b", cwd=folder), ["bot.conf"])
            self.assertEqual(bash("tinysup --history --state ", cwd=folder), ["state"])

    def test_the_command(self):
        self.assertIn("sort", bash("tinysup sor"))
        self.assertIn("sort", fish("tinysup sor"))
        self.assertIn("sort", bash("tinysup --config f -e 3 sor"))
        # what follows is the app's own
        self.assertEqual(bash("tinysup sort --e"), [])
        self.assertEqual(bash("tinysup -- sort --e"), [])
        self.assertEqual(bash("tinysup --probe http://127.0.0.1:80/ --loc"), ["--location"])


class Installed(unittest.TestCase):
    def test_make_install(self):
        with tempfile.TemporaryDirectory(prefix="tinysup-test-") as folder:
            run("make", "-s", "-o", "all", "install", f"DESTDIR={folder}", "PREFIX=/usr")
            for path, name in (("bash-completion/completions/tinysup", "tinysup.bash"), ("zsh/site-functions/_tinysup", "_tinysup"),
                               ("fish/vendor_completions.d/tinysup.fish", "tinysup.fish")):
                self.assertEqual((Path(folder) / "usr/share" / path).read_bytes(), (FOLDER / name).read_bytes())
