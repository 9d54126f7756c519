# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For people; what it calls can be called alone as well.
MAKEFLAGS += --no-print-directory
KERNEL ?= 6.1

.PHONY: help run check check-debug check-matrix check-static check-asan soak fuzz build modules bench vm clean
help:
	@echo "make run [HOST=1]   build all, show unmodified D-Bus programs on the bus"
	@echo "make check          build all, run every test, here and in the VM"
	@echo "make check-debug    the VM's tests on a kernel that checks itself, and faults"
	@echo "make check-matrix   the VM's tests on all kernels, with 1, 2, 4 processors"
	@echo "make check-static   look at the sources with all that finds mistakes there"
	@echo "make check-asan     the tests that run here, with sanitizers and valgrind"
	@echo "make soak           everything at once in the VM for TIME=3600 seconds"
	@echo "make fuzz           run the fuzzers, each for TIME=60 seconds; TARGET=..."
	@echo "make build          programs into build/, modules into build/modules/"
	@echo "make bench          measure beside the other buses, here and in the VM, with"
	@echo "                    a report, build/bench/report.html; PARTS='host vm icount';"
	@echo "                    NATIVE=1: native buses alone, beside AF_UNIX and TIPC"
	@echo "make vm CMD='...'   run a command in the VM; docs/vm.md has more"
	@echo "make clean          remove build/ (downloads stay in .cache/)"
	@echo "KERNEL=6.12 chooses another kernel for the VM than $(KERNEL)"

run:
	@KERNEL=$(KERNEL) HOST=$(HOST) scripts/run

check:
	@KERNEL=$(KERNEL) scripts/check

check-debug:
	@KERNEL=$(KERNEL) scripts/check --debug

check-matrix:
	@scripts/check-matrix

check-static:
	@scripts/deps build check kernel static && scripts/static

check-asan:
	@scripts/check --asan

soak:
	@KERNEL=$(KERNEL) scripts/soak $(TIME)

fuzz:
	@scripts/deps build check && scripts/fuzz --time $(or $(TIME),60) $(TARGET)

build:
	@scripts/build $(KERNEL)

modules:
	@scripts/deps kernel vm && scripts/build-modules $(KERNEL)

bench: build
	@KERNEL=$(KERNEL) scripts/bench $(if $(NATIVE),--native,$(if $(KEEP),--keep) $(PARTS))

CMD ?= uname -a; lsmod; afbus status
vm: export AFBUS_VM_COMMAND = $(CMD)
vm: build
	@scripts/deps vm
	@vm/run --kernel $(KERNEL) -- sh -c "$$AFBUS_VM_COMMAND"

clean:
	rm -rf build
