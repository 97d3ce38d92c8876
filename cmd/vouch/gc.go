package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

const (
	// heapGrowth is how much the heap may grow between two collections, in
	// percent of what is in use. A ledger holds little and makes much that is
	// soon garbage: bodies on their way in, records on their way out. Go's own
	// 100 collects a hundred times a second then.
	heapGrowth = 400

	// memoryShare is the part of the machine's memory at which collections come
	// more often again: one in so many.
	memoryShare = 2
)

// collectLess sets the collector up for a ledger, unless the environment says
// how it shall be (GOGC, GOMEMLIMIT).
func collectLess() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	total, ok := machineMemory()
	if !ok {
		return // without a limit it would be a risk
	}
	debug.SetMemoryLimit(total / memoryShare)
	debug.SetGCPercent(heapGrowth)
}

// machineMemory returns the memory in bytes that this process may have, where
// the system tells.
func machineMemory() (int64, bool) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	defer f.Close()
	var kilobytes int64
	if _, err := fmt.Fscanf(f, "MemTotal: %d kB", &kilobytes); err != nil || kilobytes <= 0 {
		return 0, false
	}
	total := kilobytes << 10
	if text, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil { // a container has less
		if limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && limit > 0 {
			total = min(total, limit)
		}
	}
	return total, true
}
