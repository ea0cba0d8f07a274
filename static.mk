# The release: one static binary on musl, from sources at pinned versions, and what it is shipped in.

# ARCH=aarch64, ARCH=x86_64: on a machine of the other kind it is cross-built
ARCH        := $(shell uname -m)
CROSS       := $(if $(filter-out $(shell uname -m),$(ARCH)),$(ARCH)-linux-gnu-)
STATIC_DIR  := build-static$(if $(CROSS),-$(ARCH))
STATIC_DEPS := $(CURDIR)/$(STATIC_DIR)/deps
DIST        := build-dist
DISTS       := $(if $(filter command,$(origin ARCH)),$(ARCH),x86_64 aarch64)
RELEASE     := tinysup-$(VERSION)-linux-$(ARCH)
DEB_ARCH     = $(or $(DEB_ARCH_$(ARCH)),$(shell dpkg --print-architecture))
DEB_ARCH_x86_64  := amd64
DEB_ARCH_aarch64 := arm64
# amd64's image and SBOM have the plain names
OTHER        = $(if $(filter-out amd64,$(DEB_ARCH)),-$(DEB_ARCH))
# Two builds of one commit are the same bytes: no time but the commit's own
EPOCH       := $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

NEEDS_static = $(shell .ci/static/deps.sh --needs $(ARCH))

.PHONY: static releases dist packages package $(DISTS:%=static-%)
static:
	@$(MAKE) -s setup FOR=static
	@TINYSUP_CACHE=$${TINYSUP_CACHE:-build-static/sources} .ci/static/deps.sh $(STATIC_DEPS) $(ARCH)
	@$(MAKE) -s all BUILD=$(STATIC_DIR) STATIC=$(STATIC_DEPS)
	@$(CROSS)strip --strip-all -R .comment -o $(STATIC_DIR)/tinysup.stripped $(STATIC_DIR)/tinysup
	@mv $(STATIC_DIR)/tinysup.stripped $(STATIC_DIR)/tinysup
	@echo "$(STATIC_DIR)/tinysup: $$(stat -c %s $(STATIC_DIR)/tinysup) bytes"

# Side by side: a configure keeps one processor busy.
releases:
	@for arch in $(DISTS); do $(MAKE) -s setup FOR=static ARCH=$$arch || exit; done
	@$(MAKE) -s -j2 $(DISTS:%=static-%)
$(DISTS:%=static-%): static-%:
	@$(MAKE) -s static ARCH=$*

# A tree to install by hand or by dpkg, an image for `docker load`, and an SBOM.
# libconfig and libmicrohttpd are LGPL: the objects let anybody link the release anew with their own.
dist: releases
	@$(MAKE) -s packages
packages:
	@rm -rf $(DIST)
	@for arch in $(DISTS); do $(MAKE) -s package ARCH=$$arch || exit; done
	@cd $(DIST) && sha256sum *.tar.gz *.deb *.spdx.json > SHA256SUMS && cat SHA256SUMS
package:
	@mkdir -p $(DIST)/$(RELEASE)/relink $(DIST)/deb/DEBIAN
	@cp $(STATIC_DIR)/tinysup docs/tinysup.8 docs/tinysup.conf.5 LICENSE README.md $(DIST)/$(RELEASE)/
	@cp -r docs/completions $(DIST)/$(RELEASE)/completions
	@cp -r $(STATIC_DEPS)/licenses $(DIST)/$(RELEASE)/licenses
	@cp $(STATIC_DEPS)/MANIFEST $(DIST)/$(RELEASE)/relink/MANIFEST
	@tar -C $(STATIC_DIR) --exclude='*.d' --sort=name --mtime=@$(EPOCH) --owner=0 --group=0 --numeric-owner -cf - \
		init probes hooks config | gzip -9n > $(DIST)/$(RELEASE)/relink/objects.tar.gz
	@cd $(DIST)/$(RELEASE) && find . -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort | xargs sha256sum > SHA256SUMS
	@tar -C $(DIST) --sort=name --mtime=@$(EPOCH) --owner=0 --group=0 --numeric-owner -cf - $(RELEASE) | gzip -9n \
		> $(DIST)/$(RELEASE).tar.gz
	@install -D -m 755 $(STATIC_DIR)/tinysup $(DIST)/deb/sbin/tinysup
	@for page in docs/*.[1-8]; do \
		mkdir -p $(DIST)/deb/usr/share/man/man$${page##*.} && \
		gzip -9nc $$page > $(DIST)/deb/usr/share/man/man$${page##*.}/$${page##*/}.gz || exit; done
	@install -D -m 644 docs/completions/tinysup.bash $(DIST)/deb/usr/share/bash-completion/completions/tinysup
	@install -D -m 644 docs/completions/_tinysup $(DIST)/deb/usr/share/zsh/vendor-completions/_tinysup
	@install -D -m 644 docs/completions/tinysup.fish $(DIST)/deb/usr/share/fish/vendor_completions.d/tinysup.fish
	@install -D -m 644 LICENSE $(DIST)/deb/usr/share/doc/tinysup/copyright
	@cp -r $(STATIC_DEPS)/licenses $(DIST)/deb/usr/share/doc/tinysup/licenses
	@printf '%s\n' 'Package: tinysup' 'Version: $(VERSION)' 'Architecture: $(DEB_ARCH)' \
		'Maintainer: the tinysup authors <tinysup@localhost>' 'Section: admin' 'Priority: optional' \
		'Description: process 1 for containers that hold money or data' \
		' Runs an app as its child, answers health probes, and stops it in order' \
		' within a deadline that is never exceeded.' > $(DIST)/deb/DEBIAN/control
	@find $(DIST)/deb -exec touch -hd @$(EPOCH) {} +
	@SOURCE_DATE_EPOCH=$(EPOCH) dpkg-deb --root-owner-group -b $(DIST)/deb \
		$(DIST)/tinysup_$(VERSION)_$(DEB_ARCH).deb >/dev/null
	@rm -rf $(DIST)/deb
	@.ci/static/image.sh $(STATIC_DIR)/tinysup $(VERSION)$(OTHER) $(DEB_ARCH) $(EPOCH) | gzip -9n > $(DIST)/tinysup-$(VERSION)-image$(OTHER).tar.gz
	@.ci/static/sbom.sh $(STATIC_DEPS)/MANIFEST $(STATIC_DIR)/tinysup $(VERSION) $(EPOCH) > $(DIST)/tinysup-$(VERSION)$(OTHER).spdx.json
