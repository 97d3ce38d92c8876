package models

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// network writes the files of a network and its manifest.
func network(t testing.TB) (string, Manifest) {
	t.Helper()
	dir := t.TempDir()
	m := Manifest{
		Name: "eye", Version: "1.1", Licence: "MIT", Source: "https://eye.example", Format: Darknet, Files: map[string]File{},
		Layers: []string{"bn_1"},
	}
	for name, text := range map[string]string{"config": "[net]\nwidth=8\n", "weights": "numbers", "names": "bottle\n"} {
		path := filepath.Join(dir, "eye."+name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		sum, err := DigestOf(path)
		if err != nil {
			t.Fatal(err)
		}
		m.Files[name] = File{Path: "eye." + name, SHA256: sum}
	}
	return write(t, dir, m), m
}

func write(t testing.TB, dir string, m Manifest) string {
	t.Helper()
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "eye.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestADeclaredModelIsNamedByItsWeights(t *testing.T) {
	path, want := network(t)
	m, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := m.Label(), "eye@1.1 sha256:"+want.Files["weights"].SHA256; got != want {
		t.Errorf("Label() = %q, want %q", got, want)
	}
	if diff := cmp.Diff([]string{"weights", "config"}, m.Names()); diff != "" {
		t.Errorf("Names() (-want +got):\n%s", diff)
	}
}

func TestAnotherFileThanTheDeclaredOneIsRefused(t *testing.T) {
	path, m := network(t)
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), m.Files["weights"].Path), []byte("numberz"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); !errors.Is(err, ErrDigest) || !strings.Contains(err.Error(), "eye.weights") {
		t.Errorf("Load() of altered weights = %v, want %v of eye.weights", err, ErrDigest)
	}
}

func TestAModelThatIsNotDeclaredWholeIsRefused(t *testing.T) {
	for story, spoil := range map[string]func(*Manifest){
		"no licence":            func(m *Manifest) { m.Licence = " " },
		"no name":               func(m *Manifest) { m.Name = "" },
		"a name with a space":   func(m *Manifest) { m.Name = "big eye" },
		"no version":            func(m *Manifest) { m.Version = "" },
		"an unknown format":     func(m *Manifest) { m.Format = "torch" },
		"no weights":            func(m *Manifest) { delete(m.Files, "weights") },
		"a file of another":     func(m *Manifest) { m.Files["onnx"] = m.Files["config"] },
		"a digest that is none": func(m *Manifest) { m.Files["names"] = File{Path: "eye.names", SHA256: "12"} },
		"a file elsewhere":      func(m *Manifest) { m.Files["names"] = File{"../eye.names", m.Files["names"].SHA256} },
		"an input of no size":   func(m *Manifest) { m.Input.Side = -1 },
		"an order of no colour": func(m *Manifest) { m.Input.Order = "cmy" },
		"a spread of nothing":   func(m *Manifest) { m.Input.Std = [3]float64{1, 0, 1} },
	} {
		path, m := network(t)
		spoil(&m)
		if _, err := Load(write(t, filepath.Dir(path), m)); !errors.Is(err, ErrManifest) {
			t.Errorf("%s: Load() = %v, want %v", story, err, ErrManifest)
		}
	}
	for story, text := range map[string]string{
		"not JSON": "eye", "a new field": `{"name":"eye","weight":1}`, "two of them": `{}{}`, "nothing": "",
	} {
		if _, err := Parse([]byte(text)); !errors.Is(err, ErrManifest) {
			t.Errorf("%s: Parse() = %v, want %v", story, err, ErrManifest)
		}
	}
}

// FuzzParse: what is accepted says what it is and under which licence.
func FuzzParse(f *testing.F) {
	path, _ := network(f)
	b, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"name":"a","version":"1","licence":"MIT","format":"onnx","files":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			if !errors.Is(err, ErrManifest) {
				t.Fatalf("Parse(%q) = %v, want %v", b, err, ErrManifest)
			}
			return
		}
		if m.Licence == "" || len(m.Digest()) != 64 || len(m.Names()) == 0 {
			t.Fatalf("Parse(%q) = %+v, without licence, digest or files", b, m)
		}
	})
}
