# Part of deps.sh: Debian's source packages, fetched by apt with configuration and lists of its own, checked against the lock.
# shellcheck shell=bash
# Reads LOCK, CACHE (downloads), APT (apt's private folder), PACKAGES.

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
