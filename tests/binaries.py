"""The build of tinysup that a test runs. A file that is run with more than the plain one says BINARIES = ("plain", "sealed", ...)."""
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {"plain": os.environ.get("BUILD", "build"), "sealed": "build-seal", "sanitized": "build-asan"}


def path_of(binary):
    return str(ROOT / FOLDERS[binary] / "tinysup")


def choose(binary):
    """For the tests that follow, and whatever they start. Leak detection needs ptrace, and process 1 never frees."""
    os.environ["TINYSUP"] = path_of(binary)
    if binary == "sanitized":
        os.environ["ASAN_OPTIONS"] = "detect_leaks=0"
    else:
        os.environ.pop("ASAN_OPTIONS", None)


def tinysup():
    return os.environ["TINYSUP"]


def is_sanitized():
    return tinysup() == path_of("sanitized")
