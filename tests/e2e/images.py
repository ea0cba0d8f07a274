"""What the images of the tests are made of, kept under build/e2e: a second run finds it there."""
import contextlib
import fcntl
import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

from binaries import ROOT

KEPT = ROOT / "build/e2e"
BASE = "e2e:bookworm"
MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
SECURITY = os.environ.get("DEBIAN_SECURITY_MIRROR", "http://deb.debian.org/debian-security")

# debian:bookworm-slim, as near as makes no difference, with Python; no registry is asked
DEBOOTSTRAP = f"""
debootstrap --variant=minbase --include=python3,ca-certificates bookworm root {MIRROR}
printf '%s\\n' 'Types: deb' 'URIs: {MIRROR}' 'Suites: bookworm bookworm-updates' 'Components: main' \\
    'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg' '' \\
    'Types: deb' 'URIs: {SECURITY}' 'Suites: bookworm-security' 'Components: main' \\
    'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg' > root/etc/apt/sources.list.d/debian.sources
rm -rf root/etc/apt/sources.list root/var/cache/apt/* root/var/lib/apt/lists/* root/usr/share/doc/* root/usr/share/man/* \\
    root/usr/share/locale/*
tar -C root -c . > base.tar
"""

APPS = "e2e:apps"
# what examples and tests run: servers and languages as Debian has them, so that an image is made without a network
PACKAGES = ("python3-uvicorn python3-fastapi python3-websockets python3-redis gunicorn nginx-light redis-server redis-tools postgresql "
            "sqlite3 nodejs procps curl")
INSTALL = f"""
unset TMPDIR  # what is in there is not in the new root
mkdir root
tar -C root -xf "$1"
cp -L /etc/resolv.conf root/etc/resolv.conf
mount -t proc none root/proc
printf '#!/bin/sh\nexit 101\n' > root/usr/sbin/policy-rc.d
chmod 755 root/usr/sbin/policy-rc.d
chroot root apt-get -qq update
DEBIAN_FRONTEND=noninteractive chroot root apt-get -qq install -y --no-install-recommends {PACKAGES}
umount root/proc
rm -rf root/usr/sbin/policy-rc.d root/etc/resolv.conf root/var/cache/apt/* root/usr/share/doc/* root/usr/share/man/* root/usr/share/locale/*
tar -C root -c . > apps.tar
"""


@contextlib.contextmanager
def alone():
    """Files of tests run side by side: what is kept is made by one of them."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with open(KEPT / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(*words, seconds=900, **options):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          timeout=seconds, check=False, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{words[0]}: {done.returncode}: {done.stdout[-3000:]}")
    return done.stdout


def kept_tar(name, script, *arguments):
    """A root file system that a script makes as NAME.tar: once, as long as the script and the files that it is given stay as they are."""
    recipe = script + "".join(Path(argument).name for argument in arguments)
    path = KEPT / f"{name}-{hashlib.sha256(recipe.encode()).hexdigest()[:8]}.tar"
    with alone():
        if not path.exists():
            with tempfile.TemporaryDirectory(dir=KEPT) as folder:
                # in namespaces: what it mounts and starts is gone with it
                run("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", script, "sh", *arguments, cwd=folder, seconds=900)
                next(Path(folder).glob("*.tar")).rename(path)
    return path


def base_tar():
    return kept_tar("bookworm", DEBOOTSTRAP)


def apps_tar():
    return kept_tar("apps", INSTALL, base_tar())


def static_binary():
    """The release: TINYSUP_STATIC, else what `make static` makes of this tree."""
    if "TINYSUP_STATIC" in os.environ:
        return Path(os.environ["TINYSUP_STATIC"]).resolve(strict=True)
    with alone():
        run("make", "-s", "static", cwd=ROOT, seconds=1200)
    return ROOT / "build-static/tinysup"


def arm64_binary():
    """The release for the other architecture, cross-built."""
    with alone():
        run("make", "-s", "static", "ARCH=aarch64", cwd=ROOT, seconds=1200)
    return ROOT / "build-static-aarch64/tinysup"


def idle_binary():
    """idle.c, static: an app for images that hold nothing else."""
    source = Path(__file__).parent / "idle.c"
    path = KEPT / f"idle-{hashlib.sha256(source.read_bytes()).hexdigest()[:8]}"
    with alone():
        if not path.exists():
            run("cc", "-static", "-Os", "-Wall", "-Wextra", "-Werror", source, "-o", f"{path}.new")
            Path(f"{path}.new").rename(path)
    return path
