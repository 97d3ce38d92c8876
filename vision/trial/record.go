package trial

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/vouchledger/vouch/vision/render/shop"
)

// ErrFilm is returned for a recorded film that is not of this scenario: the
// shop, its cameras or the record's form changed since. Record it again.
var ErrFilm = errors.New("the film is of something else")

// recordForm is the form of a recorded film; another one is refused.
const recordForm = 1

// A record is a film as it lies on disk, as compressed JSON.
type record struct {
	Form     int
	Scenario string // its digest: seed, persons, wishes, shelves and cameras
	Film     Film
}

// digest tells scenarios apart, with where their cameras hang.
func digest(sc shop.Scenario) (string, error) {
	b, err := json.Marshal(sc)
	if err != nil {
		return "", fmt.Errorf("scenario: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// filmName is the name of a scenario's film. A scenario that only differs in
// its cameras has the same name and takes its place.
func filmName(p Plan, seed uint64, interactions int) string {
	habits := "normal"
	if p.Hostile {
		habits = "hostile"
	}
	return fmt.Sprintf("%d-%d-%d-%d-%s.film.gz", seed, interactions, p.Shelves, p.AtOnce, habits)
}

// Record writes what cameras made of a scenario into a file, for [Replay].
func (f Film) Record(path string, sc shop.Scenario) (err error) {
	r := record{Form: recordForm, Film: f}
	if r.Scenario, err = digest(sc); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), "film-*")
	if err != nil {
		return err
	}
	z := gzip.NewWriter(file)
	err = errors.Join(json.NewEncoder(z).Encode(r), z.Close(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %w", path, err), os.Remove(file.Name()))
	}
	return nil
}

// Replay reads what cameras made of a scenario.
func Replay(path string, sc shop.Scenario) (Film, error) {
	file, err := os.Open(path)
	if err != nil {
		return Film{}, fmt.Errorf("film: %w", err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		return Film{}, fmt.Errorf("%s: %w: %w", path, ErrFilm, err)
	}
	var r record
	if err := json.NewDecoder(z).Decode(&r); err != nil {
		return Film{}, fmt.Errorf("%s: %w: %w", path, ErrFilm, err)
	}
	want, err := digest(sc)
	if err != nil {
		return Film{}, err
	}
	if r.Form != recordForm || r.Scenario != want {
		return Film{}, fmt.Errorf("%s: %w", path, ErrFilm)
	}
	return r.Film, nil
}
