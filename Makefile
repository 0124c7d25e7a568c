# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# make              build/tapstat
# make static       build/static/tapstat, fully static
# make run          installs what is missing, builds, starts the exporter (root)
# make test         installs what is missing, runs every test (root); T=WORD narrows it
# make check        format, lint, unit tests under sanitizers, generated documents; no root
# make vm           the kernel tests and some end-to-end ones in Debian's kernels under QEMU; T=6.1 boots one
# make fuzz bench docs install clean
#
# V=1 shows the commands; BUILD=DIR puts everything elsewhere; ARCH=arm64 cross-builds with the packages
# gcc-aarch64-linux-gnu and, from Debian's arm64, the libraries (SYSROOT=DIR if they are unpacked aside).

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/bash

VERSION := 0.1.0
HOST_ARCH := $(subst aarch64,arm64,$(shell uname -m))
ARCH ?= $(HOST_ARCH)
BUILD ?= build$(if $(filter-out $(HOST_ARCH),$(ARCH)),/$(ARCH))
PREFIX ?= /usr/local
T ?=

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' '$(1)' '$(2)';)

CLANG ?= clang
LLVM_STRIP ?= llvm-strip
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool) # tests only
triplet := $(if $(filter arm64,$(ARCH)),aarch64-linux-gnu,x86_64-linux-gnu)
CC := $(if $(filter $(HOST_ARCH),$(ARCH)),gcc,$(triplet)-gcc)
STRIP := $(if $(filter $(HOST_ARCH),$(ARCH)),strip,$(triplet)-strip)
COMMIT := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
CFLAGS ?= -O2 -g
CPPFLAGS += -Iinclude -Iuser -Ibpf -I$(BUILD) -D_GNU_SOURCE \
	-DTAPSTAT_VERSION=$(VERSION) -DTAPSTAT_COMMIT=$(COMMIT)

USER_CFLAGS := -std=gnu11 $(CFLAGS) $(WARNINGS) -MMD -MP
# What the kernel side's compiler knows, or does not ask for, in its pure files.
PURE_CFLAGS := -Wno-unknown-pragmas -Wno-unused-parameter
SYSROOT ?=
ifneq ($(SYSROOT),)
CPPFLAGS += -I$(SYSROOT)/usr/include
LDFLAGS += -L$(SYSROOT)/usr/lib/$(triplet) -Wl,-rpath-link,$(SYSROOT)/usr/lib/$(triplet):$(SYSROOT)/lib/$(triplet)
endif
LIBS := -levent -lbpf -lelf -lz -lcap -ljansson -lyaml -lcapstone -liberty
BPF_CFLAGS := -g -O2 -target bpf -mcpu=v3 -Wall -Wextra -Wno-unused-function -Wno-unused-parameter \
	-D__TARGET_ARCH_$(if $(filter arm64,$(ARCH)),arm64,x86) -Iinclude -Ibpf \
	-I$(firstword $(wildcard /usr/include/$(triplet) /usr/$(triplet)/include)) -MMD -MP

