# Tsujiban: `make help` lists what there is to make.
#
# Sources are found by folder. A folder is a floor (see "Floors" below): each becomes one archive,
# and each test program in tests/unit/<folder>/ links its own folder and the floors beneath it.

.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.SECONDARY:
.DELETE_ON_ERROR:

VERSION := 0.1.0

# One short line a step; V=1 shows the commands.
V ?= 0
ifeq ($(V),0)
Q := @
say = @printf '  %-4s %s\n' $(1) $(2)
endif

# --- variants: SAN=address (with UBSan), SAN=thread; CC=clang; COVER=1; STATIC=1 ------------------
SAN ?=
ifneq ($(SAN),)
BUILD ?= build/$(SAN)
else
BUILD ?= build
endif
ifeq ($(origin CC),default)
CC := gcc
endif

# Packages are built with WERROR=: a newer compiler's new warning is no reason to have none.
WERROR ?= -Werror
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wvla -Wundef -Wformat=2 $(WERROR)
OPT ?= -O2
CFLAGS_ALL := -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DTSUJIBAN_VERSION='"$(VERSION)"' \
	$(OPT) -g -fno-strict-aliasing -fstack-protector-strong -fPIE $(WARNINGS) \
	-ffile-prefix-map=$(CURDIR)=. -I. -I$(BUILD)/gen $(CFLAGS)
LDFLAGS_ALL := -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)
ifeq ($(SAN),address)
CFLAGS_ALL += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS_ALL += -fsanitize=address,undefined
else ifeq ($(SAN),thread)
CFLAGS_ALL += -fsanitize=thread
LDFLAGS_ALL += -fsanitize=thread
else
CFLAGS_ALL += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif
ifdef COVER
CFLAGS_ALL += --coverage -O0
LDFLAGS_ALL += --coverage
endif

# --- floors: what each folder may link, itself first ---------------------------------------------
FLOOR_common/base      := common/base
FLOOR_common/model     := common/model $(FLOOR_common/base)
FLOOR_common/codec     := common/codec proto $(FLOOR_common/model)
FLOOR_common/store     := common/store $(FLOOR_common/model)
FLOOR_common/confine   := common/confine $(FLOOR_common/base)
FLOOR_common/io        := common/io $(FLOOR_common/codec)
FLOOR_common           := common/io common/store common/confine $(FLOOR_common/codec)

FLOOR_agent/state      := agent/state $(FLOOR_common)
FLOOR_agent/touch      := agent/touch $(FLOOR_agent/state)
FLOOR_agent/watch      := agent/watch $(FLOOR_agent/touch)
FLOOR_agent/who        := agent/who $(FLOOR_agent/touch)
FLOOR_agent/rpmdb      := agent/rpmdb $(FLOOR_common)
FLOOR_agent/packages   := agent/packages agent/rpmdb $(FLOOR_agent/touch)
FLOOR_agent/fim        := agent/fim $(FLOOR_agent/touch)
FLOOR_agent/apps       := agent/apps $(FLOOR_common)
FLOOR_agent/source     := agent/source $(FLOOR_agent/state)
FLOOR_agent/pkgdb      := agent/pkgdb agent/rpmdb $(FLOOR_agent/source)
FLOOR_agent/running    := agent/running $(FLOOR_agent/pkgdb)
FLOOR_agent/host       := agent/host $(FLOOR_agent/running)
FLOOR_agent/inventory  := agent/inventory agent/apps $(FLOOR_agent/host)
FLOOR_agent/seam       := agent/seam $(FLOOR_common)
FLOOR_agent/identity   := agent/identity $(FLOOR_common)
FLOOR_agent/sender     := agent/sender agent/seam agent/identity $(FLOOR_agent/state)
FLOOR_agent/ship       := agent/ship agent/seam agent/identity $(FLOOR_common)
FLOOR_agent/enroll     := agent/enroll agent/identity $(FLOOR_agent/state)
FLOOR_agent            := agent agent/watch agent/who agent/rpmdb agent/apps agent/packages agent/fim \
	agent/inventory agent/host agent/running agent/pkgdb agent/source agent/enroll agent/ship agent/sender \
	agent/seam agent/identity $(FLOOR_agent/touch)

