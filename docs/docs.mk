# The manual: the settings' reference comes from the schema.

.PHONY: docs lint-docs
MANPAGE = sed 's/@VERSION@/$(VERSION)/' docs/tinysup.conf.5.in && $(BUILD)/manpage && \
	printf '.SH SEE ALSO\n.BR tinysup (8)\n'

$(BUILD)/manpage: $(BUILD)/docs/manpage.o $(LIBRARY)
	$(LINK)

docs: $(BUILD)/manpage
	@{ $(MANPAGE); } > docs/tinysup.conf.5
lint-docs: $(BUILD)/manpage
	@{ $(MANPAGE); } | diff docs/tinysup.conf.5 - || { echo 'the manual is not what the schema says: make docs'; exit 1; }
	@! grep -n '(null)' docs/tinysup.conf.5
	@! groff -man -Tutf8 -ww -z docs/*.[1-8] 2>&1 | grep .
