#!/bin/bash
# The static libraries of the release binary. See --help.
set -euo pipefail
export LC_ALL=C TZ=UTC

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PACKAGES=(jansson libconfig nghttp2 c-ares openssl curl) # in the order they are built: curl wants the three before it
NEEDS=(build-essential musl-tools linux-libc-dev dpkg-dev cmake pkg-config perl ca-certificates)

usage() {
	cat <<-'END'
	usage: deps.sh PREFIX       build the static libraries into PREFIX; what is already there and current is kept
	       deps.sh --relock     write sources.lock anew from what this machine's distribution offers now
	       deps.sh --needs      print the Debian packages a build needs, for apt-get install
	       deps.sh --help

	Sources are Debian's, fetched by apt from wherever this machine is configured to get its packages, and checked
	against sources.lock. Nothing outside PREFIX and the cache is written, and root is not needed.

	In PREFIX: lib/*.a, include/, tinysup.mk (STATIC_CC, STATIC_CFLAGS, STATIC_LDFLAGS, STATIC_LIBS for make),
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

require_tools() {
	local missing=() package
	for package in "${NEEDS[@]}"; do
		[[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
	done
	[[ ${#missing[@]} -eq 0 ]] || die "these packages are missing: ${missing[*]} (apt-get install --no-install-recommends ${missing[*]})"
}

# ---- Sources: apt, with configuration and lists of its own

this_release() {
	# shellcheck source=/dev/null
	(. /etc/os-release && echo "${VERSION_CODENAME:-$ID}")
}

locked_release() { sed -n 's/^@release //p' "$LOCK"; }
locked_epoch() { sed -n 's/^@epoch //p' "$LOCK"; }
locked_version() { awk -v package="$1" '$1 == package { print $2; exit }' "$LOCK"; }
locked_files() { awk -v package="$1" '$1 == package { print $4 "  " $3 }' "$LOCK"; } # as sha256sum -c reads them

# The machine's own sources as deb-src. Backports and proposed updates would win over the release's versions: left out.
copy_apt_sources() {
	local file
	rm -rf "$APT/sources.list.d"
	mkdir -p "$APT/sources.list.d"
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[[ -r $file ]] || continue
		sed -n '/-backports\|-proposed/d; s/^[[:space:]]*deb[[:space:]]/deb-src /p' "$file" >"$APT/sources.list.d/$(basename "$file")"
	done
	for file in /etc/apt/sources.list.d/*.sources; do
		[[ -r $file ]] || continue
		awk -v RS= -v ORS='\n\n' -F '\n' -v OFS='\n' '{
			for (i = 1; i <= NF; i++) {
				if (tolower($i) ~ /^types:/) $i = "Types: deb-src"
				if (tolower($i) ~ /^suites:/ && gsub(/[^ \t]*-(backports|proposed)[^ \t]*/, "", $i) && $i ~ /:[ \t]*$/) next
			}
			print
		}' "$file" >"$APT/sources.list.d/$(basename "$file")"
	done
}

# Proxies, keys and the like stay the machine's. Its hooks after an update belong to its own lists, not to these.
write_apt_conf() {
	mkdir -p "$APT/lists/partial" "$APT/cache/archives/partial"
	cat >"$APT/apt.conf" <<-END
	#clear APT::Update::Pre-Invoke;
	#clear APT::Update::Post-Invoke;
	#clear APT::Update::Post-Invoke-Success;
	Dir::Etc::SourceList "/dev/null";
	Dir::Etc::SourceParts "$APT/sources.list.d";
	Dir::State::Lists "$APT/lists";
	Dir::Cache "$APT/cache";
	Acquire::Languages "none";
	Acquire::Retries "2";
	END
}

# Once a run, and only when something has to be downloaded. A source of somebody else's that fails is not our concern:
# whether ours were found shows when they are asked for.
APT_READY=
update_lists() {
	[[ -z $APT_READY ]] || return 0
	copy_apt_sources
	write_apt_conf
	say "reading the lists of source packages"
	apt-get -c "$APT/apt.conf" -q update >"$APT/update.log" 2>&1 || say "apt-get update complained, see $APT/update.log"
	APT_READY=1
}