FLOOR_collector/store  := collector/store $(FLOOR_common)
FLOOR_collector/index  := collector/index $(FLOOR_common)
FLOOR_collector/ingest := collector/ingest $(FLOOR_collector/store)
FLOOR_collector/silence := collector/silence $(FLOOR_collector/store)
FLOOR_collector/query  := collector/query collector/index $(FLOOR_collector/store)
FLOOR_collector/http   := collector/http $(FLOOR_collector/query)
FLOOR_collector        := collector collector/http collector/query collector/ingest \
	collector/silence collector/index $(FLOOR_collector/store)
FLOOR_collector/cli    := collector/cli $(FLOOR_common)

FOLDERS := $(sort $(FLOOR_agent) $(FLOOR_collector) $(FLOOR_collector/cli))

LIBS_AGENT     := -luv -lssl -lcrypto -lprotobuf-c -lzstd -lz -llmdb -lyaml -ljansson -lseccomp -lcap-ng -lpthread
LIBS_COLLECTOR := $(LIBS_AGENT) -lroaring -lwebsockets -lm
LIBS_CLI       := $(LIBS_AGENT) -lcurl
LIBS_ALL       := $(LIBS_COLLECTOR) -lcurl

# --- programs -----------------------------------------------------------------------------------
# STATIC=1 is the agent alone, from the same objects, into build/static/: of libraries it needs libc's.
STATIC ?=
ifneq ($(STATIC),)
OUT := $(BUILD)/static
PROGRAMS := $(OUT)/tsujiban-agent
LIBS_OF_AGENT := -Wl,-Bstatic $(patsubst -luv,-l:libuv_a.a,$(filter-out -lpthread,$(LIBS_AGENT))) -Wl,-Bdynamic \
	-static-libgcc -lpthread
else
OUT := $(BUILD)
PROGRAMS := $(OUT)/tsujiban-agent $(OUT)/tsujiban-collector $(OUT)/tsujiban
LIBS_OF_AGENT := $(LIBS_AGENT)
endif

.PHONY: all
all: $(PROGRAMS) ## build the three programs into build/

archives = $(foreach f,$(1),$(BUILD)/lib/$(subst /,-,$(f)).a)
link = $(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group

$(OUT)/tsujiban-agent: $(call archives,$(FLOOR_agent))
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(link) -Wl,--undefined=main $(LIBS_OF_AGENT)
$(BUILD)/tsujiban-collector: $(call archives,$(FLOOR_collector))
	$(call say,LINK,$@)
	$(link) -Wl,--undefined=main $(LIBS_COLLECTOR)
$(BUILD)/tsujiban: $(call archives,$(FLOOR_collector/cli))
	$(call say,LINK,$@)
	$(link) -Wl,--undefined=main $(LIBS_CLI)

# --- archives, one a folder ----------------------------------------------------------------------
PROTO_C := $(BUILD)/gen/proto/tsujiban.pb-c.c
$(PROTO_C) $(PROTO_C:.c=.h) &: proto/tsujiban.proto
	@mkdir -p $(BUILD)/gen
	$(call say,GEN,$@)
	$(Q)protoc-c --c_out=$(BUILD)/gen $<

define folder_rules
SRC_$(1) := $$(filter-out %.pb-c.c,$$(wildcard $(1)/*.c))
OBJ_$(1) := $$(patsubst %.c,$(BUILD)/obj/%.o,$$(SRC_$(1)))
$(BUILD)/lib/$(subst /,-,$(1)).a: $$(OBJ_$(1))
endef
$(foreach f,$(filter-out proto,$(FOLDERS)),$(eval $(call folder_rules,$(f))))
$(BUILD)/lib/proto.a: $(BUILD)/obj/proto/tsujiban.pb-c.o

$(BUILD)/lib/%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,AR,$@)
	$(Q)ar rcsD $@ $^

# What says the version is compiled again when it is another: the file changes only then.
VERSION_STAMP := $(BUILD)/gen/version
.PHONY: always
always:
$(VERSION_STAMP): always
	@mkdir -p $(@D)
	@echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' >$@
$(patsubst %.c,$(BUILD)/obj/%.o,$(shell grep -l TSUJIBAN_VERSION $(FOLDERS:%=%/*.c) 2>/dev/null)): $(VERSION_STAMP)

$(BUILD)/obj/common/codec/dictionary.o: proto/dictionary-1.bin

$(BUILD)/obj/proto/tsujiban.pb-c.o: $(PROTO_C)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CFLAGS_ALL) -Wno-shadow -Wno-conversion -c $< -o $@

$(BUILD)/obj/%.o: %.c | $(PROTO_C:.c=.h)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# --- unit tests: tests/unit/<folder with dashes>/test_*.c ----------------------------------------
UNIT_SRC := $(wildcard tests/unit/*/test_*.c)
UNIT_BIN := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRC))

