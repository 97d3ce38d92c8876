package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const ledgerDir = "../.."

// TestGenerated checks that the codecs in package ledger are those of its
// payloads: running the generator again changes nothing, and nothing else is
// called a canonical file.
func TestGenerated(t *testing.T) {
	files, err := generate(ledgerDir)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(ledgerDir, name))
		if err != nil || string(got) != string(want) {
			t.Errorf("ledger/%s is not what the payloads say (%v): run go generate ./ledger", name, err)
		}
	}
	there, err := filepath.Glob(filepath.Join(ledgerDir, outputPrefix+"*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range there {
		if name := filepath.Base(path); files[name] == nil && !strings.HasSuffix(name, "_test.go") {
			t.Errorf("ledger/%s is written by nobody: its payloads are gone", name)
		}
	}
}

// payload is a file with one payload whose only field is given.
func payload(t *testing.T, field string) string {
	t.Helper()
	dir := t.TempDir()
	text := "package ledger\n\ntype Doubt string\n\nconst DoubtItem Doubt = \"item\"\n\n" +
		"type Price float64\n\ntype Thing struct {\n" + field + "\n}\n\nfunc (Thing) Kind() Kind { return KindThing }\n"
	if err := os.WriteFile(filepath.Join(dir, "payload_thing.go"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestNewField checks that a changed payload changes what is generated: that
// is what makes TestGenerated fail.
func TestNewField(t *testing.T) {
	for _, field := range []string{
		"Doubt Doubt `json:\"doubt\"`", "Doubts List[Doubt] `json:\"doubts\"`", "Others List[ID] `json:\"others\"`",
	} {
		files, err := generate(payload(t, field))
		if err != nil {
			t.Fatalf("generate(%s) = %v, want codecs", field, err)
		}
		text := string(files["canonical_thing_read.go"]) + string(files["canonical_thing_write.go"])
		key := field[strings.Index(field, `json:"`)+6 : len(field)-2]
		if strings.Count(text, `{"`+key+`":`) != 2 {
			t.Errorf("generate(%s) reads and writes no %q:\n%s", field, key, text)
		}
	}
}

// TestRefused checks that a field with a form of its own is refused, not
// guessed at.
func TestRefused(t *testing.T) {
	for _, field := range []string{
		"Rate float64 `json:\"rate\"`",
		"Price Price `json:\"price\"`",
		"Note *string `json:\"note\"`",
		"Notes []string `json:\"notes\"`",
		"Notes map[string]string `json:\"notes\"`",
		"Notes any `json:\"notes\"`",
		"Note string `json:\"note,omitempty\"`",
		"Note string `json:\"note,omitzero\"`", // no comma begins the first field
		"Count int `json:\"count,string\"`",
		"Note string `json:\"-\"`",
		"Note string",
		"A, B string `json:\"a\"`",
		"Doubt",
		"Wait time.Duration `json:\"wait\"`",
		"Other Unknown `json:\"other\"`",
	} {
		if _, err := generate(payload(t, field)); !errors.Is(err, errNotKnown) {
			t.Errorf("generate(%s) = %v, want that no form is known", field, err)
		}
	}
}
