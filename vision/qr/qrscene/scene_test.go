package qrscene

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/vouchledger/vouch/vision/qr"
)

// many is how many pictures of a condition are read. The table of
// docs/benchmarks.md is made with 40.
var many = flag.Int("pictures", 3, "pictures of each condition")

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

// zbar reads all pictures of a folder in one run of zbarimg.
func zbar(t *testing.T, files []string) (texts []string, each time.Duration) {
	t.Helper()
	args := append([]string{"-q", "--xml", "-Sdisable", "-Sqrcode.enable"}, files...)
	start := time.Now()
	out, err := exec.Command("zbarimg", args...).Output()
	each = time.Since(start) / time.Duration(len(files))
	// It ends with 4 when a picture showed no code.
	if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 4) {
		t.Fatal(err)
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
		t.Fatal(err)
	}
	texts = make([]string, len(files))
	for _, s := range said.Source {
		for _, index := range s.Index {
			for _, symbol := range index.Symbol {
				texts[slices.Index(files, s.Href)] = symbol.Data
			}
		}
	}
	return texts, each
}

// held shows one picture to a Reader until it is read. It returns the number
// of frames, 0 for never, and what the longest took.
func held(t *testing.T, p Picture) (frames int, longest time.Duration) {
	t.Helper()
	var r qr.Reader
	for n := range 20 { // more than there are ways to look at it
		start := time.Now()
		text, err := r.Read(p.Gray)
		longest = max(longest, time.Since(start))
		if err == nil && text == p.Text {
			return n + 1, longest
		}
		if err == nil {
			t.Errorf("Read = %q, want %q or nothing", text, p.Text)
		}
	}
	return 0, longest
}

// TestNoOtherReaderReadsMore checks that where zbar or gozxing reads a share
// of the pictures of a condition, we read as large a share.
func TestNoOtherReaderReadsMore(t *testing.T) {
	_, err := exec.LookPath("zbarimg")
	if err != nil {
		t.Skip("zbarimg is not on this machine: Debian's zbar-tools has it")
	}
	var table strings.Builder
	var whole time.Duration
	for _, name := range Conditions() {
		dir := t.TempDir()
		var files []string
		var pictures []Picture
		for i := range *many {
			p, err := Draw(name, i)
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := png.Encode(&b, p.Gray); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, fmt.Sprintf("%03d.png", i))
			if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			files, pictures = append(files, file), append(pictures, p)
		}
		theirs, zbarEach := zbar(t, files)
		var ours, peers, plain int
		var took []time.Duration
		var frames int
		var longest time.Duration
		for i, p := range pictures {
			start := time.Now()
			text, err := qr.Decode(p.Gray, qr.Full)
			took = append(took, time.Since(start))
			switch {
			case err == nil && text == p.Text:
				ours++
			case err == nil:
				t.Errorf("%s %d: Decode = %q, want %q or nothing", name, i, text, p.Text)
			}
			if n, most := held(t, p); n > 0 {
				frames, longest = max(frames, n), max(longest, most)
			} else if err == nil {
				t.Errorf("%s %d: a Reader never reads what Decode does", name, i)
			}
			if theirs[i] == p.Text {
				peers++
			}
			if plainly(p.Gray) == p.Text {
				plain++
			}
		}
		if best := max(peers, plain); ours < best {
			t.Errorf("%s: Decode reads %d of %d, another reader %d", name, ours, len(pictures), best)
		}
		slices.Sort(took)
		share := func(n int) float64 { return float64(n) / float64(len(pictures)) }
		fmt.Fprintf(&table, "| %s | %.2f | %.2f | %.2f | %.1f | %.1f | %d | %.1f |\n", name, share(peers), share(plain), share(ours),
			zbarEach.Seconds()*1e3, took[len(took)/2].Seconds()*1e3, frames, longest.Seconds()*1e3)
		for _, d := range took {
			whole += d
		}
	}
	t.Logf("| condition | zbar | gozxing | ours | zbar ms | ours ms, median | frames at most | ms of a frame at most |\n%s", table.String())
	t.Logf("mean of all pictures: %.1f ms", whole.Seconds()*1e3/float64(len(Conditions())**many))
}
