#!/bin/bash
# image.sh BINARY TAG ARCHITECTURE EPOCH: an image with nothing in it but /sbin/tinysup, for `docker load`, as a tar file on stdout.
set -euo pipefail
export LC_ALL=C

BINARY=$1 TAG=$2 ARCHITECTURE=$3 EPOCH=$4
FOLDER=$(mktemp -d)
trap 'rm -rf "$FOLDER"' EXIT

pack() { tar --sort=name --mtime="@$EPOCH" --owner=0 --group=0 --numeric-owner -cf - "$@"; }

umask 022
install -D -m 755 "$BINARY" "$FOLDER/root/sbin/tinysup"
mkdir "$FOLDER/image"
pack -C "$FOLDER/root" sbin >"$FOLDER/image/layer.tar"
cat >"$FOLDER/image/config.json" <<END
{"architecture":"$ARCHITECTURE","os":"linux","created":"$(date -u -d "@$EPOCH" +%Y-%m-%dT%H:%M:%SZ)",
"config":{"Entrypoint":["/sbin/tinysup"]},
"rootfs":{"type":"layers","diff_ids":["sha256:$(sha256sum "$FOLDER/image/layer.tar" | cut -d' ' -f1)"]}}
END
printf '[{"Config":"config.json","RepoTags":["tinysup:%s"],"Layers":["layer.tar"]}]\n' "$TAG" >"$FOLDER/image/manifest.json"
pack -C "$FOLDER/image" config.json layer.tar manifest.json
