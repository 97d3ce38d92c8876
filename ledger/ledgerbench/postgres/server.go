package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrMissing means that no PostgreSQL can be started here; the text says what to
// do about it.
var ErrMissing = errors.New("no PostgreSQL")

// binaries is where Debian puts the server's programs.
const binaries = "/usr/lib/postgresql/15/bin"

// settings of a server of our own. Durability is left as it is.
var settings = map[string]string{
	"listen_addresses":     "",
	"fsync":                "on",
	"synchronous_commit":   "on",
	"full_page_writes":     "on",
	"shared_buffers":       "1GB",
	"max_wal_size":         "8GB",
	"checkpoint_timeout":   "30min",
	"maintenance_work_mem": "512MB",
}

// A Server is a PostgreSQL that can be connected to.
type Server struct {
	url     string
	own     *exec.Cmd // nil if it was given
	ended   chan error
	log     bytes.Buffer
	sockets string // folder to be removed
}

// Start makes a database in a folder of dir and starts a server for it. Where
// there is none installed it is [ErrMissing]. Root lets the user postgres run
// it, for which that user must be able to pass through dir (mode 0711).
func Start(ctx context.Context, dir string) (*Server, error) {
	if _, err := os.Stat(filepath.Join(binaries, "initdb")); err != nil {
		return nil, fmt.Errorf("%w: install postgresql-15", ErrMissing)
	}
	identity, err := servant()
	if err == nil && identity != nil {
		err = passable(dir)
	}
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "postgres")
	sockets, err := os.MkdirTemp("", "vouch-pg-") // a socket's path must be short
	if err != nil {
		return nil, err
	}
	s := &Server{sockets: sockets, ended: make(chan error, 1)}
	if err := s.start(ctx, identity, data); err != nil {
		return nil, errors.Join(fmt.Errorf("start PostgreSQL in %s: %w", data, err), s.Close())
	}
	return s, nil
}

// servant returns who runs the server: PostgreSQL refuses to be run by root.
func servant() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // no other than we are
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("%w: root needs the user postgres to run it", ErrMissing)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// passable refuses a folder that the user postgres cannot pass through.
func passable(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	for {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o001 == 0 {
			return fmt.Errorf("%w: the user postgres cannot pass through %s; use another folder or chmod o+x", ErrMissing, dir)
		}
		above := filepath.Dir(dir)
		if above == dir {
			return nil
		}
		dir = above
	}
}

// start makes the database, starts the server and waits until it answers.
func (s *Server) start(ctx context.Context, identity *syscall.Credential, data string) error {
	for _, dir := range []string{data, s.sockets} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if identity != nil {
			if err := os.Chown(dir, int(identity.Uid), int(identity.Gid)); err != nil {
				return err
			}
		}
	}
	command := func(name string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, filepath.Join(binaries, name), args...) //nolint:gosec // Debian's own
		cmd.Dir = s.sockets
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: identity, Setpgid: true}
		cmd.Stdout, cmd.Stderr = &s.log, &s.log
		cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
		return cmd
	}
	if err := command("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C").Run(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, s.log.Bytes())
	}
	args := []string{"-D", data, "-c", "unix_socket_directories=" + s.sockets}
	for name, value := range settings {
		args = append(args, "-c", name+"="+value)
	}
	s.own = command("postgres", args...)
	if err := s.own.Start(); err != nil {
		s.own = nil
		return err
	}
	go func() { s.ended <- s.own.Wait() }()
	s.url = "host=" + s.sockets + " user=postgres dbname=postgres"
	return s.await(ctx)
}

// await tries to connect until the server answers or has ended.
func (s *Server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		c, err := pgx.Connect(ctx, s.url)
		if err == nil {
			return c.Close(ctx)
		}
		select {
		case ended := <-s.ended:
			s.ended <- ended
			return fmt.Errorf("server ended: %w: %s", ended, s.log.Bytes())
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Use returns the server at url, which somebody else has started.
func Use(url string) *Server { return &Server{url: url} }

// Version returns what the server says it is.
func (s *Server) Version(ctx context.Context) (string, error) {
	c, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return "", fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	var v string
	err = c.QueryRow(ctx, "SHOW server_version").Scan(&v)
	return v, errors.Join(err, c.Close(ctx))
}

// Close stops the server if Start has started it.
func (s *Server) Close() error {
	var err error
	if s.own != nil {
		if err = s.own.Process.Signal(syscall.SIGINT); errors.Is(err, os.ErrProcessDone) {
			err = nil
		}
		var exit *exec.ExitError
		if ended := <-s.ended; ended != nil && !errors.As(ended, &exit) && !errors.Is(ended, context.Canceled) {
			err = errors.Join(err, ended)
		}
		s.own = nil
	}
	if s.sockets != "" {
		err = errors.Join(err, os.RemoveAll(s.sockets))
	}
	return err
}
