package goals

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A Machine is what a figure depends on.
type Machine struct {
	CPU        string `json:"cpu"`
	CPUs       int    `json:"cpus"`
	MemoryMB   int    `json:"memory_mb"`
	Kernel     string `json:"kernel"`
	FileSystem string `json:"file_system"`
	HugePages  string `json:"huge_pages"` // whether the kernel gives them unasked: always, madvise, never; empty if it has none
	Go         string `json:"go"`
	Vouch      string `json:"vouch"`
	// Programs are those of others that were measured, or measured with, each
	// with its version.
	Programs []string `json:"programs"`
	Load     string   `json:"load"` // average over one minute when the run began, and when it ended
}

// String returns m in one line.
func (m Machine) String() string {
	s := fmt.Sprintf("%d CPUs (%s), %d MB, %s, %s, %s, vouch %s", m.CPUs, m.CPU, m.MemoryMB, m.FileSystem, m.Kernel, m.Go, m.Vouch)
	if m.HugePages != "" {
		s += ", huge pages: " + m.HugePages
	}
	for _, p := range m.Programs {
		s += ", " + p
	}
	return s + ", load " + m.Load
}

// ThisMachine looks at the machine and the disk of dir. What it cannot find out
// stays empty.
func ThisMachine(dir, vouch string) Machine {
	m := Machine{
		Programs: []string{},
		CPU:      field("/proc/cpuinfo", "model name"), CPUs: runtime.NumCPU(), Kernel: runtime.GOOS + "/" + runtime.GOARCH,
		FileSystem: fileSystem(dir), Go: runtime.Version(), Vouch: vouch,
	}
	m.MemoryMB = Kilobytes("/proc/meminfo", "MemTotal") / 1024
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel += " " + strings.TrimSpace(string(b))
	}
	if b, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled"); err == nil {
		m.HugePages = chosen(string(b))
	}
	m.Load = load()
	return m
}

// Ended notes the load at the end of a run.
func (m *Machine) Ended() { m.Load += " to " + load() }

// ProcessorTime returns what this process has used of its processors.
func ProcessorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// chosen returns which of the kernel's words is in brackets.
func chosen(words string) string {
	_, rest, _ := strings.Cut(words, "[")
	word, _, _ := strings.Cut(rest, "]")
	return word
}

// load returns the load average over one minute.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	minute, _, _ := strings.Cut(string(b), " ")
	return minute
}

// field returns the first value of a "name: value" file.
func field(file, name string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if k, v, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// Kilobytes returns a "name: 123 kB" of such a file.
func Kilobytes(file, name string) int {
	n, err := strconv.Atoi(strings.TrimSuffix(field(file, name), " kB"))
	if err != nil {
		return 0
	}
	return n
}

// fileSystems names those that are likely, by the number statfs gives.
var fileSystems = map[int64]string{
	0xef53: "ext4", 0x58465342: "xfs", 0x9123683e: "btrfs", 0x01021994: "tmpfs", 0x794c7630: "overlayfs", 0x2fc12fc1: "zfs",
}

func fileSystem(dir string) string {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return ""
	}
	if name, ok := fileSystems[int64(st.Type)]; ok { //nolint:unconvert // its width differs between machines
		return name
	}
	return fmt.Sprintf("file system %#x", st.Type)
}
