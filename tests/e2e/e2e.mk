# What needs a Docker engine, or the release as it is shipped: `make e2e`, and part of `make test` in CI. Needs root.

# an engine that is there already stays
E2E_NEEDS := debootstrap binutils $(if $(wildcard /usr/sbin/dockerd /usr/bin/dockerd /usr/local/bin/dockerd),,docker.io)
ifneq ($(filter-out false,$(CI)),)
TEST_NEEDS += $(E2E_NEEDS)
endif

.PHONY: e2e
e2e: needs-test
	@.ci/needs $(E2E_NEEDS)
	@$(MAKE) -s all static
	@tests/run.py tests/e2e/
