//go:build opencv

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/vouchledger/vouch/internal/given"
	"github.com/vouchledger/vouch/vision/models"
)

// manifest writes that of FastestDet into a folder that has its files, changed
// by spoil, and returns its name.
func manifest(t *testing.T, dir, name string, spoil func(*models.Manifest)) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "models", "fastestdet.json"))
	if err != nil {
		t.Fatal(err)
	}
	var m models.Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	for _, f := range m.Files {
		from, err := filepath.Abs(given.File(t, "models/"+f.Path))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(from, filepath.Join(dir, f.Path)); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
	}
	if spoil != nil {
		spoil(&m)
	}
	if b, err = json.Marshal(m); err == nil {
		err = os.WriteFile(filepath.Join(dir, name), b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// listOf writes a list of classes beside a manifest.
func listOf(t *testing.T, dir string, classes ...string) models.File {
	t.Helper()
	f := models.File{Path: "list.names"}
	path := filepath.Join(dir, f.Path)
	var text string
	for _, c := range classes {
		text += c + "\n"
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if f.SHA256, err = models.DigestOf(path); err != nil {
		t.Fatal(err)
	}
	return f
}