user_sources := $(sort $(wildcard user/*.c))
user_objects := $(user_sources:user/%.c=$(BUILD)/user/%.o) $(BUILD)/user/bpf_objects.o
library_objects := $(filter-out $(BUILD)/user/main.o $(BUILD)/user/cmd_%.o,$(user_objects))
unit_tests := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))

.PHONY: all static run test check vm fuzz bench docs install clean deps-build deps-test deps-vm unit
all: $(BUILD)/tapstat

# ---- The binary -------------------------------------------------------------------------------------------------

# One source, two ranges of kernels: user/object.h.
bpf_objects := $(BUILD)/tapstat.bpf.o $(BUILD)/tapstat_5_10.bpf.o
$(BUILD)/tapstat_5_10.bpf.o: BPF_CFLAGS += -DTAPSTAT_5_10
$(bpf_objects): bpf/tapstat.bpf.c Makefile
	@mkdir -p $(@D)
	$(call say,BPF,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@
	$(Q)$(LLVM_STRIP) -g $@ # drops DWARF; BTF stays

$(BUILD)/user/%.o: user/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) $(USER_CFLAGS) -c $< -o $@

$(BUILD)/user/bpf_objects.o: user/bpf_objects.S $(bpf_objects) Makefile
	@mkdir -p $(@D)
	$(call say,AS,$@)
	$(Q)$(CC) -Wa,-I$(BUILD) -c $< -o $@

$(BUILD)/tapstat: $(user_objects)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ -o $@ $(LIBS)

static: $(BUILD)/static/tapstat
$(BUILD)/static/tapstat: $(user_objects)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -static -Wl,--no-warnings $^ -o $@ $(LIBS) # libevent brings getaddrinfo, which tapstat never calls
	$(Q)$(STRIP) --strip-unneeded $@

# ---- Use --------------------------------------------------------------------------------------------------------

deps-build:
	@scripts/install-missing build

deps-test: deps-build
	@scripts/install-missing test

deps-vm: deps-build
	@scripts/install-missing vm$(if $(filter arm64,$(ARCH)),-arm64)

run: deps-build
	@$(MAKE) --no-print-directory all
	$(BUILD)/tapstat serve $(ARGS)

install: all
	install -D -m 755 $(BUILD)/tapstat $(DESTDIR)$(PREFIX)/bin/tapstat
	install -d $(DESTDIR)/etc/systemd/system
	sed 's|@BINDIR@|$(PREFIX)/bin|' deploy/tapstat.service > $(DESTDIR)/etc/systemd/system/tapstat.service
	@echo 'installed; start it with: systemctl enable --now tapstat'

docs: $(BUILD)/tapstat
	$(call say,DOC,docs/metrics.md)
	$(Q)$(BUILD)/tapstat catalog --format=markdown > docs/metrics.md

# ---- Tests ------------------------------------------------------------------------------------------------------

$(BUILD)/unit/%: tests/unit/%.c $(library_objects) Makefile
	@mkdir -p $(@D)
	$(call say,TEST,$@)
	$(Q)$(CC) $(CPPFLAGS) -Itests/unit $(USER_CFLAGS) $(PURE_CFLAGS) $< $(library_objects) -o $@ -lcmocka $(LIBS)

unit: $(unit_tests)

test: deps-test
	@scripts/install-missing vm || echo 'the guest of tests/vm will be skipped'
	@$(MAKE) --no-print-directory all unit $(BUILD)/compile_commands.json
	@tests/run '$(BUILD)' $(T)

check: all $(BUILD)/compile_commands.json
	@tests/check/run '$(BUILD)'

# tests/kernel: static, so that it runs in guests, too.
$(BUILD)/kernel/%.skel.h: tests/kernel/parser.bpf.c Makefile
	@mkdir -p $(@D)
	$(call say,BPF,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) $(if $(findstring 5_10,$*),-DTAPSTAT_5_10) -Itests/kernel -MT $@ -c $< -o $(BUILD)/kernel/$*.bpf.o
	$(Q)$(BPFTOOL) gen skeleton $(BUILD)/kernel/$*.bpf.o name $*_bpf > $@

$(BUILD)/static/test_parser: tests/kernel/test_parser.c $(BUILD)/kernel/parser.skel.h $(BUILD)/kernel/parser_5_10.skel.h
	@mkdir -p $(@D)
	$(call say,TEST,$@)
	$(Q)$(CC) $(CPPFLAGS) -Itests/unit -Itests/kernel -I$(BUILD)/kernel $(USER_CFLAGS) $(LDFLAGS) -static $< user/operations.c -o $@ \
		-lbpf -lelf -lz

# tests/elf: what the library says of the machine's own libraries.
$(BUILD)/elf/probes.skel.h: tests/elf/probes.bpf.c tests/elf/probes.h Makefile
	@mkdir -p $(@D)
	$(call say,BPF,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $(BUILD)/elf/probes.bpf.o
	$(Q)$(BPFTOOL) gen skeleton $(BUILD)/elf/probes.bpf.o name probes_bpf > $@

$(BUILD)/elf/probes: $(BUILD)/elf/probes.skel.h
$(BUILD)/elf/%: tests/elf/%.c $(library_objects) Makefile
	@mkdir -p $(@D)
	$(call say,TEST,$@)
	$(Q)$(CC) $(CPPFLAGS) -I$(BUILD)/elf $(USER_CFLAGS) $< $(library_objects) -o $@ $(LIBS)

vm: deps-vm
	@tests/vm/run '$(BUILD)' --arch=$(subst x86_64,amd64,$(ARCH)) $(T)

fuzz:
	@BUILD='$(BUILD)' tests/fuzz/run $(FUZZ_SECONDS)

bench: all
	@tests/bench/run '$(BUILD)' $(T)

$(BUILD)/compile_commands.json: Makefile $(user_sources)
	@{ echo '['; sep=; for f in $(user_sources); do \
		printf '%s{"directory":"%s","file":"%s","arguments":["cc"' "$$sep" "$$PWD" "$$f"; \
		for a in $(CPPFLAGS) -std=gnu11; do printf ',"%s"' "$$a"; done; \
		printf ',"-c","%s"]}\n' "$$f"; sep=,; done; echo ']'; } > $@

clean:
	rm -rf build

-include $(wildcard $(BUILD)/*.d $(BUILD)/user/*.d $(BUILD)/unit/*.d $(BUILD)/kernel/*.d $(BUILD)/static/*.d $(BUILD)/elf/*.d)
