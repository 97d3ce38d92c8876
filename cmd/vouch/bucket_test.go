package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vouchledger/vouch/cmd/vouch/evidencestore"
	"github.com/vouchledger/vouch/internal/peer"
	"github.com/vouchledger/vouch/ledger"
)

// bucketShop is a shop whose evidence is in a bucket: four pieces, which one
// event names.
type bucketShop struct {
	data    string
	address string // of the bucket
	objects string // the bucket's folder, as its server keeps it
	pieces  []ledger.Digest
}

func openBucketShop(t *testing.T, query, dir string) bucketShop {
	t.Helper()
	name := peer.Bucket(t, dir)
	s := bucketShop{data: t.TempDir(), address: "s3://" + name + query, objects: filepath.Join(dir, name)}
	vouch(t, "simulate", "--seed", "1", "--visits", "3", "--data", s.data)
	store, err := evidencestore.Open(t.Context(), evidencestore.Config{
		Address: s.address, Keys: filepath.Join(s.data, evidencestore.KeysDir), Make: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	log, err := source{data: s.data}.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d := ledger.DetectionRecorded{
		Store: "s9", Sensor: "cam-1", Source: ledger.SensorCamera, Slot: "left", Quantity: 1, Model: "vouch-shelf/1",
		Items:   []ledger.ItemHypothesis{{SKU: "cola", Confidence: 900}},
		Actions: []ledger.ActionHypothesis{{Action: ledger.ActionTake, Confidence: 900}},
	}
	for _, role := range []string{ledger.RoleBefore, ledger.RoleAt, ledger.RoleAfter, ledger.RoleClip} {
		b := bytes.Repeat([]byte("what the camera saw "+role+" the hand. "), 3000)
		info, err := store.PutBytes(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		s.pieces = append(s.pieces, info.Digest)
		d.Evidence = append(d.Evidence, ledger.EvidenceRef{Role: role, Digest: info.Digest, MediaType: "image/jpeg", Bytes: info.Bytes})
	}
	draft, err := ledger.NewDraft(ledger.Meta{
		ID: ledger.DeriveID(ledger.ID{}, "seen"), Occurred: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), Actor: "device:cam-1",
	}, d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.Append(t.Context(), ledger.StoreStream("s9"), ledger.Any(), draft); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(log.Close(), store.Close()); err != nil {
		t.Fatal(err)
	}
	return s
}

// object returns the file that the bucket's server keeps a piece in.
func (s bucketShop) object(t *testing.T, bucket string, d ledger.Digest) string {
	t.Helper()
	found := ""
	err := filepath.WalkDir(bucket, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && strings.Contains(path, strings.TrimPrefix(string(d), "sha256:")) {
			found = path
		}
		return err
	})
	if err != nil || found == "" {
		t.Fatalf("the bucket has no object of %s: %v", d, err)
	}
	return found
}

// verified runs vouch verify and returns its exit code and what it printed.
func verified(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	root := newRootCommand()
	root.SetArgs(append([]string{"verify"}, args...))
	root.SetOut(&out)
	root.SetErr(&out)
	err := root.ExecuteContext(t.Context())
	if err == nil {
		return exitOK, out.String()
	}
	return exitCode(err), out.String()
}

// TestEvidenceInABucketIsVerifiedBackedUpAndRestored: what was altered or is
// missing in a bucket is found with the event that names it; the backup has the
// keys, and a copy of the bucket, made by whoever has it, is read with them.
func TestEvidenceInABucketIsVerifiedBackedUpAndRestored(t *testing.T) {
	query, dir := peer.S3(t)
	s := openBucketShop(t, query, dir)
	if code, out := verified(t, "--data", s.data, "--evidence", s.address); code != exitOK || !strings.Contains(out, "4 objects") {
		t.Fatalf("verify of a whole bucket = %d:\n%s", code, out)
	}
	backup, back := filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "data")
	vouch(t, "backup", "--data", s.data, "--to", backup)
	copied := peer.Bucket(t, dir)
	if err := os.CopyFS(filepath.Join(dir, copied), os.DirFS(s.objects)); err != nil {
		t.Fatal(err)
	}
	other := "s3://" + copied + query

	file := s.object(t, s.objects, s.pieces[1])
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(s.object(t, s.objects, s.pieces[3])); err != nil {
		t.Fatal(err)
	}
	code, out := verified(t, "--data", s.data, "--evidence", s.address)
	if code != exitVerify {
		t.Errorf("verify of a bucket that was tampered with = %d, want %d", code, exitVerify)
	}
	for _, want := range []string{string(s.pieces[1]) + ": altered", string(s.pieces[3]) + ": missing"} {
		if !strings.Contains(out, want) {
			t.Errorf("verify does not say %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, string(s.pieces[0])) {
		t.Errorf("verify finds fault with what is whole:\n%s", out)
	}

	// The copy is whole, and the backup has the keys to it.
	keysOf := func(folder string) string { return filepath.Join(folder, evidencestore.KeysDir) }
	if code, out := verified(t, "--data", backup, "--evidence", other, "--evidence-keys", keysOf(backup)); code != exitOK {
		t.Errorf("verify of the backup with the copy of the bucket = %d:\n%s", code, out)
	}
	vouch(t, "restore", "--from", backup, "--data", back)
	if code, out := verified(t, "--data", back, "--evidence", other); code != exitOK || !strings.Contains(out, "4 objects") {
		t.Errorf("verify of what was restored, with the copy of the bucket = %d:\n%s", code, out)
	}
	// Without the keys nothing of it is read.
	if err := os.RemoveAll(keysOf(back)); err != nil {
		t.Fatal(err)
	}
	if code, out := verified(t, "--data", back, "--evidence", other); code != exitVerify || !strings.Contains(out, "no_key") {
		t.Errorf("verify without keys = %d:\n%s", code, out)
	}
}