offered_versions() { apt-cache -c "$APT/apt.conf" showsrc --only-source "$1" 2>/dev/null | sed -n 's/^Version: //p' | sort -rVu; }

# download PACKAGE VERSION DIRECTORY
download() {
	rm -rf "$3"
	mkdir -p "$3"
	(cd "$3" && apt-get -c "$APT/apt.conf" -q source --download-only --only-source "$1=$2") >"$APT/download-$1.log" 2>&1
}

# check PACKAGE DIRECTORY: are all its files there, and the very bytes of the lock?
check() { (cd "$2" && locked_files "$1" | sha256sum --check --quiet --strict - >&2); }

have_all() {
	local file
	while read -r _ file; do [[ -e $CACHE/$file ]] || return 1; done < <(locked_files "$1")
}

# fetch PACKAGE: its locked files into the cache, verified
fetch() {
	local package=$1 version incoming
	version=$(locked_version "$package")
	[[ -n $version ]] || die "$LOCK has no line for $package"
	if ! have_all "$package"; then
		[[ $(this_release) == "$(locked_release)" ]] ||
			die "the lock is for $(locked_release) and this is $(this_release): build there, or set TINYSUP_RELOCK=1 to take this release's versions (not for a release)"
		update_lists
		say "downloading $package $version"
		incoming=$CACHE/incoming.$package
		download "$package" "$version" "$incoming" ||
			die "$package $version cannot be downloaded; offered here: $(offered_versions "$package" | paste -sd' ') (deps.sh --relock takes what there is; see $APT/download-$package.log)"
		check "$package" "$incoming" || die "CHECKSUM MISMATCH: what the mirror sent for $package $version is not what sources.lock names. Not using it; it is in $incoming"
		mv -f "$incoming"/* "$CACHE/"
		rm -rf "$incoming"
	fi
	check "$package" "$CACHE" || die "CHECKSUM MISMATCH: $package $version in $CACHE is not what sources.lock names. Delete the file to have it downloaded again"
}

# relock FILE: the newest version of each that the mirror really has. It may list one whose files it lacks: said aloud.
relock() {
	local package version incoming file epoch=0 when lines=""
	update_lists
	for package in "${PACKAGES[@]}"; do
		incoming=$CACHE/incoming.$package
		for version in $(offered_versions "$package") ""; do
			[[ -n $version ]] || die "no version of $package can be downloaded here, see $APT/update.log and $APT/download-$package.log"
			download "$package" "$version" "$incoming" && break
			say "WARNING: $package $version is listed but cannot be downloaded: trying an older one"
		done
		say "locking $package $version"
		for file in "$incoming"/*; do
			lines+="$package $version $(basename "$file") $(sha256sum <"$file" | cut -d' ' -f1)"$'\n'
		done
		dpkg-source --no-check -x "$incoming"/*.dsc "$incoming/unpacked" >/dev/null
		when=$(dpkg-parsechangelog -l "$incoming/unpacked/debian/changelog" -S Timestamp)
		[[ $when -le $epoch ]] || epoch=$when
		rm -rf "$incoming/unpacked"
		mv -f "$incoming"/* "$CACHE/"
		rm -rf "$incoming"
	done
	cat >"$1.new" <<-END
	# Written by deps.sh --relock. The source packages of the static build: package, version, file, SHA-256.
	# @epoch is SOURCE_DATE_EPOCH: the date of the youngest of them.
	@release $(this_release)
	@epoch $epoch
	END
	printf '%s' "$lines" >>"$1.new"
	mv "$1.new" "$1"
	say "wrote $1"
}

# ---- Tool chain

# Debian's gcc makes position independent code unless told otherwise. A static-pie would relocate 300 KiB at each start.
# Without FORTIFY_SOURCE: musl's headers have none. NDEBUG: an assertion would put a build path into the binary.
set_flags() {
	local machine
	machine=$(uname -m)
	TRIPLET=$machine-linux-musl
	CODE_FLAGS="-Os -fno-pie -ffunction-sections -fdata-sections -fvisibility=hidden -fno-unwind-tables -fno-asynchronous-unwind-tables -fstack-protector-strong"
	# GCC's choice of atomics at run time costs a constructor before main().
	[[ $machine != aarch64 ]] || CODE_FLAGS+=" -mno-outline-atomics"
	# musl-gcc looks at no header but its own: the kernel's are offered last, from a folder that holds nothing else.
	INCLUDE_FLAGS="-idirafter $PREFIX/kernel-headers"
	LINK_FLAGS="-static -no-pie -Wl,--gc-sections -Wl,-z,relro,-z,now -Wl,-z,noexecstack"
	# The C library's share of process 1 next to tinysup's own code and data: fewer pages touched than at the far end, after libcrypto.
	LIBS="-lc -lcurl -lnghttp2 -lcares -lssl -lcrypto -ljansson -lconfig"
	BUILD_CFLAGS="$CODE_FLAGS $INCLUDE_FLAGS -ffile-prefix-map=$BUILD=. -DNDEBUG"
}

link_kernel_headers() {
	local multiarch
	multiarch=$(gcc -print-multiarch)
	mkdir -p "$PREFIX/kernel-headers"
	ln -sfn /usr/include/linux "$PREFIX/kernel-headers/linux"
	ln -sfn /usr/include/asm-generic "$PREFIX/kernel-headers/asm-generic"
	ln -sfn "/usr/include/$multiarch/asm" "$PREFIX/kernel-headers/asm"
}

# --build equal to --host: the test programs of configure can run here, so it need not guess.
autoconf() {
	./configure --build="$TRIPLET" --host="$TRIPLET" --prefix="$PREFIX" --disable-shared --enable-static --without-pic --disable-dependency-tracking \
		CC=musl-gcc CFLAGS="$BUILD_CFLAGS" CPPFLAGS="-I$PREFIX/include" LDFLAGS="-static -no-pie -L$PREFIX/lib" "$@"
}

# The linker's flags stand among the compiler's: old projects keep CMAKE_EXE_LINKER_FLAGS from their test programs.
cmake_configure() {
	cmake . -DCMAKE_C_COMPILER=musl-gcc -DCMAKE_C_FLAGS="$BUILD_CFLAGS -static -no-pie" -DCMAKE_BUILD_TYPE=None \
		-DCMAKE_INSTALL_PREFIX="$PREFIX" -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_FIND_ROOT_PATH="$PREFIX" -DBUILD_SHARED_LIBS=OFF "$@"
}

# ---- One function a library: run in its unpacked sources, installs below $STAGE

build_jansson() {
	cmake_configure -DJANSSON_BUILD_DOCS=OFF -DJANSSON_WITHOUT_TESTS=ON -DJANSSON_EXAMPLES=OFF -DJANSSON_BUILD_SHARED_LIBS=OFF
	make -j"$JOBS" install DESTDIR="$STAGE"
}

build_libconfig() {
	autoconf --disable-cxx --disable-examples
	make -j"$JOBS" -C lib install DESTDIR="$STAGE"
}

build_nghttp2() {
	cmake_configure -DENABLE_LIB_ONLY=ON -DENABLE_SHARED_LIB=OFF -DENABLE_STATIC_LIB=ON -DENABLE_DOC=OFF
	make -j"$JOBS" install DESTDIR="$STAGE"
}

build_c-ares() {
	cmake_configure -DCARES_STATIC=ON -DCARES_SHARED=OFF -DCARES_BUILD_TOOLS=OFF -DCARES_BUILD_TESTS=OFF
	make -j"$JOBS" install DESTDIR="$STAGE"
}

# A TLS 1.2 and 1.3 client and what it needs. The processor's own instructions stay (their AES and curves take constant time), and so do the error texts.
# Its own configuration file is never read: an image's openssl.cnf has no say in how a probe is made.
build_openssl() {
	local target=linux-generic64 dir
	case $(uname -m) in
	x86_64) target=linux-x86_64 ;;
	aarch64) target=linux-aarch64 ;;
	esac
	# shellcheck disable=SC2086 # a list of flags
	./Configure "$target" CC=musl-gcc --prefix=/usr --libdir=lib --openssldir=/etc/ssl \
		no-shared no-pic no-dso no-module no-tests no-engine no-afalgeng no-async no-autoload-config no-filenames no-ui-console no-fips no-legacy \
		no-comp no-dtls no-srp no-srtp no-psk no-ssl3 no-tls1 no-tls1_1 no-nextprotoneg no-ocsp no-ct no-cmp no-cms no-ts no-rfc3779 \
		no-weak-ssl-ciphers no-idea no-camellia no-seed no-aria no-sm2 no-sm3 no-sm4 no-bf no-cast no-des no-rc2 no-rc4 no-rc5 no-md4 no-mdc2 \
		no-rmd160 no-whirlpool no-blake2 no-siphash no-siv no-ocb no-scrypt no-gost no-dsa no-ec2m no-multiblock \
		$BUILD_CFLAGS -DOPENSSL_SMALL_FOOTPRINT
	make -j"$JOBS" build_generated
	# It would record its flags, so the build's path, for OpenSSL_version().
	cat >crypto/buildinf.h <<-END
	#define PLATFORM "platform: $target"
	#define DATE "built on: $(date -u -d "@$SOURCE_DATE_EPOCH" +%F)"
	static const char compiler_flags[] = "compiler: musl-gcc";
	END
	make -j"$JOBS" libcrypto.a libssl.a
	dir=$STAGE$PREFIX
	mkdir -p "$dir/lib" "$dir/include"
	cp libcrypto.a libssl.a "$dir/lib/"
	cp -r include/openssl "$dir/include/"
	rm -f "$dir"/include/openssl/*.in
}

# http(s), smtp(s), HTTP/2, Unix sockets; names through c-ares. No proxy, cookie, netrc or authentication beyond basic, bearer and digest.
# No socketpair: it would be made for each request, and only curl_multi_wakeup() needs it.
build_curl() {
	autoconf LIBS="-lssl -lcrypto -lpthread" --with-openssl="$PREFIX" --enable-ares="$PREFIX" --with-nghttp2="$PREFIX" \
		--without-ca-bundle --without-ca-path --without-zlib --without-brotli --without-zstd --without-libpsl --without-librtmp --without-libidn2 \
		--without-libssh2 --without-libgsasl --without-ngtcp2 --without-nghttp3 --without-quiche \
		--enable-http --enable-smtp --enable-unix-sockets --enable-ipv6 --enable-http-auth --enable-verbose --enable-mime --enable-headers-api \
		--disable-ftp --disable-file --disable-ldap --disable-ldaps --disable-rtsp --disable-proxy --disable-dict --disable-telnet --disable-tftp \
		--disable-pop3 --disable-imap --disable-smb --disable-gopher --disable-mqtt --disable-manual --disable-sspi --disable-ntlm --disable-ntlm-wb \
		--disable-tls-srp --disable-cookies --disable-doh --disable-alt-svc --disable-hsts --disable-netrc --disable-aws --disable-kerberos-auth \
		--disable-negotiate-auth --disable-websockets --disable-libcurl-option --disable-get-easy-options --disable-openssl-auto-load-config \
		--disable-progress-meter --disable-dateparse --disable-socketpair --disable-curldebug --disable-debug
	make -j"$JOBS" -C lib install DESTDIR="$STAGE"
	make -C include install DESTDIR="$STAGE"
}

# ---- Building

tool_versions() {
	dpkg-query -W -f '${Package} ${Version}\n' "gcc-$(gcc -dumpversion)" binutils musl-dev linux-libc-dev
}

# key PACKAGE: changes when anything does that its bytes depend on
key() {
	{
		locked_files "$1"
		locked_epoch
		declare -f "build_$1" autoconf cmake_configure unpack build keep_licenses
		echo "$PREFIX $CODE_FLAGS $TRIPLET $TOOLS"
		cat "$HERE/$1"-*.patch 2>/dev/null || true
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
	find "$STAGE" -name '*.a' -exec objcopy --enable-deterministic-archives {} \;
	mkdir -p "$PREFIX/lib/pkgconfig" "$PREFIX/include"
	cp "$STAGE$PREFIX"/lib/*.a "$PREFIX/lib/"
	cp -r "$STAGE$PREFIX"/include/. "$PREFIX/include/"
	[[ ! -d $STAGE$PREFIX/lib/pkgconfig ]] || cp "$STAGE$PREFIX"/lib/pkgconfig/*.pc "$PREFIX/lib/pkgconfig/"
	keep_licenses "$1"
}

build_if_needed() {
	local package=$1 wanted log started=$SECONDS status
	wanted=$(key "$package")
	! current "$package" "$wanted" || return 0
	[[ -n ${TOOLS_CHECKED:-} ]] || require_tools
	TOOLS_CHECKED=1
	fetch "$package"
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
		(cd "$STAGE$PREFIX" && find include lib -name '*.la' -prune -o -type f -print)
	} >"$PREFIX/.stamps/$package.new"
	mv "$PREFIX/.stamps/$package.new" "$PREFIX/.stamps/$package"
	rm -rf "${BUILD:?}/$package" "$STAGE"
	say "$package took $((SECONDS - started)) s"
}

# musl and libgcc become part of the binary too.
keep_toolchain_licenses() {
	local package
	for package in musl-dev "libgcc-$(gcc -dumpversion)-dev"; do
		[[ -r /usr/share/doc/$package/copyright ]] || continue
		mkdir -p "$PREFIX/licenses/$package"
		cp "/usr/share/doc/$package/copyright" "$PREFIX/licenses/$package/"
	done
}

write_results() {
	cat >"$PREFIX/tinysup.mk" <<-END
	# Written by deps.sh.
	STATIC_CC = musl-gcc
	STATIC_CFLAGS = $CODE_FLAGS $INCLUDE_FLAGS -ffile-prefix-map=\$(CURDIR)=. -I$PREFIX/include -DCURL_STATICLIB -DCARES_STATICLIB -DNGHTTP2_STATICLIB
	STATIC_LDFLAGS = $LINK_FLAGS -L$PREFIX/lib
	STATIC_LIBS = $LIBS
	END
	{
		[[ $LOCK == "$HERE/sources.lock" ]] && echo "sources: as locked" || echo "sources: NOT LOCKED, whatever $(locked_release) offered (TINYSUP_RELOCK=1)"
		echo "SOURCE_DATE_EPOCH $(locked_epoch)"
		echo "flags: $CODE_FLAGS"
		grep -v '^[#@]' "$LOCK"
		(cd "$HERE" && sha256sum -- *.patch | awk '{ print "patch", $2, $1 }')
		awk '{ print "tool", $0 }' <<<"$TOOLS"
	} >"$PREFIX/MANIFEST"
	keep_toolchain_licenses
}

choose_lock() {
	LOCK=$HERE/sources.lock
	[[ ${TINYSUP_RELOCK:-} == 1 ]] || return 0
	LOCK=$PREFIX/sources.lock
	[[ -e $LOCK ]] || { require_tools; relock "$LOCK"; }
}

build_all() {
	local package
	mkdir -p "$1"
	PREFIX=$(cd "$1" && pwd)
	CACHE=${TINYSUP_CACHE:-$(dirname "$PREFIX")/sources}
	mkdir -p "$CACHE" "$PREFIX/.stamps" "$PREFIX/lib" "$PREFIX/include"
	CACHE=$(cd "$CACHE" && pwd)
	APT=$CACHE/apt
	BUILD=$PREFIX/.build
	JOBS=${TINYSUP_JOBS:-$(nproc)}
	[[ $PREFIX$CACHE != *[[:space:]]* ]] || die "no spaces, please, in the paths $PREFIX and $CACHE: they become compiler flags"
	{ command -v dpkg-query && command -v apt-get; } >/dev/null || die "this needs Debian's tools (see --needs); it is how the sources come"
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
	write_results
}

case ${1:-} in
--help | -h) usage ;;
--needs) echo "${NEEDS[*]}" ;;
--relock)
	CACHE=${TINYSUP_CACHE:-$(mktemp -d)}
	mkdir -p "$CACHE"
	CACHE=$(cd "$CACHE" && pwd)
	APT=$CACHE/apt
	require_tools
	relock "$HERE/sources.lock"
	[[ -n ${TINYSUP_CACHE:-} ]] || rm -rf "$CACHE"
	;;
"" | -*)
	usage >&2
	exit 64
	;;
*) build_all "$1" ;;
esac
