package jetstream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"
)

// ErrMissing means that there is no NATS server here that syncs always.
var ErrMissing = errors.New("no nats-server of version 2.10 or later: run make bin/nats-server")

// A Server is a running nats-server.
type Server struct {
	Version string
	url     string
	cmd     *exec.Cmd
	ended   chan error
	log     bytes.Buffer
}

// Find returns the nats-server to use: the given one, or the one beside this
// program, or the one in the path.
func Find(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), "nats-server")
		if _, err := os.Stat(beside); err == nil {
			return beside, nil
		}
	}
	path, err := exec.LookPath("nats-server")
	if err != nil {
		return "", ErrMissing
	}
	return path, nil
}

var versionLine = regexp.MustCompile(`v(\d+)\.(\d+)\.\d+`)

// version asks a nats-server what it is, and refuses one that cannot sync
// always.
func version(ctx context.Context, path string) (string, error) {
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%w: %s: %w", ErrMissing, path, err)
	}
	m := versionLine.FindSubmatch(out)
	if m == nil {
		return "", fmt.Errorf("%w: %s says %q", ErrMissing, path, out)
	}
	major, _ := strconv.Atoi(string(m[1])) // digits
	minor, _ := strconv.Atoi(string(m[2]))
	if major < 2 || major == 2 && minor < 10 {
		return "", fmt.Errorf("%w: %s is %s", ErrMissing, path, m[0])
	}
	return string(m[0]), nil
}

// Start runs the nats-server at path in a folder of dir, on a free port of
// 127.0.0.1.
func Start(ctx context.Context, path, dir string) (*Server, error) {
	v, err := version(ctx, path)
	if err != nil {
		return nil, err
	}
	dir = filepath.Join(dir, "nats")
	s := &Server{Version: v, ended: make(chan error, 1)}
	if err := s.start(ctx, path, dir); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s in %s: %w", path, dir, err), s.Close())
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, path, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	file := filepath.Join(dir, "server.conf")
	conf := fmt.Sprintf("listen: 127.0.0.1:-1\nports_file_dir: %q\njetstream {\n  store_dir: %q\n  sync_interval: always\n}\n", dir, dir)
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		return err
	}
	s.cmd = exec.CommandContext(ctx, path, "-c", file)      //nolint:gosec // the server that is to be measured
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt of the terminal is ours to pass on
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGINT) }
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return err
	}
	go func() { s.ended <- s.cmd.Wait() }()
	return s.await(ctx, dir)
}

// await waits until the server has said which port it listens on.
func (s *Server) await(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		files, err := filepath.Glob(filepath.Join(dir, "*.ports"))
		if err != nil {
			return err
		}
		var ports struct{ Nats []string }
		if len(files) == 1 {
			b, err := os.ReadFile(files[0])
			if err == nil && json.Unmarshal(b, &ports) == nil && len(ports.Nats) == 1 {
				s.url = ports.Nats[0]
				return nil
			}
		}
		select {
		case ended := <-s.ended:
			s.ended <- ended
			return fmt.Errorf("server ended: %w: %s", ended, s.log.Bytes())
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Close stops the server.
func (s *Server) Close() error {
	if s.cmd == nil {
		return nil
	}
	err := s.cmd.Process.Signal(syscall.SIGINT)
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	var exit *exec.ExitError
	if ended := <-s.ended; ended != nil && !errors.As(ended, &exit) && !errors.Is(ended, context.Canceled) {
		err = errors.Join(err, ended)
	}
	s.cmd = nil
	return err
}
