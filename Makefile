# offkit: two static programs. `make`, `make demo`, `make test`; the variables are at the top.

VERSION    := 1.0.0
PREFIX     ?= /usr/local
DESTDIR    ?=
BUILD      ?= build
SANITIZE   ?=
TRUST_ROOT ?= fixtures/demo-root

# The kind of machine that is built for: this one's, or arm64, across (src/deps/cross).
HOST_ARCH := $(patsubst aarch64,arm64,$(shell uname -m))
ARCH       ?= $(HOST_ARCH)
CROSS      := $(filter-out $(HOST_ARCH),$(ARCH))
ifneq ($(filter-out arm64,$(CROSS)),)
$(error ARCH=$(ARCH) cannot be built here: this machine builds for $(sort $(HOST_ARCH) arm64))
endif

# ---- flavours: release is static against musl; SANITIZE=address,undefined is glibc's, dynamic.
ifeq ($(SANITIZE),)
FLAVOUR := musl
OUT     := $(BUILD)/release
CC      := musl-gcc
TRIPLET := $(shell gcc -dumpmachine 2>/dev/null)
# The kernel's headers (seccomp, Landlock), behind musl's own.
KERNEL_HEADERS := -idirafter /usr/include -idirafter /usr/include/$(TRIPLET)
# A static program at a fixed address; -static-pie would leave an interpreter on Debian 12.
PIE_FLAGS := -fno-pie
LDFLAGS := -static -no-pie
AR      := ar
STRIP   := strip
ifneq ($(CROSS),)
FLAVOUR := musl-$(CROSS)
OUT     := $(BUILD)/release-$(CROSS)
CC      := $(BUILD)/deps/$(FLAVOUR)/cross/bin/musl-gcc
KERNEL_HEADERS :=
AR      := aarch64-linux-gnu-ar
STRIP   := aarch64-linux-gnu-strip
endif
else
FLAVOUR := glibc
OUT     := $(BUILD)/sanitize
CC      := gcc
KERNEL_HEADERS :=
SANITIZE_FLAGS := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all
LDFLAGS := $(SANITIZE_FLAGS)
endif
DEPS := $(BUILD)/deps/$(FLAVOUR)

# ---- flags, in one place; objects depend on them through $(OUT)/flags.
CPPFLAGS := -D_GNU_SOURCE -Isrc -I. -isystem $(DEPS)/include -isystem $(DEPS)/include/libmongoc-1.0 \
	-isystem $(DEPS)/include/libbson-1.0 -isystem $(DEPS)/include/ncursesw $(KERNEL_HEADERS)
CFLAGS := -std=gnu17 -O2 -g0 -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings -Wundef -Wvla -Wformat=2 -Wimplicit-fallthrough -Wcast-qual \
	-fno-common -fstack-protector-strong -fstack-clash-protection -fno-strict-overflow \
	-ffunction-sections -fdata-sections -ffile-prefix-map=$(CURDIR)=. \
	$(PIE_FLAGS) $(SANITIZE_FLAGS)
LDFLAGS += -Wl,--gc-sections -Wl,-z,noexecstack -Wl,-z,relro -Wl,-z,now -Wl,--build-id=none
LIBS := -larchive -llzma -lbz2 -llz4 -lmongoc-static-1.0 -lbson-static-1.0 -lcurl -lssl -lcrypto -lzstd -lz \
	-lmbedx509 -lmbedcrypto -lcjson -lutf8proc -lncursesw -lqrencode -lpthread -lm
LDLIBS := -L$(DEPS)/lib $(LIBS)

# The date of the commit that is built: a floor under the clock when expiry is judged.
COMMIT_TIME := $(shell git -c safe.directory='*' log -1 --format=%ct 2>/dev/null || cat .commit-time 2>/dev/null || echo 0)

