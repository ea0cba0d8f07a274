# What needs a Docker engine, or the release as it is shipped: `make e2e`, and part of `make test` in CI. Needs root.

# an engine that is there already stays
NEEDS_e2e := $(NEEDS_test) debootstrap binutils docker-compose python3-yaml rootlesskit uidmap runsc qemu-user-static \
               $(if $(wildcard /usr/sbin/dockerd /usr/bin/dockerd /usr/local/bin/dockerd),,docker.io)

.PHONY: e2e
e2e:
	@$(MAKE) -s setup FOR=e2e
	@$(MAKE) -s all releases
	@$(MAKE) -s test T=tests/e2e/
