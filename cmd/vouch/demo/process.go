package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// stopAfter is how long a process gets to end by itself.
const stopAfter = 10 * time.Second

// processes are the demo's children. All of them are ended with the demo.
type processes struct {
	logs string
	mu   sync.Mutex
	all  []*process
	plug *plug
}

func newProcesses(logs string) *processes { return &processes{logs: logs} }

// A process is one child, its output going to a log file.
type process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how, once done is closed
}

// start runs a child in the background. It is not bound to a context: the
// demo decides when it ends.
func (ps *processes) start(name, bin string, args ...string) (*process, error) {
	log, err := os.OpenFile(filepath.Join(ps.logs, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &process{name: name, cmd: exec.Command(bin, args...), done: make(chan struct{})} // our own binaries
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", name, err), log.Close())
	}
	go func() {
		p.err = p.cmd.Wait()
		_ = log.Close() // written by the child
		close(p.done)
	}()
	ps.mu.Lock()
	defer ps.mu.Unlock()
	ps.all = append(ps.all, p)
	return p, nil
}

// running reports whether the child has not ended.
func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// stop asks the child to end, and makes it after a while.
func (p *process) stop() error {
	if !p.running() {
		return p.err
	}
	_ = p.cmd.Process.Signal(os.Interrupt) // it may have ended just now
	select {
	case <-p.done:
	case <-time.After(stopAfter):
		_ = p.cmd.Process.Kill()
		<-p.done
		return fmt.Errorf("%s did not end within %s of being asked", p.name, stopAfter)
	}
	return p.err
}

// kill pulls the plug.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended just now
	<-p.done
}

func (ps *processes) stopAll() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for i := len(ps.all) - 1; i >= 0; i-- {
		_ = ps.all[i].stop() // at the end of the demo: what matters was checked before
	}
}

// call runs a child to its end and returns what it printed. allowed lists the
// exit codes that are answers and not errors.
func call(ctx context.Context, logs, bin string, allowed []int, args ...string) (string, int, error) {
	cmd := exec.CommandContext(ctx, bin, args...) // our own binaries
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	name := filepath.Base(bin) + "-" + args[0]
	if log, openErr := os.OpenFile(filepath.Join(logs, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); openErr == nil {
		fmt.Fprintf(log, "%s%s", out.Bytes(), errs.Bytes())
		_ = log.Close() // a log of a demo
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		for _, code := range allowed {
			if exit.ExitCode() == code {
				return out.String(), code, nil
			}
		}
		return out.String(), exit.ExitCode(), fmt.Errorf("%s: exit code %d: %s", name, exit.ExitCode(), bytes.TrimSpace(errs.Bytes()))
	}
	if err != nil {
		return "", 0, fmt.Errorf("%s: %w", name, err)
	}
	return out.String(), 0, nil
}

// freeAddress returns a loopback address that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}
