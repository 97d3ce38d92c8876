package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/api/keys"
)

// runKeys runs `vouch keys` with args and returns what goes to standard output.
func runKeys(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := newKeysCommand()
	cmd.SetOut(&out)
	cmd.SetErr(&bytes.Buffer{})
	cmd.SetArgs(args)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err := cmd.Execute()
	return out.String(), err
}

// TestAKeyIsMadeListedAndRevoked: its text can be piped, is shown once, and
// does not work after it was revoked.
func TestAKeyIsMadeListedAndRevoked(t *testing.T) {
	dir := t.TempDir()
	text, err := runKeys(t, "create", "--data", dir, "--role", "device", "--store", "s1", "--name", "gate-1")
	if err != nil || strings.Count(text, "\n") != 1 {
		t.Fatalf("keys create = %q, %v, want the key alone", text, err)
	}
	text = strings.TrimSpace(text)
	store, err := keys.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	k, err := store.Check(text)
	if err != nil || k.Store != "s1" || k.Actor() != "device:gate-1" {
		t.Fatalf("Check(%q) = %+v, %v, want the gate of s1", text, k, err)
	}
	for _, args := range [][]string{{"list", "--data", dir}, {"list", "--data", dir, "--json"}} {
		out, err := runKeys(t, args...)
		if err != nil || !strings.Contains(out, k.ID) || strings.Contains(out, text) {
			t.Errorf("keys %v = %q, %v, want the id and not the text", args, out, err)
		}
	}
	if _, err := runKeys(t, "revoke", "--data", dir, k.ID); err != nil {
		t.Errorf("keys revoke = %v, want nil", err)
	}
	if _, err := store.Check(text); !errors.Is(err, keys.ErrRevoked) {
		t.Errorf("Check(revoked) = %v, want %v", err, keys.ErrRevoked)
	}
	var made keyJSON
	out, err := runKeys(t, "create", "--data", dir, "--role", "auditor", "--json")
	if err := errors.Join(err, json.Unmarshal([]byte(out), &made)); err != nil || !strings.HasPrefix(made.Text, "vouch_"+made.ID) {
		t.Errorf("keys create --json = %q, %v, want a key", out, err)
	}
}

// TestAKeyForNobodyIsRefused: and the refusal says what to do.
func TestAKeyForNobodyIsRefused(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{
		{"create", "--data", dir, "--role", "device"},
		{"create", "--data", dir, "--role", "boss"},
		{"revoke", "--data", dir, "nobody"},
		{"create", "--data", dir},
		{"list"},
	} {
		if out, err := runKeys(t, args...); err == nil {
			t.Errorf("keys %v = %q, nil, want a refusal", args, out)
		}
	}
}
