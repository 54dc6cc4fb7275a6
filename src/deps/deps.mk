# The third-party libraries for $(FLAVOUR), built into $(DEPS) from pinned Debian sources (build,
# fetch, pins, recipes/). $(DEPS_STAMP) is newer than all of that; objects depend on it.
# $(LIBS), in the Makefile, links them statically in its order.

DEPS_STAMP := $(BUILD)/deps-$(FLAVOUR).stamp
CPPFLAGS += -DNCURSES_WIDECHAR=1 -DMONGOC_STATIC -DBSON_STATIC -DUTF8PROC_STATIC -DCURL_STATICLIB

deps: $(DEPS_STAMP)

$(DEPS_STAMP): $(wildcard src/deps/pins src/deps/build src/deps/build-one src/deps/recipes/*)
	@src/deps/build --flavour $(FLAVOUR) --prefix $(DEPS)
	@touch $@

# A folder that was taken away is built again.
ifeq ($(wildcard $(DEPS)/stamps/*),)
$(DEPS_STAMP): FORCE
endif
