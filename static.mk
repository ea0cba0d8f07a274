# The release: one static binary on musl, from sources at pinned versions, and what it is shipped in.

STATIC_DIR  := build-static
STATIC_DEPS := $(CURDIR)/$(STATIC_DIR)/deps
ARCH        := $(shell uname -m)
RELEASE     := tinysup-$(VERSION)-linux-$(ARCH)
# Two builds of one commit are the same bytes: no time but the commit's own
EPOCH       := $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

NEEDS_static = $(shell .ci/static/deps.sh --needs)

.PHONY: static dist
static:
	@$(MAKE) -s setup FOR=static
	@.ci/static/deps.sh $(STATIC_DEPS)
	@$(MAKE) -s all BUILD=$(STATIC_DIR) STATIC=$(STATIC_DEPS)
	@strip --strip-all -R .comment -o $(STATIC_DIR)/tinysup.stripped $(STATIC_DIR)/tinysup
	@mv $(STATIC_DIR)/tinysup.stripped $(STATIC_DIR)/tinysup
	@echo "$(STATIC_DIR)/tinysup: $$(stat -c %s $(STATIC_DIR)/tinysup) bytes"

# A tree to install by hand or by dpkg. libconfig and libmicrohttpd are LGPL: the objects let anybody link the release anew with their own.
dist: static
	@rm -rf build-dist && mkdir -p build-dist/$(RELEASE)/relink build-dist/deb/DEBIAN
	@cp $(STATIC_DIR)/tinysup docs/tinysup.8 docs/tinysup.conf.5 LICENSE README.md build-dist/$(RELEASE)/
	@cp -r $(STATIC_DEPS)/licenses build-dist/$(RELEASE)/licenses
	@cp $(STATIC_DEPS)/MANIFEST build-dist/$(RELEASE)/relink/MANIFEST
	@tar -C $(STATIC_DIR) --exclude='*.d' --sort=name --mtime=@$(EPOCH) --owner=0 --group=0 --numeric-owner -cf - \
		init probes hooks config | gzip -9n > build-dist/$(RELEASE)/relink/objects.tar.gz
	@cd build-dist/$(RELEASE) && find . -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort | xargs sha256sum > SHA256SUMS
	@tar -C build-dist --sort=name --mtime=@$(EPOCH) --owner=0 --group=0 --numeric-owner -cf - $(RELEASE) | gzip -9n \
		> build-dist/$(RELEASE).tar.gz
	@install -D -m 755 $(STATIC_DIR)/tinysup build-dist/deb/sbin/tinysup
	@for page in docs/*.[1-8]; do \
		mkdir -p build-dist/deb/usr/share/man/man$${page##*.} && \
		gzip -9nc $$page > build-dist/deb/usr/share/man/man$${page##*.}/$${page##*/}.gz || exit; done
	@install -D -m 644 LICENSE build-dist/deb/usr/share/doc/tinysup/copyright
	@cp -r $(STATIC_DEPS)/licenses build-dist/deb/usr/share/doc/tinysup/licenses
	@printf '%s\n' 'Package: tinysup' 'Version: $(VERSION)' "Architecture: $$(dpkg --print-architecture)" \
		'Maintainer: the tinysup authors <tinysup@localhost>' 'Section: admin' 'Priority: optional' \
		'Description: process 1 for containers that hold money or data' \
		' Runs an app as its child, answers health probes, and stops it in order' \
		' within a deadline that is never exceeded.' > build-dist/deb/DEBIAN/control
	@find build-dist/deb -exec touch -hd @$(EPOCH) {} +
	@SOURCE_DATE_EPOCH=$(EPOCH) dpkg-deb --root-owner-group -b build-dist/deb \
		build-dist/tinysup_$(VERSION)_$$(dpkg --print-architecture).deb >/dev/null
	@rm -rf build-dist/deb
	@cd build-dist && sha256sum *.tar.gz *.deb > SHA256SUMS && cat SHA256SUMS
