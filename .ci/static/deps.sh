#!/bin/bash
# The static libraries of the release binary. See --help.
set -euo pipefail
export LC_ALL=C TZ=UTC
umask 022
# What make or the user set for tinysup itself is not for the libraries.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES DESTDIR CC CFLAGS CPPFLAGS LDFLAGS LIBS AR RANLIB REALCC CROSS_COMPILE CONFIG_SITE

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PACKAGES=(jansson libconfig libmicrohttpd nghttp2 c-ares openssl curl) # in the order they are built: curl wants the three before it
NEEDS=(build-essential dpkg-dev cmake pkg-config perl ca-certificates)

usage() {
	cat <<-'END'
	usage: deps.sh PREFIX [ARCH]    build the static libraries into PREFIX; what is already there and current is kept
	       deps.sh --relock         write sources.lock anew from what this machine's distribution offers now
	       deps.sh --needs [ARCH]   print the Debian packages a build needs, for apt-get install
	       deps.sh --help

	ARCH: x86_64, aarch64; this machine's own unless told otherwise. For another one, the C library is built, too.
	Sources are Debian's, fetched by apt from wherever this machine is configured to get its packages, and checked
	against sources.lock. Nothing outside PREFIX and the cache is written, and root is not needed.

	In PREFIX: lib/*.a, include/, musl/ (of another architecture), tinysup.mk (STATIC_CC, STATIC_CFLAGS, STATIC_LDFLAGS, STATIC_LIBS for make),
	MANIFEST (every source and tool with its version), licenses/PACKAGE/.

	environment:
	  TINYSUP_CACHE     where downloads are kept (default: PREFIX/../sources)
	  TINYSUP_JOBS      compilers at a time (default: one a processor)
	  TINYSUP_RELOCK=1  on another release than the lock's: take the versions it offers. The lock made for that
	                    is kept in PREFIX, and MANIFEST says so; such a build is not a release.
	END
}

say() { printf 'deps.sh: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# choose_arch [ARCH]: what to build for. For another architecture than this machine's, CROSS is what the names of tools begin with, and
# DEB_TOOLS and DEB_CROSS what the names of packages end with; the C library is built, too.
choose_arch() {
	ARCH=${1:-$(uname -m)} CROSS='' DEB_TOOLS='' DEB_CROSS=''
	if [[ $ARCH == "$(uname -m)" ]]; then
		NEEDS+=(musl-tools linux-libc-dev)
		return
	fi
	case $ARCH in
	x86_64) DEB_CROSS=-amd64-cross ;;
	aarch64) DEB_CROSS=-arm64-cross ;;
	*) die "cannot build for $ARCH here: only for x86_64, aarch64 and this machine's own" ;;
	esac
	CROSS=$ARCH-linux-gnu- DEB_TOOLS=-${ARCH/_/-}-linux-gnu
	NEEDS+=("gcc$DEB_TOOLS" "linux-libc-dev$DEB_CROSS")
	PACKAGES=(musl "${PACKAGES[@]}")
}

require_tools() {
	local missing=() package
	for package in "${NEEDS[@]}"; do
		[[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
	done
	[[ ${#missing[@]} -eq 0 ]] || die "these packages are missing: ${missing[*]} (apt-get install --no-install-recommends ${missing[*]})"
}

# shellcheck source=sources.sh
. "$HERE/sources.sh"
# shellcheck source=libraries.sh
. "$HERE/libraries.sh"

tool_versions() {
	local version libc=musl-dev
	version=$("${CROSS}gcc" -dumpversion)
	[[ -z $CROSS ]] || libc=libgcc-$version-dev$DEB_CROSS
	dpkg-query -W -f '${Package} ${Version}\n' "gcc-$version$DEB_TOOLS" "binutils$DEB_TOOLS" "$libc" "linux-libc-dev$DEB_CROSS"
}

# key PACKAGE: changes when anything does that its bytes depend on
key() {
	{
		locked_files "$1"
		locked_epoch
		declare -f "build_$1" autoconf cmake_configure unpack build keep_licenses
		echo "$PREFIX $BUILD_CFLAGS $TRIPLET $TOOLS"
		cat "$HERE/$1"-*.patch 2>/dev/null || true
		[[ -z $CROSS || $1 == musl ]] || cat "$PREFIX/.stamps/musl"
		[[ $1 != curl ]] || cat "$PREFIX/.stamps"/{nghttp2,c-ares,openssl}
	} | sha256sum | cut -d' ' -f1
}

# A stamp's first line is the key, the others are the files that were installed.
current() { [[ -e $PREFIX/.stamps/$1 && $(head -n 1 "$PREFIX/.stamps/$1") == "$2" ]]; }

remove_old() {
	[[ -e $PREFIX/.stamps/$1 ]] || return 0
	(cd "$PREFIX" && tail -n +2 ".stamps/$1" | xargs -r -d '\n' rm -f)
	rm -f "$PREFIX/.stamps/$1"
}

unpack() {
	local patch
	dpkg-source --no-check --no-copy -x "$CACHE/$(locked_files "$1" | sed -n 's/.*  \(.*\.dsc\)$/\1/p')" "$BUILD/$1"
	for patch in "$HERE/$1"-*.patch; do
		[[ ! -e $patch ]] || patch -d "$BUILD/$1" -p1 <"$patch"
	done
}

keep_licenses() {
	local file
	rm -rf "${PREFIX:?}/licenses/$1"
	mkdir -p "$PREFIX/licenses/$1"
	# Debian's file names the authors, upstream's has the licence's whole text, which Debian's only points to.
	# Apache's licence wants changes to be stated: the patches are the statement.
	for file in "$BUILD/$1"/debian/copyright "$BUILD/$1"/{COPYING,LICENSE,NOTICE}* "$HERE/$1"-*.patch; do
		[[ ! -f $file ]] || cp "$file" "$PREFIX/licenses/$1/"
	done
}

# Runs in a subshell that ends at the first error, its output in the log.
build() {
	unpack "$1"
	(cd "$BUILD/$1" && "build_$1")
	# Time stamps and user ids out of the archives.
	find "$STAGE" -name '*.a' -print0 | xargs -0 -n 1 "${CROSS}objcopy" --enable-deterministic-archives
	keep_licenses "$1"
	if [[ $1 == musl ]]; then
		cp -r "$STAGE$PREFIX/musl" "$PREFIX/"
		return
	fi
	mkdir -p "$PREFIX/lib/pkgconfig" "$PREFIX/include"
	cp "$STAGE$PREFIX"/lib/*.a "$PREFIX/lib/"
	cp -r "$STAGE$PREFIX"/include/. "$PREFIX/include/"
	[[ ! -d $STAGE$PREFIX/lib/pkgconfig ]] || cp "$STAGE$PREFIX"/lib/pkgconfig/*.pc "$PREFIX/lib/pkgconfig/"
}

# alone_in_cache FUNCTION ...: builds for other architectures may run side by side with this one, and share the downloads.
alone_in_cache() {
	exec 8>"$CACHE/.lock"
	flock 8
	"$@"
	exec 8>&-
}

fetch_all() {
	local package
	for package in "${PACKAGES[@]}"; do fetch "$package"; done
}

# Before the first library is built: whatever is missing is said at once, not after minutes.
PREPARED=
prepare() {
	[[ -z $PREPARED ]] || return 0
	require_tools
	alone_in_cache fetch_all
	PREPARED=1
}

build_if_needed() {
	local package=$1 wanted log started status
	wanted=$(key "$package")
	! current "$package" "$wanted" || return 0
	prepare
	started=$SECONDS
	remove_old "$package"
	STAGE=$BUILD/$package.stage
	log=$BUILD/$package.log
	rm -rf "${BUILD:?}/$package" "$STAGE"
	mkdir -p "$STAGE"
	say "building $package $(locked_version "$package")"
	set +e # a function tested by || would not stop at its errors
	(set -e; build "$package") >"$log" 2>&1
	status=$?
	set -e
	if [[ $status -ne 0 ]]; then
		tail -n 20 "$log" >&2
		die "$package failed to build, see $log"
	fi
	{
		echo "$wanted"
		(cd "$STAGE$PREFIX" && find ./* -name '*.la' -prune -o -type f -print)
	} >"$PREFIX/.stamps/$package.new"
	mv "$PREFIX/.stamps/$package.new" "$PREFIX/.stamps/$package"
	rm -rf "${BUILD:?}/$package" "$STAGE"
	say "$package took $((SECONDS - started)) s"
}

# musl and libgcc become part of the binary too.
keep_toolchain_licenses() {
	local package packages
	packages=("libgcc-$("${CROSS}gcc" -dumpversion)-dev$DEB_CROSS")
	[[ -n $CROSS ]] || packages+=(musl-dev)
	for package in "${packages[@]}"; do
		[[ -r /usr/share/doc/$package/copyright ]] || continue
		mkdir -p "$PREFIX/licenses/$package"
		cp "/usr/share/doc/$package/copyright" "$PREFIX/licenses/$package/"
	done
}

print_make_variables() {
	cat <<-END
	# Written by deps.sh.
	STATIC_CC = $MUSL_GCC
	STATIC_CFLAGS = $CODE_FLAGS $INCLUDE_FLAGS -ffile-prefix-map=\$(CURDIR)=. -I$PREFIX/include -DCURL_STATICLIB -DCARES_STATICLIB -DNGHTTP2_STATICLIB
	STATIC_LDFLAGS = $LINK_FLAGS -L$PREFIX/lib
	STATIC_LIBS = $LIBS
	END
}

print_manifest() {
	local sources="as locked" package
	[[ $LOCK == "$HERE/sources.lock" ]] || sources="NOT LOCKED, what $(locked_release) offered (TINYSUP_RELOCK=1)"
	echo "sources: $sources"
	echo "SOURCE_DATE_EPOCH $(locked_epoch)"
	echo "flags: $CODE_FLAGS"
	for package in "${PACKAGES[@]}"; do awk -v package="$package" '$1 == package' "$LOCK"; done
	(cd "$HERE" && sha256sum -- *.patch) | awk '{ print "patch", $2, $1 }'
	awk '{ print "tool", $0 }' <<<"$TOOLS"
}

# Only when it differs: make takes a new time stamp for a reason to build all anew.
replace_if_changed() {
	cat >"$1.new"
	if cmp -s "$1.new" "$1"; then rm "$1.new"; else mv "$1.new" "$1"; fi
}

choose_lock() {
	LOCK=$HERE/sources.lock
	[[ ${TINYSUP_RELOCK:-} == 1 ]] || return 0
	LOCK=$PREFIX/sources.lock
	[[ -e $LOCK ]] || { require_tools; alone_in_cache relock "$LOCK"; }
}

build_all() {
	local package
	choose_arch "$2"
	PREFIX=$(realpath -m "$1")
	CACHE=$(realpath -m "${TINYSUP_CACHE:-$PREFIX/../sources}")
	APT=$CACHE/apt
	BUILD=$PREFIX/.build
	JOBS=${TINYSUP_JOBS:-$(nproc)}
	[[ $PREFIX$CACHE != *[[:space:]]* ]] || die "no spaces, please, in the paths $PREFIX and $CACHE: they become compiler flags"
	{ command -v dpkg-query && command -v apt-get; } >/dev/null || die "this needs Debian's tools (see --needs); it is how the sources come"
	mkdir -p "$CACHE" "$PREFIX/.stamps" "$PREFIX/lib" "$PREFIX/include"
	exec 9>"$PREFIX/.lock" # two builds at once would mix their files
	flock 9
	choose_lock
	SOURCE_DATE_EPOCH=$(locked_epoch)
	TOOLS=$(tool_versions 2>/dev/null) || require_tools
	set_flags
	link_kernel_headers
	export SOURCE_DATE_EPOCH PKG_CONFIG_LIBDIR=$PREFIX/lib/pkgconfig PKG_CONFIG_PATH=
	for package in "${PACKAGES[@]}"; do build_if_needed "$package"; done
	rm -rf "$BUILD"
	print_make_variables | replace_if_changed "$PREFIX/tinysup.mk"
	print_manifest | replace_if_changed "$PREFIX/MANIFEST"
	keep_toolchain_licenses
}

case ${1:-} in
--help | -h) usage ;;
--needs)
	choose_arch "${2:-}"
	echo "${NEEDS[*]}"
	;;
--relock)
	choose_arch
	require_tools
	PACKAGES=(musl "${PACKAGES[@]}") # whatever is built for
	CACHE=$(realpath -m "${TINYSUP_CACHE:-$(mktemp -d)}")
	APT=$CACHE/apt
	[[ -n ${TINYSUP_CACHE:-} ]] || trap 'rm -rf "$CACHE"' EXIT
	relock "$HERE/sources.lock"
	;;
"" | -*)
	usage >&2
	exit 64
	;;
*) build_all "$1" "${2:-}" ;;
esac
