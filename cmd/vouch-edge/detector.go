package main

import (
	"cmp"
	"log/slog"
	"path/filepath"

	"github.com/vouchledger/vouch/vision/cv"
	"github.com/vouchledger/vouch/vision/models"
	"github.com/vouchledger/vouch/vision/recognise/network"
)

// loadDetector loads a network so that detections name it with the digest of
// its file. A manifest also checks the files and declares a licence; files that
// are named one by one have none declared, and that is said.
func loadDetector(m cv.Model, manifest string) (*cv.Detector, error) {
	if manifest != "" {
		said, err := models.Load(manifest)
		if err != nil {
			return nil, err
		}
		m = network.Files(said)
	}
	if m.Label == "" {
		weights := cmp.Or(m.ONNX, m.Caffe, m.Weights)
		if digest, err := models.DigestOf(weights); err == nil { // what is not there the loader says better
			m.Label = models.Label(filepath.Base(weights), digest)
		}
	}
	d, err := cv.NewDetector(m)
	if err != nil {
		return nil, err
	}
	if manifest == "" {
		slog.Warn("no licence is declared for the detector; see docs/vision-what.md", slog.String("model", d.Label()))
	}
	return d, nil
}
