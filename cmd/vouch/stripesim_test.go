package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/billing/stripesim"
)

// startStripesim runs the command until the returned stop and gives its URL.
func startStripesim(t *testing.T, args ...string) (address string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	read, write := io.Pipe()
	cmd := newStripesimCommand()
	cmd.SetArgs(append([]string{"--listen", "127.0.0.1:0"}, args...))
	cmd.SetOut(write)
	ended := make(chan error, 1)
	go func() {
		err := cmd.ExecuteContext(ctx)
		ended <- errors.Join(err, write.CloseWithError(err))
	}()
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return line[strings.Index(line, "http://") : len(line)-1], func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("vouch stripesim = %v, want a clean end", err)
		}
	}
}

// simCustomers makes a customer (POST) or lists them (GET).
func simCustomers(t *testing.T, method, address string) string {
	t.Helper()
	form := strings.NewReader(url.Values{"name": {"Ada"}}.Encode())
	req, err := http.NewRequestWithContext(t.Context(), method, address+"/v1/customers", form)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("sk_test_trial", "")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

// What one run of the command was told, the next one knows, and a fault given
// on the command line happens.
func TestStripesimCommand(t *testing.T) {
	data := filepath.Join(t.TempDir(), "stripe.jsonl")
	address, stop := startStripesim(t, "--data", data, "--fault", "customers.create:drop_after:nth=1")
	if got := simCustomers(t, http.MethodPost, address); !strings.Contains(got, "EOF") {
		t.Errorf("POST with a fault = %s, want a dropped connection", got)
	}
	stop()
	address, stop = startStripesim(t, "--data", data)
	if got := simCustomers(t, http.MethodGet, address); !strings.Contains(got, `"name":"Ada"`) {
		t.Errorf("GET after a restart = %s, want Ada", got)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(address + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if page, err := io.ReadAll(res.Body); err != nil || !strings.Contains(string(page), "No payment yet.") {
		t.Errorf("GET / = %s, %v, want the page", page, err)
	}
	stop()
}

// A command line that cannot work is refused before anything is served.
func TestStripesimCommandRefuses(t *testing.T) {
	for _, c := range []struct {
		args []string
		err  error
	}{
		{[]string{"--fault", "bogus"}, stripesim.ErrFault},
		{[]string{"--listen", "127.0.0.1:0", "--webhook", "http://127.0.0.1:1"}, stripesim.ErrConfig},
	} {
		cmd := newStripesimCommand()
		cmd.SetArgs(c.args)
		cmd.SetOut(io.Discard)
		cmd.SetErr(io.Discard)
		if err := cmd.ExecuteContext(t.Context()); !errors.Is(err, c.err) {
			t.Errorf("vouch stripesim %v = %v, want %v", c.args, err, c.err)
		}
	}
}