FLOORS   := base text qr json crypto compress archive kit trust verify site mongo object derive steps engine
LIB_SRC  := $(sort $(foreach f,$(FLOORS),$(wildcard src/$(f)/*.c)))
TUI_SRC  := $(sort $(wildcard tui/*.c))
CLI_SRC  := $(sort $(wildcard src/cli/*.c) $(TUI_SRC))
PACK_SRC := $(sort $(wildcard src/pack/*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
TOOL_SRC := $(sort $(wildcard tests/tools/*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
# What the targets share; the replay's main is theirs only without libFuzzer.
FUZZ_AID := $(filter-out $(FUZZ_SRC) tests/fuzz/replay.c,$(sort $(wildcard tests/fuzz/*.c)))
FAULT_SRC := $(sort $(wildcard tests/fault/fault_*.c))

comma := ,
object = $(patsubst %.c,$(OUT)/obj/%.o,$(1))
LIB    := $(OUT)/liboffkit.a
UNIT   := $(patsubst tests/unit/%.c,$(OUT)/unit/%,$(UNIT_SRC))
TOOLS  := $(patsubst tests/tools/%.c,$(OUT)/tools/%,$(TOOL_SRC))
PROXY  := $(OUT)/tools/topology_proxy
FUZZ   := $(patsubst tests/fuzz/%.c,$(OUT)/fuzz/%,$(FUZZ_SRC))
FAULT  := $(patsubst tests/fault/%.c,$(OUT)/fault/%,$(FAULT_SRC)) $(OUT)/fault/offkit
# Those with sanitizers, or for another machine, stay where they are made: $(BUILD)/offkit is never one.
PROGRAMS := $(addprefix $(if $(SANITIZE)$(CROSS),$(OUT),$(BUILD))/,offkit offkit-pack)

.PHONY: pictures recording all check-static unit tools fuzz fuzzers fuzzing fuzz-coverage fault testenv server test test-arm64 demo bench damage sweep install shipped sbom image tarball deb relink clean deps FORCE
.DELETE_ON_ERROR:
.SECONDARY:
# Each command as a short line; V=1 shows them whole.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))
all: $(PROGRAMS)

# ---- third-party libraries
include $(wildcard src/deps/deps.mk)

$(OUT)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(LDLIBS)' | cmp -s - $@ || \
	 echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(LDLIBS)' >$@

$(OUT)/obj/%.o: %.c $(OUT)/flags $(DEPS_STAMP)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The only two objects that know something of the build: version and date, and the trust root.
$(OUT)/obj/src/base/version.o: CPPFLAGS += -DOFFKIT_VERSION='"$(VERSION)"' -DOFFKIT_COMMIT_TIME=$(COMMIT_TIME)
$(OUT)/obj/src/base/version.o: $(OUT)/version-is
$(OUT)/version-is: FORCE
	@echo '$(VERSION) $(COMMIT_TIME)' | cmp -s - $@ || { mkdir -p $(@D); echo '$(VERSION) $(COMMIT_TIME)' >$@; }
$(OUT)/obj/src/trust/embedded.o: CPPFLAGS += -DEMBEDDED_ROOT='"$(OUT)/embedded-root.json"' \
	-DEMBEDDED_ROOT_IS_DEMO=$(if $(filter fixtures/demo-root,$(TRUST_ROOT)),1,0)
$(OUT)/obj/src/trust/embedded.o: $(OUT)/embedded-root.json
$(OUT)/embedded-root.json: $(TRUST_ROOT)/root.json FORCE
	@cmp -s $< $@ || { mkdir -p $(@D); cp $< $@; }

$(LIB): $(call object,$(LIB_SRC))
	$(call say,AR,$@)
	@rm -f $@
	$(Q)$(AR) rcsD $@ $^

$(OUT)/offkit: $(call object,$(CLI_SRC)) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(OUT)/offkit-pack: $(call object,$(PACK_SRC)) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/offkit $(BUILD)/offkit-pack: $(BUILD)/%: $(OUT)/%
	@sh tests/build/check-static $<
	@cp $< $@.new && mv -f $@.new $@

# ---- tests
define link_unit
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -L$(DEPS)/lib -lcmocka $(LDLIBS)
endef
$(OUT)/unit/%: $(OUT)/obj/tests/unit/%.o $(LIB)
	$(link_unit)
# The faces are consumers: only their own tests link them.
$(OUT)/unit/test_tui_%: $(OUT)/obj/tests/unit/test_tui_%.o $(call object,$(TUI_SRC)) $(LIB)
	$(link_unit)
$(OUT)/unit/test_cli_%: $(OUT)/obj/tests/unit/test_cli_%.o \
		$(call object,$(filter-out src/cli/main.c,$(CLI_SRC))) $(LIB)
	$(link_unit)
$(OUT)/tools/%: $(OUT)/obj/tests/tools/%.o $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# A fake of a topology in front of a real server (tests/topology/proxy/README.md).
$(PROXY): $(call object,$(wildcard tests/topology/proxy/*.c)) $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# A fuzz target with a main that replays its corpus.
$(OUT)/fuzz/%: $(OUT)/obj/tests/fuzz/%.o $(OUT)/obj/tests/fuzz/replay.o $(call object,$(FUZZ_AID)) $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(OUT)/fuzz/fuzz_tui_%: $(OUT)/obj/tests/fuzz/fuzz_tui_%.o $(OUT)/obj/tests/fuzz/replay.o \
		$(call object,$(FUZZ_AID) $(TUI_SRC)) $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# Programs in which the Nth call of some kinds fails: what the linker sends through __wrap_.
$(OUT)/fault/fault_memory: CAUGHT := malloc calloc realloc reallocarray strdup strndup
$(OUT)/fault/fault_files: CAUGHT := write pread fsync syncfs close fchmod mkdirat renameat openat syscall
$(OUT)/fault/fault_crypto: CAUGHT := EVP_Digest EVP_DigestInit_ex2 EVP_DigestUpdate EVP_DigestFinal_ex \
	EVP_DigestVerifyInit EVP_DigestVerify EVP_PKEY_verify mbedtls_ecdsa_verify \
	mbedtls_rsa_rsassa_pkcs1_v15_verify mbedtls_rsa_rsassa_pss_verify_ext
$(OUT)/fault/%: $(OUT)/obj/tests/fault/%.o $(OUT)/obj/tests/fault/fault.o $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(addprefix -Wl$(comma)--wrap=,$(CAUGHT)) -o $@ $^ $(LDLIBS)

# offkit whole, with faults planted into it from outside (tests/fault/program/plant.h).
PLANT_SRC := $(sort $(wildcard tests/fault/program/*.c))
$(OUT)/fault/offkit: CAUGHT := write pwrite read pread fsync fdatasync syncfs renameat syscall open openat \
	ftruncate mkdirat unlinkat fchmod close flock fork pthread_create malloc calloc realloc aligned_alloc \
	strdup strndup connect send sendmsg recv clock_gettime gettimeofday time confine_calls
$(OUT)/fault/offkit: $(call object,$(PLANT_SRC) $(CLI_SRC)) $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(addprefix -Wl$(comma)--wrap=,$(CAUGHT)) -o $@ $^ $(LDLIBS)

# Under libFuzzer a kit is decoded in its own process, whose coverage it sees (tests/fuzz/here.c).
$(OUT)/libfuzzer/fuzz_verify $(OUT)/libfuzzer/fuzz_signed $(OUT)/libfuzzer/fuzz_reassembled: LDFLAGS += -Wl,--wrap=members_open_archive
# The same with libFuzzer (clang): make fuzzing FUZZ_SECONDS=60 runs each of TARGETS for so long.
FUZZ_SECONDS ?= 60
TARGETS ?= $(patsubst tests/fuzz/fuzz_%.c,%,$(FUZZ_SRC))
FUZZING := $(BUILD)/fuzzing
# Archives are decoded in the fuzzer's own process there: what runs in another one it cannot see.
DECODE_HERE := -Wl,-u,members_open_archive_here -Wl,--wrap=members_open_archive \
	-Wl,--defsym=__wrap_members_open_archive=members_open_archive_here
$(OUT)/libfuzzer/%: $(OUT)/obj/tests/fuzz/%.o $(call object,$(FUZZ_AID)) $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(DECODE_HERE) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)
$(OUT)/libfuzzer/fuzz_tui_%: $(OUT)/obj/tests/fuzz/fuzz_tui_%.o $(call object,$(FUZZ_AID) $(TUI_SRC)) $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(DECODE_HERE) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)
fuzzers: $(patsubst tests/fuzz/%.c,$(OUT)/libfuzzer/%,$(FUZZ_SRC))
fuzzing:
	@$(MAKE) --no-print-directory SANITIZE=address,undefined CC=clang OUT=$(FUZZING) \
	 SANITIZE_FLAGS='-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all -Wno-error' fuzzers
	@for target in $(TARGETS); do dictionary=tests/fuzz/dictionaries/$$target; \
	 mkdir -p $(FUZZING)/corpus/$$target && echo "fuzzing: $$target, $(FUZZ_SECONDS) s" && \
	 $(FUZZING)/libfuzzer/fuzz_$$target -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=2048 -timeout=20 \
	  -print_final_stats=1 -verbosity=0 -artifact_prefix=$(FUZZING)/found-$$target- \
	  $$([ ! -f $$dictionary ] || echo -dict=$$dictionary) \
	  $(FUZZING)/corpus/$$target tests/fuzz/corpus/$$target || exit 1; \
	done

# What the corpora reach of the code, by file: clang, llvm-profdata, llvm-cov.
COVERAGE := $(BUILD)/fuzz-coverage
fuzz-coverage:
	@$(MAKE) --no-print-directory SANITIZE=coverage CC=clang OUT=$(COVERAGE) \
	 SANITIZE_FLAGS='-fprofile-instr-generate -fcoverage-mapping -Wno-error' fuzz
	@tests/fuzz/coverage $(COVERAGE)

unit: $(UNIT)
tools: $(TOOLS) $(PROXY)
fuzz: $(FUZZ)
fault: $(FAULT)

# ---- what a user runs. The set-up comes first and in a make of its own, because this one has
# already asked the compiler what machine it builds for, and there may have been none.
demo:
	@src/deps/host-packages $$(sed '/^#/d' tests/env/packages)
	@echo 'make: building offkit, and setting up a database server in $(BUILD)/testenv'
	@$(MAKE) -s --no-print-directory $(JOBS) server all tools
	@tests/demo/run

test:
	@src/deps/host-packages $$(sed '/^#/d' tests/*/packages)
	@echo 'make: building offkit and its tests, and setting up what they run against in $(BUILD)/testenv'
	@$(MAKE) -s --no-print-directory $(JOBS) testenv all unit tools fuzz fault
	@BUILD=$(BUILD) tests/run $(OUT)

# One job more than there are processors: the set-up waits for the network while the others compile.
JOBS = -j$$(($$(nproc) + 1))
testenv:
	@tests/env/setup
server:
	@tests/env/setup server

# The programs for arm64 under qemu's user mode, and what is handed over: some minutes.
test-arm64:
	@src/deps/host-packages $$(sed '/^#/d' tests/*/packages src/package/packages src/deps/packages-arm64 tests/package/packages-arm64)
	@$(MAKE) -s --no-print-directory $(JOBS) all
	@$(MAKE) -s --no-print-directory $(JOBS) ARCH=arm64 all unit
	@$(MAKE) -s --no-print-directory ARCH=arm64 tarball
	@$(MAKE) -s --no-print-directory ARCH=arm64 deb
	@BUILD=$(BUILD) OUT=$(BUILD)/release-arm64 tests/package/arm64

# Every bit and every length of a small kit, where `make test` takes a sample: some minutes.
damage: all tools
	@BUILD=$(BUILD) OUT=$(OUT) tests/hostile/damage

# A fault at every call of a whole walk, where `make test` takes a spread (tests/sweep/README.md):
# hours; SWEEP_STEP=5 takes every fifth, SWEEP_DOCUMENTS=400 SWEEP_BATCH=50 makes a larger site.
sweep: all tools fault
	@SWEEP_ALL=1 BUILD=$(BUILD) OUT=$(OUT) tests/sweep/run
	@BUILD=$(BUILD) OUT=$(OUT) tests/topology/sweep

# Ratios to what others do with the same file; needs 4 GB of disk and a quiet machine.
bench: all tools
	@BUILD=$(BUILD) OUT=$(OUT) tests/bench/run
	@BUILD=$(BUILD) OUT=$(OUT) tests/bench/database
	@BUILD=$(BUILD) OUT=$(OUT) tests/bench/backfill
	@BUILD=$(BUILD) OUT=$(OUT) tests/bench/objects

# The pictures in README.md and all pages of the same walk in tests/tui/recording.txt, from the real program.
pictures recording:
	@src/deps/host-packages $$(sed '/^#/d' tests/*/packages)
	@$(MAKE) -s --no-print-directory $(JOBS) server all tools
	@OUT=$(OUT) tests/tui/pictures

# Where each shell looks for what a package brings; zsh in one folder for packages, in another for
# what an administrator installs.
ZSH_FUNCTIONS := $(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)
COMPLETIONS := bash-completion/completions zsh/$(ZSH_FUNCTIONS) fish/vendor_completions.d
# Which programs print them: those for another machine do not run here.
PRINTERS := $(if $(CROSS),$(BUILD),$(patsubst %/,%,$(dir $(firstword $(PROGRAMS)))))
install: all
	$(if $(CROSS),@$(MAKE) -s --no-print-directory ARCH=$(HOST_ARCH) all)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man5 \
		$(DESTDIR)$(PREFIX)/share/man/man7 $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -m 755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin/
	install -m 644 $(wildcard man/*.1) $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 $(wildcard man/*.5) $(DESTDIR)$(PREFIX)/share/man/man5/
	install -m 644 $(wildcard man/*.7) $(DESTDIR)$(PREFIX)/share/man/man7/
	for unit in offkit-resume.service offkit-monitor.service; do \
		sed 's|/usr/local/bin/|$(PREFIX)/bin/|' src/cli/$$unit \
			>$(DESTDIR)$(PREFIX)/lib/systemd/system/$$unit && \
		chmod 644 $(DESTDIR)$(PREFIX)/lib/systemd/system/$$unit || exit 1; \
	done
	install -d $(addprefix $(DESTDIR)$(PREFIX)/share/,$(COMPLETIONS))
	for program in offkit offkit-pack; do \
		$(PRINTERS)/$$program completion bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$program && \
		$(PRINTERS)/$$program completion zsh >$(DESTDIR)$(PREFIX)/share/zsh/$(ZSH_FUNCTIONS)/_$$program && \
		$(PRINTERS)/$$program completion fish >$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/$$program.fish || exit 1; \
	done
	chmod 644 $(foreach folder,$(COMPLETIONS),$(DESTDIR)$(PREFIX)/share/$(folder)/*offkit*)
	install -d $(DESTDIR)$(PREFIX)/share/doc/offkit/examples
	install -m 644 src/package/examples/* $(DESTDIR)$(PREFIX)/share/doc/offkit/examples/

# ---- what is handed over (src/package). The programs in it are stripped, the same bytes in each form.
SOURCE_DATE_EPOCH ?= $(COMMIT_TIME)
RELEASE := offkit-$(VERSION)-$(ARCH)
DEB_ARCH := $(patsubst x86_64,amd64,$(ARCH))
# The programs as they are handed over, by themselves.
SHIPPED := $(BUILD)/shipped-$(ARCH)
shipped: all
	@mkdir -p $(SHIPPED)
	$(Q)cp $(PROGRAMS) $(SHIPPED)/
	$(Q)$(STRIP) --strip-all --remove-section=.comment $(addprefix $(SHIPPED)/,$(notdir $(PROGRAMS)))

# What they are made of, as SPDX: $(BUILD)/offkit-$(VERSION)-$(ARCH).spdx.json, and offkit-pack's. Across,
# it is this machine's own offkit-pack that says it.
oci_arch = $(patsubst x86_64,amd64,$(1))
sbom: shipped
	$(Q)$(if $(CROSS),$(MAKE) -s --no-print-directory ARCH=$(HOST_ARCH) all)
	$(Q)src/deps/components $(CC) >$(SHIPPED)/components.json
	$(call say,SBOM,$(BUILD)/offkit-$(VERSION)-$(ARCH).spdx.json)
	$(Q)for program in offkit offkit-pack; do SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) $(BUILD)/offkit-pack sbom \
		--name $$program --program linux/$(call oci_arch,$(ARCH))=$(SHIPPED)/$$program \
		--components $(SHIPPED)/components.json -o $(BUILD)/$$program-$(VERSION)-$(ARCH).spdx.json >/dev/null || exit 1; done

# The runner's image, and its SBOM: make image IMAGE_ARCHES='x86_64 arm64' MIGRATIONS=DIR.
IMAGE_ARCHES ?= $(ARCH)
MIGRATIONS ?= kit-layout/lnm/migrations
IMAGE := $(BUILD)/offkit-runner-$(VERSION)
image: all
	$(Q)for arch in $(IMAGE_ARCHES); do $(MAKE) -s --no-print-directory ARCH=$$arch sbom || exit 1; done
	$(Q){ cat LICENSE && echo && src/package/third-party $(dir $(DEPS))sources 'offkit-$(VERSION)-*' --texts; } >$(IMAGE).licences
	$(call say,IMAGE,$(IMAGE).tar)
	$(Q)SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) $(BUILD)/offkit-pack image -o $(IMAGE).tar --sbom $(IMAGE).spdx.json \
		--tag $(VERSION) --migrations $(MIGRATIONS) --licences $(IMAGE).licences $(foreach arch,$(IMAGE_ARCHES), \
		--program linux/$(call oci_arch,$(arch))=$(BUILD)/shipped-$(arch)/offkit \
		--components linux/$(call oci_arch,$(arch))=$(BUILD)/shipped-$(arch)/components.json)

# What `make install` puts under PREFIX, in a folder of its own, and what the programs are made of.
define stage
	@rm -rf $(BUILD)/$@-$(ARCH)
	$(Q)$(MAKE) -s --no-print-directory install DESTDIR=$(abspath $(BUILD)/$@-$(ARCH)) PREFIX=$(1) >/dev/null
	$(Q)cp $(addprefix $(SHIPPED)/,$(notdir $(PROGRAMS))) $(BUILD)/$@-$(ARCH)$(1)/bin/
	$(Q)for program in offkit offkit-pack; do install -D -m 644 $(BUILD)/$$program-$(VERSION)-$(ARCH).spdx.json \
		$(BUILD)/$@-$(ARCH)$(1)/share/doc/$$program/$$program.spdx.json || exit 1; done
endef
tarball: sbom
	$(call stage,/usr/local)
	$(call say,TAR,$(BUILD)/$(RELEASE).tar.gz)
	$(Q)SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) src/package/tarball $(BUILD)/$@-$(ARCH) $(RELEASE) \
		$(BUILD)/$(RELEASE).tar.gz $(dir $(DEPS))sources
deb: sbom
	@src/deps/host-packages $$(sed '/^#/d' src/package/packages)
	$(call stage,/usr)
	$(call say,DEB,$(BUILD)/offkit*_$(VERSION)_$(DEB_ARCH).deb)
	$(Q)SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) src/package/deb $(BUILD)/$@-$(ARCH) $(DEB_ARCH) $(BUILD) \
		$(dir $(DEPS))sources $(RELEASE)
# To be handed over beside them, for whoever changes qrencode, which is under the LGPL.
relink: shipped
	$(call say,TAR,$(BUILD)/$(RELEASE)-relink.tar.gz)
	$(Q)SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) LINK_FLAGS='$(LDFLAGS)' LINK_LIBRARIES='$(LIBS)' src/package/relink \
		$(RELEASE)-relink $(BUILD)/$(RELEASE)-relink.tar.gz $(OUT) $(DEPS) $(call object,$(CLI_SRC))

clean:
	rm -rf $(BUILD)/release $(BUILD)/release-arm64 $(BUILD)/sanitize $(PROGRAMS)

FORCE:
-include $(shell find $(OUT)/obj -name '*.d' 2>/dev/null)
