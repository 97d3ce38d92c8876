package outbox

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/internal/peer"
)

// disk is what a power cut would leave of an outbox's folder, by what the
// process asked of the system: bytes are there once their file was synced,
// names once the folder they are in was.
type disk struct {
	root  string
	bytes map[string]bool // files with bytes that are not there yet
	names map[string]bool // names that are not there yet
}

var (
	callOf   = regexp.MustCompile(`^\d+ +(\w+)\((.*)\) += \d+`)
	fileOf   = regexp.MustCompile(`^\d+<([^>]*)>`)
	quotedOf = regexp.MustCompile(`"([^"]*)"`)
)

// follow takes a line of strace. It returns what a message that was
// acknowledged in it would lose if the power went now.
func (d *disk) follow(line string) (acknowledged bool, lost []string) {
	m := callOf.FindStringSubmatch(line)
	if m == nil {
		return false, nil
	}
	call, args := m[1], m[2]
	file := ""
	if f := fileOf.FindStringSubmatch(args); f != nil {
		file = f[1]
	}
	var paths []string
	for _, q := range quotedOf.FindAllStringSubmatch(args, -1) {
		paths = append(paths, q[1])
	}
	switch call {
	case "write":
		if strings.HasPrefix(args, "1<") && strings.Contains(args, `"kept `) {
			return true, d.lost()
		}
		d.bytes[file] = true
	case "fsync":
		delete(d.bytes, file)
		for name := range d.names {
			if filepath.Dir(name) == file {
				delete(d.names, name)
			}
		}
	case "mkdirat":
		d.names[paths[0]] = true
	case "renameat", "linkat":
		if d.bytes[paths[0]] {
			d.bytes[paths[1]] = true
		}
		if call == "renameat" {
			delete(d.bytes, paths[0])
		}
		d.names[paths[1]] = true
	}
	return false, nil
}

// lost is what is not on the disk of what messages and their key need.
func (d *disk) lost() (out []string) {
	needed := func(path string) bool {
		return path == d.root || strings.HasPrefix(path, filepath.Join(d.root, "queue")) || path == d.root+".key"
	}
	for path := range d.bytes {
		if needed(path) {
			out = append(out, "bytes of "+path)
		}
	}
	for path := range d.names {
		if needed(path) {
			out = append(out, "name of "+path)
		}
	}
	return out
}

// judge follows a trace and returns how many messages were acknowledged, and
// what the first would lose that would lose anything.
func judge(root string, lines []string) (acknowledged int, lost []string) {
	d := &disk{root: root, bytes: map[string]bool{}, names: map[string]bool{}}
	for _, line := range lines {
		ok, gone := d.follow(line)
		if ok {
			acknowledged++
		}
		if len(gone) > 0 {
			return acknowledged, gone
		}
	}
	return acknowledged, nil
}

// TestNoPowerCutTakesWhatWasAcknowledged listens to what an outbox asks of the
// system, and asks at each acknowledgement what a power cut would leave.
func TestNoPowerCutTakesWhatWasAcknowledged(t *testing.T) {
	strace := peer.Program(t, "", "strace", "apt-get install strace")
	root, trace := filepath.Join(t.TempDir(), "outbox"), filepath.Join(t.TempDir(), "trace")
	cmd := exec.CommandContext(t.Context(), strace, "-f", "-y", "-qq", "-s", "16", "-e", "signal=none", "-e", "trace=write,fsync,mkdirat,renameat,linkat", "-o", trace, os.Args[0])
	cmd.Env = append(os.Environ(), "OUTBOX_TEST_CHILD="+root, "OUTBOX_TEST_MOST=20")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := 0
	for s := bufio.NewScanner(out); s.Scan(); said++ {
	}
	if err := cmd.Wait(); err != nil {
		t.Skipf("strace does not trace here: %v", err)
	}
	lines := whole(t, trace)
	n, lost := judge(root, lines)
	if n != said || n != 20 || len(lost) > 0 {
		t.Errorf("of %d acknowledged messages a power cut takes after %d: %q", said, n, lost)
	}
	// Without any one kind of sync something would be lost.
	for story, path := range map[string]string{
		"the messages": root + "/tmp/", "the queue's names": root + "/queue>", "the outbox's own names": root + ">",
		"the folder it is in": filepath.Dir(root) + ">", "the key": "/.secret-",
	} {
		var worse []string
		for _, line := range lines {
			if !strings.Contains(line, "fsync(") || !strings.Contains(line, path) {
				worse = append(worse, line)
			}
		}
		if _, lost := judge(root, worse); len(lost) == 0 {
			t.Errorf("without a sync of %s nothing would be lost; the test looks at nothing", story)
		}
	}
}

// whole returns the lines of a trace, with calls that were cut in two by
// another thread's as one, where they ended.
func whole(t *testing.T, trace string) (lines []string) {
	t.Helper()
	b, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	begun := map[string]string{}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		pid, _, _ := strings.Cut(line, " ")
		if head, ok := strings.CutSuffix(line, " <unfinished ...>"); ok {
			begun[pid] = head
			continue
		}
		if _, rest, ok := strings.Cut(line, " resumed>"); ok && strings.Contains(line, "<... ") {
			line = begun[pid] + rest
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		t.Fatal(fmt.Sprint(trace, " is empty"))
	}
	return lines
}
