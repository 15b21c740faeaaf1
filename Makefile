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

# --- variants: SAN=address (with UBSan), SAN=thread; CC=clang; COVER=1 ---------------------------
SAN ?=
ifneq ($(SAN),)
BUILD ?= build/$(SAN)
else
BUILD ?= build
endif
ifeq ($(origin CC),default)
CC := gcc
endif

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wvla -Wundef -Wformat=2 -Werror
OPT ?= -O2
CFLAGS_ALL := -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DTSUJIBAN_VERSION='"$(VERSION)"' \
	$(OPT) -g -fno-strict-aliasing -fstack-protector-strong -fPIE $(WARNINGS) \
	-I. -I$(BUILD)/gen $(CFLAGS)
LDFLAGS_ALL := -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)
ifeq ($(SAN),address)
CFLAGS_ALL += -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS_ALL += -fsanitize=address,undefined
else ifeq ($(SAN),thread)
CFLAGS_ALL += -fsanitize=thread
LDFLAGS_ALL += -fsanitize=thread
else
CFLAGS_ALL += -D_FORTIFY_SOURCE=2
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
FLOOR_common/io        := common/io $(FLOOR_common/codec)
FLOOR_common           := common/io common/store $(FLOOR_common/codec)

FLOOR_agent/state      := agent/state $(FLOOR_common)
FLOOR_agent/fim        := agent/fim $(FLOOR_agent/state)
FLOOR_agent/inventory  := agent/inventory $(FLOOR_agent/state)
FLOOR_agent/ship       := agent/ship $(FLOOR_agent/state)
FLOOR_agent            := agent agent/fim agent/inventory agent/ship $(FLOOR_agent/state)

FLOOR_collector/store  := collector/store $(FLOOR_common)
FLOOR_collector/index  := collector/index $(FLOOR_common)
FLOOR_collector/ingest := collector/ingest $(FLOOR_collector/store)
FLOOR_collector/query  := collector/query collector/index $(FLOOR_collector/store)
FLOOR_collector/http   := collector/http $(FLOOR_collector/query)
FLOOR_collector        := collector collector/http collector/query collector/ingest \
	collector/index $(FLOOR_collector/store)
FLOOR_collector/cli    := collector/cli $(FLOOR_common)

FOLDERS := $(sort $(FLOOR_agent) $(FLOOR_collector) $(FLOOR_collector/cli))

LIBS_AGENT     := -luv -lssl -lcrypto -lprotobuf-c -lzstd -llmdb -lyaml -lpthread
LIBS_COLLECTOR := $(LIBS_AGENT) -lroaring -lwebsockets -ljansson -lm
LIBS_CLI       := $(LIBS_AGENT) -lcurl -ljansson
LIBS_ALL       := $(LIBS_COLLECTOR) -lcurl

# --- programs -----------------------------------------------------------------------------------
PROGRAMS := $(BUILD)/tsujiban-agent $(BUILD)/tsujiban-collector $(BUILD)/tsujiban

.PHONY: all
all: $(PROGRAMS) ## build the three programs into build/

archives = $(foreach f,$(1),$(BUILD)/lib/$(subst /,-,$(f)).a)
link = $(CC) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group

$(BUILD)/tsujiban-agent: $(call archives,$(FLOOR_agent))
	$(link) -Wl,--undefined=main $(LIBS_AGENT)
$(BUILD)/tsujiban-collector: $(call archives,$(FLOOR_collector))
	$(link) -Wl,--undefined=main $(LIBS_COLLECTOR)
$(BUILD)/tsujiban: $(call archives,$(FLOOR_collector/cli))
	$(link) -Wl,--undefined=main $(LIBS_CLI)

# --- archives, one a folder ----------------------------------------------------------------------
PROTO_C := $(BUILD)/gen/proto/tsujiban.pb-c.c
$(PROTO_C) $(PROTO_C:.c=.h) &: proto/tsujiban.proto
	@mkdir -p $(BUILD)/gen
	protoc-c --c_out=$(BUILD)/gen $<

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
	ar rcs $@ $^

$(BUILD)/obj/proto/tsujiban.pb-c.o: $(PROTO_C)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -Wno-shadow -Wno-conversion -c $< -o $@

$(BUILD)/obj/%.o: %.c | $(PROTO_C:.c=.h)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# --- unit tests: tests/unit/<folder with dashes>/test_*.c ----------------------------------------
UNIT_SRC := $(wildcard tests/unit/*/test_*.c)
UNIT_BIN := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(UNIT_SRC))

define unit_rules
$(BUILD)/unit/$(subst /,-,$(1))/%: $(BUILD)/obj/tests/unit/$(subst /,-,$(1))/%.o $$(call archives,$$(FLOOR_$(1)))
	@mkdir -p $$(@D)
	$$(link) -lcmocka $$(LIBS_ALL)
endef
$(foreach f,$(filter-out proto agent collector,$(FOLDERS)),$(eval $(call unit_rules,$(f))))

.PHONY: unit
unit: $(UNIT_BIN) ## build and run the unit tests (ONLY=pattern picks some)
	@tests/run-unit.sh $(BUILD) $(ONLY)
