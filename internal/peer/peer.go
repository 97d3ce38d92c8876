// Package peer runs programs of others that tests hold ours against: servers, a
// browser, a reader of PDF. A test whose program is not here is skipped, with
// the way to get it.
package peer

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/chromedp"
)

// Program returns the program that the environment variable names, or else the
// one of this name in the path, or skips the test and says how to get it.
func Program(t testing.TB, variable, name, get string) string {
	t.Helper()
	wanted := name
	if variable != "" && os.Getenv(variable) != "" {
		wanted = os.Getenv(variable)
	}
	path, err := exec.LookPath(wanted)
	if err != nil {
		if variable != "" {
			t.Skipf("%s is neither named by %s nor on PATH: %s", name, variable, get)
		}
		t.Skipf("%s is not here: %s", name, get)
	}
	return path
}

// Address returns an address of this machine that nobody listens on. Its port is below
// those that systems give to whoever asks for any: until a server opens it, no
// connection of another test takes it.
func Address(t testing.TB) string {
	t.Helper()
	var last error
	for range 100 {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(16_000+rand.IntN(16_000))))
		if last = err; err != nil {
			continue // somebody is there
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return l.Addr().String()
	}
	t.Fatal(last)
	return ""
}

// Serve starts a server and returns when it listens on address. It is killed
// when the test ends.
func Serve(t testing.TB, address, program string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // it was killed
	})
	listens(t, address, filepath.Base(program))
}

// listens waits until a program listens.
func listens(t testing.TB, address, program string) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			_ = c.Close()
			return
		}
		<-time.After(50 * time.Millisecond)
	}
	t.Fatalf("%s did not open its port", program)
}

// StripeMock starts Stripe's own stateless mock, which checks the names and
// types of parameters against Stripe's specification and answers with examples
// that follow from it, and nothing else. It returns its address.
func StripeMock(t testing.TB) string {
	t.Helper()
	program := Program(t, "VOUCH_STRIPE_MOCK", "stripe-mock", "go install github.com/stripe/stripe-mock@v0.203.0")
	// Without both addresses it opens one of its own on every interface.
	plain, tls := Address(t), Address(t)
	Serve(t, plain, program, "-http-addr", plain, "-https-addr", tls)
	return "http://" + plain
}

// S3 starts an S3 server that keeps its objects below the folder it returns,
// and returns what comes after the ? in an address. The account is in the
// environment.
func S3(t *testing.T) (query, dir string) {
	t.Helper()
	program := Program(t, "VOUCH_S3_SERVER", "versitygw", "make bin/versitygw")
	addr, dir := Address(t), t.TempDir()
	// Beside the objects, because a temporary folder may know no attributes.
	Serve(t, addr, program, "--port", addr, "--access", "shop", "--secret", "of-a-test", "--quiet",
		"posix", "--sidecar", t.TempDir(), dir)
	t.Setenv("AWS_ACCESS_KEY_ID", "shop")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "of-a-test")
	return "?endpoint=http://" + addr + "&region=us-east-1", dir
}

// Bucket makes an empty one: a folder of the server's.
func Bucket(t testing.TB, dir string) string {
	t.Helper()
	path, err := os.MkdirTemp(dir, "evidence-") //nolint:usetesting // the server's own folder
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Base(path)
}

// Chromium starts the browser with an empty profile and returns what chromedp
// drives it by. stop ends it.
func Chromium(t testing.TB, limit time.Duration) (ctx context.Context, stop func()) {
	t.Helper()
	program := Program(t, "", "chromium", "apt-get install chromium")
	alloc, end := chromedp.NewExecAllocator(context.Background(), chromedp.ExecPath(program),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("headless", true), chromedp.Flag("no-sandbox", true), chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true), chromedp.Flag("no-first-run", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"))
	ctx, cancel := chromedp.NewContext(alloc)
	ctx, timeout := context.WithTimeout(ctx, limit)
	stop = func() {
		timeout()
		cancel()
		end()
	}
	if err := chromedp.Do(ctx); err != nil {
		stop()
		t.Fatalf("start chromium: %v", err)
	}
	return ctx, stop
}

// Do takes steps in the browser, one after the other. A page that draws itself
// anew may take away what a step has just found, before the step pressed or
// typed anything: somebody at the screen looks again, and so does Do.
func Do(ctx context.Context, steps ...chromedp.Action[chromedp.Void]) error {
	for _, step := range steps {
		err := chromedp.Do(ctx, step)
		for drawnAnew(err) && ctx.Err() == nil {
			err = chromedp.Do(ctx, step)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// drawnAnew tells whether a node was gone when it was asked for. The protocol
// has one code for all that the server of a domain refuses; nodes are told by
// Chromium's words (third_party/blink/renderer/core/inspector, dom_resolver.cc
// and inspector_dom_agent.cc).
func drawnAnew(err error) bool {
	var refused *cdproto.Error
	if !errors.As(err, &refused) || refused.Code != -32000 {
		return false
	}
	for _, words := range []string{"Could not find node", "No node with given id", "Node is detached", "Could not compute"} {
		if strings.Contains(refused.Message, words) {
			return true
		}
	}
	return false
}

// PDFText reads a PDF with another program than the one that wrote it. With
// VOUCH_KEEP_PDF the file is kept in that folder, for looking at it.
func PDFText(t testing.TB, pdf []byte) string {
	t.Helper()
	program := Program(t, "", "pdftotext", "apt-get install poppler-utils")
	dir := os.Getenv("VOUCH_KEEP_PDF")
	if dir == "" {
		dir = t.TempDir()
	}
	name := filepath.Join(dir, filepath.Base(t.Name())+".pdf")
	if err := os.WriteFile(name, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	//nolint:gosec // a program of the machine, found by its name
	out, err := exec.CommandContext(t.Context(), program, "-layout", name, "-").CombinedOutput()
	if err != nil {
		t.Fatalf("pdftotext: %v: %s", err, out)
	}
	return string(out)
}