define unit_rules
$(BUILD)/unit/$(subst /,-,$(1))/%: $(BUILD)/obj/tests/unit/$(subst /,-,$(1))/%.o $$(call archives,$$(FLOOR_$(1)))
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$$(link) -lcmocka $$(LIBS_ALL)
endef
$(foreach f,$(filter-out proto collector,$(FOLDERS)),$(eval $(call unit_rules,$(f))))

.PHONY: unit
unit: $(UNIT_BIN) ## build and run the unit tests (ONLY=pattern picks some)
	@tests/run-unit.sh $(BUILD) $(ONLY)

# --- the simulation: the agent's stages on a fake machine (tests/sim/sim.h) -------------------------
# What tests/sim/*.c defines is taken from there: the linker opens an archive only for what is still
# missing, so a fake that lacks a function of its header shows as a name defined twice.
SIM_SRC := $(wildcard tests/sim/*.c)
SIM_WRAPPED := open open64 openat openat64 __open_2 __open64_2 __openat_2 __openat64_2 fopen fopen64 close lstat lstat64 stat stat64 fstat fstat64 \
	fstatat fstatat64 readlink readlinkat __readlink_chk __readlinkat_chk realpath __realpath_chk statfs statfs64 \
	read __read_chk getdents64 inotify_init1 inotify_add_watch inotify_rm_watch ioctl \
	llistxattr flistxattr lgetxattr fgetxattr fanotify_init socket opendir access clock_gettime \
	malloc_trim pthread_mutex_lock pthread_cond_wait file_make_dir file_lock random_bytes settle_touch watch_remove \
	walk_request \
	log_error log_warn log_info log_debug
comma := ,
$(BUILD)/sim: $(SIM_SRC:%.c=$(BUILD)/obj/%.o) $(call archives,$(FLOOR_agent))
	$(call say,LINK,$@)
	$(link) $(SIM_WRAPPED:%=-Wl$(comma)--wrap=%) $(LIBS_AGENT)

RUNS ?= 1000
.PHONY: sim
sim: $(BUILD)/sim ## thousands of interleavings of the agent's stages on a fake machine: SEED=1 RUNS=1000
	@tests/sim/run.sh $(BUILD) $(if $(filter command,$(firstword $(origin SEED))),$(SEED),1) $(RUNS)

# --- running ------------------------------------------------------------------------------------
RUN_DIR ?= build/run

.PHONY: deps run
deps:
	@packaging/install-deps.sh build

run: deps ## collector and agent on this host: real files, real packages; Ctrl-C stops them
	@$(MAKE) -s --no-print-directory all
	@packaging/run-here.sh $(BUILD) $(RUN_DIR) || [ $$? -eq 130 ]

# --- tests --------------------------------------------------------------------------------------
.PHONY: test check lint packaging fleet system storm storms corpus
test: ## everything: lint, unit, system, fuzz corpora; unit and system again with ASan and UBSan
	@packaging/install-deps.sh test
	@tests/run.sh full

check: ## the quick part of test, under a minute: build, quick lint, unit
	@packaging/install-deps.sh test
	@tests/run.sh quick

lint: ## floors, headers, names, banned calls, format, clang-tidy, cppcheck
	@packaging/install-deps.sh test
	@$(MAKE) --no-print-directory $(PROTO_C)
	@tests/lint/lint.sh $(BUILD) full

packaging: all ## the tests of the packages: built, installed, upgraded, removed in trees of their own (ONLY="name ...")
	@TSUJIBAN_BUILD=$(BUILD) python3 tests/packaging/run.py $(ONLY)

system: all ## the system tests (ONLY="name ..." picks some)
	@TSUJIBAN_BUILD=$(BUILD) python3 tests/system/run.py $(ONLY)

# SECONDS is what a shell calls its own age: only the command line's word counts.
SEED ?= $(shell date +%s)
STORM_SECONDS := $(if $(filter command,$(firstword $(origin SECONDS))),$(SECONDS),60)
SOURCE ?= inotify
storm: all ## random file operations, kills and cut links: SEED=1 SECONDS=60 SOURCE=inotify
	@TSUJIBAN_BUILD=$(BUILD) python3 tests/system/storm.py --seed $(SEED) --seconds $(STORM_SECONDS) \
		--source $(SOURCE)

AGENTS ?= 20
fleet: all ## so many agents from the packages, each in a tree and network of its own: AGENTS=20
	@python3 tests/packaging/fleet.py --agents $(AGENTS)

SEEDS ?= 1..100
JOBS ?= 4
storms: all ## many storms, resumable: SEEDS=1..100 SECONDS=60 JOBS=4 SOURCE=both
	@TSUJIBAN_BUILD=$(BUILD) python3 tests/system/storms.py --seeds $(SEEDS) --seconds $(STORM_SECONDS) \
		--jobs $(JOBS) --source $(if $(filter command,$(firstword $(origin SOURCE))),$(SOURCE),both)

.PHONY: apt
APT_DIR ?= /var/tmp/tsujiban-apt
apt: all ## apt-get at work in a Debian made by debootstrap, explained: as root, with the network, minutes
	@packaging/install-deps.sh test
	@mkdir -p $(APT_DIR)
	@TSUJIBAN_BUILD=$(BUILD) TSUJIBAN_APT=$(APT_DIR) python3 tests/system/run.py test_apt; \
		code=$$?; rm -rf --one-file-system $(APT_DIR); exit $$code

# --- fuzzing: tests/fuzz/fuzz_<name>.c, whose first line says "floor: <folder>" -------------------
FUZZ_SRC  := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_NAMES := $(patsubst tests/fuzz/fuzz_%.c,%,$(FUZZ_SRC))
FUZZ_SECONDS ?= 60
fuzz_floor = $(FLOOR_$(shell sed -n '1s,.*floor: *\([a-z/]*\).*,\1,p' tests/fuzz/fuzz_$(1).c))

define fuzz_rules
$(BUILD)/fuzz/replay_$(1): $(BUILD)/obj/tests/fuzz/fuzz_$(1).o $(BUILD)/obj/tests/fuzz/replay.o \
		$(call archives,$(call fuzz_floor,$(1)))
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$$(link) $$(LIBS_ALL)
$(BUILD)/fuzz/fuzz_$(1): $(BUILD)/obj/tests/fuzz/fuzz_$(1).o $(call archives,$(call fuzz_floor,$(1)))
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$$(link) -fsanitize=fuzzer $$(LIBS_ALL)
endef
$(foreach n,$(FUZZ_NAMES),$(eval $(call fuzz_rules,$(n))))

corpus: $(FUZZ_NAMES:%=$(BUILD)/fuzz/replay_%) ## replay every fuzz corpus
	@tests/fuzz/replay.sh $(BUILD) $(FUZZ_NAMES)

.PHONY: fuzz fuzz-programs
fuzz: ## libFuzzer with ASan and UBSan on every target, FUZZ_SECONDS each (FUZZ_NAMES picks some)
	@packaging/install-deps.sh test
	@$(MAKE) --no-print-directory CC=clang SAN=address BUILD=build/fuzz \
		CFLAGS="-fsanitize=fuzzer-no-link" FUZZ_NAMES="$(FUZZ_NAMES)" fuzz-programs
	@tests/fuzz/fuzz.sh build/fuzz $(FUZZ_SECONDS) $(FUZZ_NAMES)
fuzz-programs: $(FUZZ_NAMES:%=$(BUILD)/fuzz/fuzz_%)

# --- benchmarks: tests/bench/bench_<name>.c, whose first line says "floor: <folder>" --------------
BENCH_SRC   := $(wildcard tests/bench/bench_*.c)
BENCH_NAMES := $(patsubst tests/bench/bench_%.c,%,$(BENCH_SRC))
bench_floor = $(FLOOR_$(shell sed -n '1s,.*floor: *\([a-z/]*\).*,\1,p' tests/bench/bench_$(1).c))

define bench_rules
$(BUILD)/bench/bench_$(1): $(BUILD)/obj/tests/bench/bench_$(1).o $(call archives,$(call bench_floor,$(1)))
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$$(link) $$(LIBS_ALL)
endef
$(foreach n,$(BENCH_NAMES),$(eval $(call bench_rules,$(n))))

.PHONY: bench
bench: ## memory, first scan, latency, ingest, index: tables with ratios
	@packaging/install-deps.sh bench
	@$(MAKE) -s --no-print-directory all $(BENCH_NAMES:%=$(BUILD)/bench/bench_%)
	@TSUJIBAN_BUILD=$(BUILD) python3 tests/bench/bench.py $(ONLY)

# --- coverage, installing, cleaning, help -----------------------------------------------------------
.PHONY: cover install clean help
cover: ## line coverage of the unit tests, by folder
	@packaging/install-deps.sh test
	@$(MAKE) --no-print-directory COVER=1 BUILD=build/cover OPT=-O0 unit
	@tests/cover.sh build/cover

PREFIX  ?= /usr/local
UNITDIR ?= $(PREFIX)/lib/systemd/system
DESTDIR ?=
PAGES := $(patsubst packaging/man/%,%,$(wildcard packaging/man/*.[157]))
PAGES += $(patsubst packaging/man/%.in,%,$(wildcard packaging/man/*.[157].in))
ifneq ($(STATIC),)
PAGES := $(filter tsujiban-agent% tsujiban-enroll%,$(PAGES))
endif
MAN := $(PAGES:%=$(OUT)/man/%)
COMPLETIONS := $(PROGRAMS:$(OUT)/%=$(OUT)/completion/%)

.PHONY: man
man: $(MAN) ## the manual pages; their lists of keys come from the programs
$(OUT)/man/%: packaging/man/%
	@mkdir -p $(@D)
	@cp $< $@
$(OUT)/man/%: packaging/man/%.in packaging/man/keys.sh $(PROGRAMS)
	@mkdir -p $(@D)
	$(Q)packaging/man/keys.sh $(OUT) <$< >$@

$(OUT)/completion/%: $(OUT)/% packaging/completion.sh
	@mkdir -p $(@D)
	$(Q)packaging/completion.sh $< >$@

install: all man $(COMPLETIONS) ## into PREFIX (/usr/local), below DESTDIR
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
		$(foreach n,1 5 7,$(DESTDIR)$(PREFIX)/share/man/man$(n))
	install -m 755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(COMPLETIONS) $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	for page in $(MAN); do install -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.} || exit; done

# What a host has besides, where packages have it: units, users, the agent's configuration.
install-host: install
	install -d $(DESTDIR)$(UNITDIR) $(DESTDIR)$(PREFIX)/lib/sysusers.d $(DESTDIR)$(PREFIX)/lib/tmpfiles.d \
		$(DESTDIR)/etc/tsujiban
	install -m 644 $(wildcard packaging/systemd/*.service packaging/systemd/*.path) $(DESTDIR)$(UNITDIR)
	install -m 644 packaging/systemd/sysusers.d/*.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d
	install -m 644 packaging/systemd/tmpfiles.d/*.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d
	install -m 644 packaging/etc/agent.yaml $(DESTDIR)/etc/tsujiban/agent.yaml

.PHONY: deb rpm install-host
deb: ## Debian packages into build/packages/ (STATIC=1: the agent alone, which needs only libc)
	@packaging/install-deps.sh package
	@STATIC=$(STATIC) packaging/build.sh deb $(VERSION)
rpm: ## the same as rpm
	@packaging/install-deps.sh package
	@STATIC=$(STATIC) packaging/build.sh rpm $(VERSION)

clean: ## remove build/ (and with it the state of `make run`)
	rm -rf build

help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1\t/p' Makefile | awk -F '\t' '{printf "  make %-9s %s\n", $$1, $$2}'
	@echo "  variants: SAN=address (with UBSan), SAN=thread, CC=clang, COVER=1, STATIC=1; programs land in build/"
