package qrscene

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/vouchledger/vouch/vision/qr"
)

var (
	// ErrNoZBar means that zbarimg is not on this machine: Debian's zbar-tools
	// has it.
	ErrNoZBar = errors.New("zbarimg is not on this machine")
	// ErrMisread means that our reader gave a text that is not in the picture.
	ErrMisread = errors.New("a code was misread")
)

// A Reading is how readers did with pictures of one condition.
type Reading struct {
	Condition string
	Pictures  int
	// ZBar, Plain and Ours are how many zbarimg, gozxing as it is, and
	// [qr.Decode] with full effort read.
	ZBar, Plain, Ours int
	ZBarEach          time.Duration   // mean
	Took              []time.Duration // of each of ours
	// Held is how many a [qr.Reader] reads that is shown the same picture again
	// and again, as a camera does; Frames how many frames the slowest needed;
	// Each what every frame took.
	Held   int
	Frames int
	Each   []time.Duration
}

// framesMost is more than there are ways to look at a picture.
const framesMost = 20

// Compare draws n pictures of a condition and has all readers read them. Without
// zbarimg it returns what the others read, and ErrNoZBar.
func Compare(ctx context.Context, condition string, n int, now func() time.Time) (Reading, error) {
	r := Reading{Condition: condition, Pictures: n}
	var pictures []Picture
	for i := range n {
		p, err := Draw(condition, i)
		if err != nil {
			return r, err
		}
		pictures = append(pictures, p)
		if err := r.ours(p, i, now); err != nil {
			return r, err
		}
		if plainly(p.Gray) == p.Text {
			r.Plain++
		}
	}
	theirs, each, err := zbar(ctx, pictures, now)
	if err != nil {
		return r, err
	}
	r.ZBarEach = each
	for i, p := range pictures {
		if theirs[i] == p.Text {
			r.ZBar++
		}
	}
	return r, nil
}

// ours reads one picture at once, and frame by frame.
func (r *Reading) ours(p Picture, i int, now func() time.Time) error {
	start := now()
	text, err := qr.Decode(p.Gray, qr.Full)
	r.Took = append(r.Took, now().Sub(start))
	if err == nil && text != p.Text {
		return fmt.Errorf("%w: %s %d: %q, want %q", ErrMisread, r.Condition, i, text, p.Text)
	}
	if err == nil {
		r.Ours++
	}
	var held qr.Reader
	for n := range framesMost {
		start := now()
		text, err := held.Read(p.Gray)
		r.Each = append(r.Each, now().Sub(start))
		if err != nil {
			continue
		}
		if text != p.Text {
			return fmt.Errorf("%w: %s %d, frame %d: %q, want %q", ErrMisread, r.Condition, i, n, text, p.Text)
		}
		r.Held++
		r.Frames = max(r.Frames, n+1)
		break
	}
	return nil
}

// plainly reads with gozxing and no retries.
func plainly(g *image.Gray) (text string) {
	defer func() {
		if recover() != nil {
			text = ""
		}
	}()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(g)
	if err != nil {
		return ""
	}
	res, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
	if err != nil {
		return ""
	}
	return res.GetText()
}

// ZBar returns the version of zbarimg, or ErrNoZBar.
func ZBar(ctx context.Context) (version string, err error) {
	path, err := exec.LookPath("zbarimg")
	if err != nil {
		return "", ErrNoZBar
	}
	out, err := exec.CommandContext(ctx, path, "--version").Output() //nolint:gosec // as LookPath found it
	return string(bytes.TrimSpace(out)), err
}

// zbar reads all pictures in one run of zbarimg.
func zbar(ctx context.Context, pictures []Picture, now func() time.Time) (texts []string, each time.Duration, err error) {
	path, err := exec.LookPath("zbarimg")
	if err != nil {
		return nil, 0, ErrNoZBar
	}
	dir, err := os.MkdirTemp("", "vouch-codes")
	if err != nil {
		return nil, 0, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	var files []string
	for i, p := range pictures {
		var b bytes.Buffer
		if err := png.Encode(&b, p.Gray); err != nil {
			return nil, 0, err
		}
		files = append(files, filepath.Join(dir, fmt.Sprintf("%03d.png", i)))
		if err := os.WriteFile(files[i], b.Bytes(), 0o600); err != nil {
			return nil, 0, err
		}
	}
	start := now()
	args := append([]string{"-q", "--xml", "-Sdisable", "-Sqrcode.enable"}, files...)
	out, err := exec.CommandContext(ctx, path, args...).Output() //nolint:gosec // likewise
	each = now().Sub(start) / time.Duration(len(files))
	// It ends with 4 when a picture showed no code.
	if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 4) {
		return nil, each, fmt.Errorf("zbarimg: %w", err)
	}
	var said struct {
		Source []struct {
			Href  string `xml:"href,attr"`
			Index []struct {
				Symbol []struct {
					Data string `xml:"data"`
				} `xml:"symbol"`
			} `xml:"index"`
		} `xml:"source"`
	}
	if err := xml.Unmarshal(out, &said); err != nil {
		return nil, each, fmt.Errorf("zbarimg: %w", err)
	}
	texts = make([]string, len(files))
	for _, s := range said.Source {
		at := slices.Index(files, s.Href)
		for _, index := range s.Index {
			for _, symbol := range index.Symbol {
				if at >= 0 {
					texts[at] = symbol.Data
				}
			}
		}
	}
	return texts, each, nil
}
