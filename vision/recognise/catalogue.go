package recognise

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Sample is one picture of a catalogue.
type Sample struct {
	Label string // the SKU: the name of the folder that it lies in
	Group string // the second folder below the root, or the label
	Path  string
}

// ReadCatalogue lists the pictures of a folder. Each product has a folder of
// its own, at any depth, whose name is its SKU.
func ReadCatalogue(dir string) ([]Sample, error) {
	var out []Sample
	folder := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !pictured(path) {
			return err
		}
		rel, err := filepath.Rel(dir, filepath.Dir(path))
		if err != nil {
			return err
		}
		if rel == "." {
			return fmt.Errorf("%w: %s lies in no product's folder", ErrCatalogue, d.Name())
		}
		parts := strings.Split(filepath.ToSlash(rel), "/")
		s := Sample{Label: parts[len(parts)-1], Group: parts[len(parts)-1], Path: path}
		if len(parts) > 2 {
			s.Group = parts[1]
		}
		if was, ok := folder[s.Label]; ok && was != rel {
			return fmt.Errorf("%w: %s and %s are both called %q", ErrCatalogue, was, rel, s.Label)
		}
		folder[s.Label] = rel
		out = append(out, s)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("catalogue %s: %w", dir, err)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("catalogue %s: %w: it holds no JPEG or PNG", dir, ErrCatalogue)
	}
	slices.SortFunc(out, func(a, b Sample) int {
		if c := strings.Compare(a.Label, b.Label); c != 0 {
			return c
		}
		return strings.Compare(a.Path, b.Path)
	})
	return out, nil
}

func pictured(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".jpg", ".jpeg", ".png":
		return true
	}
	return false
}

// Read returns the sample's picture.
func (s Sample) Read() (Picture, error) {
	b, err := os.ReadFile(s.Path)
	if err != nil {
		return Picture{}, err
	}
	return Decode(b)
}
