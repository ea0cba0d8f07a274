#!/bin/bash
# sbom.sh MANIFEST BINARY VERSION EPOCH: what the release binary is made of, as SPDX 2.3 JSON on stdout.
# All of it is in MANIFEST but the licences, which LICENSE tells too. What nobody has verified is NOASSERTION.
set -euo pipefail
export LC_ALL=C

MANIFEST=$1 BINARY=$2 VERSION=$3 EPOCH=$4
POOL=https://deb.debian.org/debian/pool/main
RELEASE=$(sed -n 's/^@release //p' "$(dirname "${BASH_SOURCE[0]}")/sources.lock")
DIGEST=$(sha256sum "$BINARY" | cut -d' ' -f1)
# on another release than the lock's (TINYSUP_RELOCK=1) nobody has said where the sources come from
LOCKED=$(grep -cx 'sources: as locked' "$MANIFEST" || true)

license_of() {
	case $1 in
	curl) echo curl ;;
	openssl) echo Apache-2.0 ;;
	nghttp2 | c-ares | jansson | musl) echo MIT ;;
	libconfig | libmicrohttpd) echo LGPL-2.1-or-later ;;
	libgcc) echo 'GPL-3.0-or-later WITH GCC-exception-3.1' ;;
	*) echo NOASSERTION ;;
	esac
}

# Debian's rule: libx goes to libx's first four letters
pool_of() { if [[ $1 == lib* ]]; then echo "$POOL/${1:0:4}/$1"; else echo "$POOL/${1:0:1}/$1"; fi; }

# entry NAME VERSION DEB ARCH: the members that every library has
entry() {
	printf ',\n    {\n      "SPDXID": "SPDXRef-%s",\n      "name": "%s",\n      "versionInfo": "%s",\n' "$1" "$1" "$2"
	printf '      "primaryPackagePurpose": "LIBRARY",\n      "filesAnalyzed": false,\n'
	printf '      "licenseConcluded": "NOASSERTION",\n      "licenseDeclared": "%s",\n      "copyrightText": "NOASSERTION",\n' "$(license_of "$1")"
	[[ $LOCKED == 0 ]] || printf '      "externalRefs": [ { "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:deb/debian/%s@%s?%sdistro=%s" } ],\n' \
		"$3" "${2//+/%2B}" "$4" "$RELEASE"
}

# From its source package, changed by our patches
library() {
	local name=$1 version=$2 file=$3 sum=$4 where=NOASSERTION patches
	[[ $LOCKED == 0 ]] || where=$(pool_of "$name")/$file
	patches=$(awk -v name="$name-" '$1 == "patch" && index($2, name) == 1 { printf ", %s (SHA-256 %s)", $2, $3 }' "$MANIFEST")
	entry "$name" "$version" "$name" 'arch=source&'
	printf '      "sourceInfo": "source package %s %s%s",\n' "$name" "$version" "${patches:+, changed by ${patches#, }}"
	printf '      "downloadLocation": "%s",\n      "packageFileName": "%s",\n' "$where" "$file"
	printf '      "checksums": [ { "algorithm": "SHA256", "checksumValue": "%s" } ]\n    }' "$sum"
}

# From a package that the compiler's machine had installed
toolchain() {
	entry "$1" "$3" "$2" ''
	printf '      "sourceInfo": "binary package %s %s of the machine that built the release",\n      "downloadLocation": "NOASSERTION"\n    }' "$2" "$3"
}

cat <<END
{
  "spdxVersion": "SPDX-2.3",
  "dataLicense": "CC0-1.0",
  "SPDXID": "SPDXRef-DOCUMENT",
  "name": "tinysup-$VERSION",
  "documentNamespace": "https://spdx.org/spdxdocs/tinysup-$VERSION-$DIGEST",
  "creationInfo": {
    "created": "$(date -u -d "@$EPOCH" +%Y-%m-%dT%H:%M:%SZ)",
    "creators": [ "Organization: the tinysup authors", "Tool: sbom.sh-$VERSION" ]
  },
  "packages": [
    {
      "SPDXID": "SPDXRef-tinysup",
      "name": "tinysup",
      "versionInfo": "$VERSION",
      "primaryPackagePurpose": "APPLICATION",
      "filesAnalyzed": false,
      "licenseConcluded": "NOASSERTION",
      "licenseDeclared": "MIT",
      "copyrightText": "NOASSERTION",
      "supplier": "Organization: the tinysup authors",
      "downloadLocation": "NOASSERTION",
      "packageFileName": "tinysup",
      "checksums": [ { "algorithm": "SHA256", "checksumValue": "$DIGEST" } ]
END
printf '    }'
names=()
while read -r name version file sum; do
	[[ $file == *.orig.tar.?z ]] || continue
	library "$name" "$version" "$file" "$sum"
	names+=("$name")
done <"$MANIFEST"
while read -r word package version; do
	[[ $word == tool ]] || continue
	case $package in
	musl-dev) toolchain musl musl-dev "$version" && names+=(musl) ;;
	libgcc-*) toolchain libgcc "$package" "$version" && names+=(libgcc) ;;
	gcc-*-linux-gnu*) ;; # with a libgcc of its own
	gcc-*) toolchain libgcc "lib$package-dev" "$version" && names+=(libgcc) ;;
	esac
done <"$MANIFEST"
printf '\n  ],\n  "relationships": [\n'
printf '    { "spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-tinysup" }'
printf ',\n    { "spdxElementId": "SPDXRef-tinysup", "relationshipType": "STATIC_LINK", "relatedSpdxElement": "SPDXRef-%s" }' "${names[@]}"
printf '\n  ]\n}\n'
