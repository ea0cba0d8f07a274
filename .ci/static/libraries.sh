# Part of deps.sh: the compiler's flags, and how each library is configured and built.
# shellcheck shell=bash disable=SC2034
# Reads PREFIX, ARCH, CROSS (what cross tools' names begin with, or nothing), BUILD (where sources are unpacked), JOBS, SOURCE_DATE_EPOCH.

# Debian's gcc makes position independent code unless told otherwise. A static-pie would relocate 300 KiB at each start.
# Without FORTIFY_SOURCE: musl's headers have none. NDEBUG: an assertion would put a build path into the binary.
set_flags() {
	TRIPLET=$ARCH-linux-musl
	BUILD_TRIPLET=$TRIPLET MUSL_GCC=musl-gcc BINUTILS=() CMAKE_CROSS=()
	CODE_FLAGS="-Os -fno-pie -ffunction-sections -fdata-sections -fvisibility=hidden -fno-unwind-tables -fno-asynchronous-unwind-tables -fstack-protector-strong"
	# GCC's choice of atomics at run time costs a constructor before main().
	[[ $ARCH != aarch64 ]] || CODE_FLAGS+=" -mno-outline-atomics"
	# musl-gcc looks at no header but its own: the kernel's are offered last, from a folder that holds nothing else.
	INCLUDE_FLAGS="-idirafter $PREFIX/kernel-headers"
	LINK_FLAGS="-static -no-pie -Wl,--gc-sections -Wl,-z,relro,-z,now -Wl,-z,noexecstack"
	# The C library's share of process 1 next to tinysup's own code and data: fewer pages touched than at the far end, after libcrypto.
	LIBS="-lc -lcurl -lnghttp2 -lcares -lssl -lcrypto -ljansson -lconfig -lmicrohttpd"
	BUILD_CFLAGS="$CODE_FLAGS $INCLUDE_FLAGS -ffile-prefix-map=$BUILD=. -DNDEBUG"
	[[ -z $CROSS ]] || set_cross_flags
}

set_cross_flags() {
	BUILD_TRIPLET=$(uname -m)-linux-gnu
	MUSL_GCC=$PREFIX/musl/bin/musl-gcc
	BINUTILS=(AR="${CROSS}ar" RANLIB="${CROSS}ranlib")
	CMAKE_CROSS=(-DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR="$ARCH" -DCMAKE_AR="$(command -v "${CROSS}ar")" -DCMAKE_RANLIB="$(command -v "${CROSS}ranlib")")
}

link_kernel_headers() {
	local include=/usr/include asm
	asm=/usr/include/$(gcc -print-multiarch)
	[[ -z $CROSS ]] || include=/usr/$ARCH-linux-gnu/include asm=/usr/$ARCH-linux-gnu/include
	mkdir -p "$PREFIX/kernel-headers"
	ln -sfn "$include/linux" "$PREFIX/kernel-headers/linux"
	ln -sfn "$include/asm-generic" "$PREFIX/kernel-headers/asm-generic"
	ln -sfn "$asm/asm" "$PREFIX/kernel-headers/asm"
}

# --build equal to --host, for this machine: the test programs of configure can run here, so it need not guess.
autoconf() {
	./configure --build="$BUILD_TRIPLET" --host="$TRIPLET" --prefix="$PREFIX" --disable-shared --enable-static --without-pic --disable-dependency-tracking \
		"${BINUTILS[@]}" CC="$MUSL_GCC" CFLAGS="$BUILD_CFLAGS" CPPFLAGS="-I$PREFIX/include" LDFLAGS="-static -no-pie -L$PREFIX/lib" "$@"
}

# The linker's flags stand among the compiler's: old projects keep CMAKE_EXE_LINKER_FLAGS from their test programs.
cmake_configure() {
	cmake . "${CMAKE_CROSS[@]}" -DCMAKE_C_COMPILER="$MUSL_GCC" -DCMAKE_C_FLAGS="$BUILD_CFLAGS -static -no-pie" -DCMAKE_BUILD_TYPE=None \
		-DCMAKE_INSTALL_PREFIX="$PREFIX" -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_FIND_ROOT_PATH="$PREFIX" -DBUILD_SHARED_LIBS=OFF "$@"
}

# One function a library: run in its unpacked sources, with STAGE the root to install below.

# For another architecture: this machine's own comes with musl-tools. Apart from the rest, with the compiler's wrapper.
build_musl() {
	./configure --target="$TRIPLET" --prefix="$PREFIX/musl" --disable-shared --enable-wrapper=gcc \
		CROSS_COMPILE="$CROSS" CC="${CROSS}gcc" CFLAGS="$CODE_FLAGS -ffile-prefix-map=$BUILD=."
	make -j"$JOBS" install DESTDIR="$STAGE"
}

build_jansson() {
	cmake_configure -DJANSSON_BUILD_DOCS=OFF -DJANSSON_WITHOUT_TESTS=ON -DJANSSON_EXAMPLES=OFF -DJANSSON_BUILD_SHARED_LIBS=OFF
	make -j"$JOBS" install DESTDIR="$STAGE"
}

build_libconfig() {
	autoconf --disable-cxx --disable-examples
	make -j"$JOBS" -C lib install DESTDIR="$STAGE"
}

# HTTP alone, in the thread that asks for it: no TLS, authentication, upload forms, upgrades or threads of its own.
# Without the header that makes constructors it sets itself up when a daemon is started, so in the listener only.
build_libmicrohttpd() {
	autoconf CPPFLAGS="-I$PREFIX/include -DAUTOINIT_FUNCS_INCLUDED" --disable-https --disable-doc --disable-examples --disable-curl --disable-nls --disable-messages --disable-postprocessor \
		--disable-bauth --disable-dauth --disable-httpupgrade --disable-sendfile --with-threads=none --enable-epoll --disable-rpath
	make -j"$JOBS" -C src/microhttpd install DESTDIR="$STAGE"
	make -C src/include install DESTDIR="$STAGE"
}

build_nghttp2() {
	# Newer releases ask for BUILD_STATIC_LIBS instead.
	cmake_configure -DENABLE_LIB_ONLY=ON -DENABLE_SHARED_LIB=OFF -DENABLE_STATIC_LIB=ON -DBUILD_STATIC_LIBS=ON -DENABLE_DOC=OFF
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
	case $ARCH in
	x86_64) target=linux-x86_64 ;;
	aarch64) target=linux-aarch64 ;;
	esac
	# shellcheck disable=SC2086 # a list of flags
	./Configure "$target" "${BINUTILS[@]}" CC="$MUSL_GCC" --prefix=/usr --libdir=lib --openssldir=/etc/ssl \
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
