# What needs a Docker engine, or the release as it is shipped: part of `make test`, or alone. Needs root.

# an engine that is there already stays
E2E_NEEDS  := debootstrap binutils $(if $(wildcard /usr/sbin/dockerd /usr/bin/dockerd /usr/local/bin/dockerd),,docker.io)
TEST_NEEDS += $(E2E_NEEDS)

.PHONY: e2e
e2e: needs-test
	@$(MAKE) -s all
	@tests/run.py tests/e2e/
