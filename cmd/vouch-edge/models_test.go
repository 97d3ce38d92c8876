//go:build opencv

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vouchledger/vouch/internal/given"
	"github.com/vouchledger/vouch/internal/tinynet"
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

// ownNetwork writes an operator's own network and its manifest, changed by
// spoil, and returns the manifest's path.
func ownNetwork(t *testing.T, onnx []byte, spoil func(*models.Manifest)) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "own.onnx"), onnx, 0o600); err != nil {
		t.Fatal(err)
	}
	m := models.Manifest{
		Name: "own", Version: "3", Licence: "ours", Source: "trained here", Format: models.ONNX,
		Files: map[string]models.File{"onnx": {Path: "own.onnx", SHA256: must(models.DigestOf(filepath.Join(dir, "own.onnx")))(t)}},
		Input: models.Input{Side: 8, Scale: 1 / 255.0, Std: [3]float64{0.5, 0.5, 0.5}, Order: "rgb"}, Layers: []string{"say"},
	}
	if spoil != nil {
		spoil(&m)
	}
	b, err := json.Marshal(m)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "own.json"), b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "own.json")
}

// TestAnOperatorsOwnNetworkIsTrainedThroughAndUsed: what an ONNX file of their
// own sees goes into the model, the file with it, and every command that uses
// the model says so. Models that cannot be used are refused at every door, with
// the reason.
func TestAnOperatorsOwnNetworkIsTrainedThroughAndUsed(t *testing.T) {
	catalogue := photographShelf(t)
	own := ownNetwork(t, tinynet.Embedding(8, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, -1, 0, 0, 1, -1), nil)
	model := trainOn(t, catalogue, "corner", "--network", own)
	whole := must(os.ReadFile(model))(t)
	if !bytes.Contains(whole, must(os.ReadFile(filepath.Join(filepath.Dir(own), "own.onnx")))(t)) {
		t.Error("the model does not hold its network")
	}
	said := must(runEdge(t, "models", own, model))(t)
	for _, want := range []string{"own@3 sha256:", "onnx, licence: ours, from trained here", "corner@1 sha256:", "5 products", "looks through own@3, licence: ours"} {
		if !strings.Contains(said, want) {
			t.Errorf("vouch-edge models does not say %q:\n%s", want, said)
		}
	}
	honey := filepath.Join(catalogue, "honey-jar", "2.png")
	if said := must(runEdge(t, "recognise", "--model", model, honey))(t); !strings.Contains(said, "\thoney-jar\t") {
		t.Errorf("recognise = %s, want honey", said)
	}
	if said := must(runEdge(t, "recognise", "--model", model, "--planned", "cola-can", "--trust", "0.5", honey))(t); !strings.Contains(said, "\thoney-jar\t") {
		t.Errorf("recognise with cola planned = %s, want honey all the same", said)
	}
	if said := must(runEdge(t, "score", "--catalogue", catalogue, "--recogniser", model))(t); !strings.Contains(said, "fine 1.000") || !strings.Contains(said, "1 networks") {
		t.Errorf("score on its own pictures = %s, want all right", said)
	}

	torn := filepath.Join(t.TempDir(), "torn.vmodel")
	if err := os.WriteFile(torn, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	shelf := drawShelf(t, 3, "seconds 1")
	film, plan := filepath.Join(shelf, "shelf.mp4"), filepath.Join(shelf, "planogram.json")
	train := func(network string) []string {
		return []string{"train", "--catalogue", catalogue, "--out", torn, "--name", "x", "--licence", "ours", "--network", network}
	}
	for story, c := range map[string]struct {
		args []string
		says string
	}{
		"train: no network":    {train(model), "not a model manifest"},
		"train: wrong shape":   {train(ownNetwork(t, tinynet.Grey(8), func(m *models.Manifest) { m.Layers = nil })), "want 1 x numbers"},
		"train: no such layer": {train(ownNetwork(t, tinynet.Embedding(8, 1, 1, 1), func(m *models.Manifest) { m.Layers = []string{"eye"} })), `no layer "eye"`},
		"train: another file": {train(ownNetwork(t, tinynet.Embedding(8, 1, 1, 1), func(m *models.Manifest) {
			m.Files["onnx"] = models.File{Path: "own.onnx", SHA256: strings.Repeat("0", 64)}
		})), "not the file"},
		"train: no licence":      {train(ownNetwork(t, tinynet.Embedding(8, 1, 1, 1), func(m *models.Manifest) { m.Licence = "" })), "no licence"},
		"train: nothing named":   {[]string{"train", "--catalogue", catalogue}, "are needed"},
		"train: no catalogue":    {[]string{"train", "--catalogue", t.TempDir(), "--out", torn, "--name", "x", "--licence", "ours"}, "no JPEG or PNG"},
		"models: torn":           {[]string{"models", torn}, "altered or cut short"},
		"recognise: torn":        {[]string{"recognise", "--model", torn, honey}, "altered or cut short"},
		"recognise: no model":    {[]string{"recognise", honey}, "--model is needed"},
		"recognise: no picture":  {[]string{"recognise", "--model", model, plan}, "planogram.json"},
		"score: a network":       {[]string{"score", "--catalogue", catalogue, "--recogniser", own}, "not a model file"},
		"watch: torn":            {[]string{"watch", "--video", film, "--planogram", plan, "--recogniser", torn}, "altered or cut short"},
		"watch: not a detector":  {[]string{"watch", "--video", film, "--planogram", plan, "--detector", own}, "no list of its classes"},
		"reverify: torn":         {[]string{"reverify", "--server", "http://127.0.0.1:1", "--model", torn, "v1"}, "altered or cut short"},
		"reverify: all or one":   {[]string{"reverify", "--server", "http://127.0.0.1:1", "--model", model, "--all", "v1"}, "name one visit, or --all"},
		"reverify: no beginning": {[]string{"reverify", "--server", "http://127.0.0.1:1", "--model", model, "--all"}, "name one visit, or --all"},
		"reverify: no time":      {[]string{"reverify", "--server", "http://127.0.0.1:1", "--model", model, "--all", "--since", "monday"}, "--since"},
		"reverify: nobody there": {[]string{"reverify", "--server", "http://127.0.0.1:1", "--model", model, "v1"}, "detections of v1"},
	} {
		if out, err := runEdge(t, c.args...); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: vouch-edge = %v, want %q\n%s", story, err, c.says, out)
		}
	}
}
