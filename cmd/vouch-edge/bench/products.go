package bench

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/vouchledger/vouch/vision/recognise"
	"github.com/vouchledger/vouch/vision/recognise/network"
)

const (
	goalProducts     = 0.57 // of pictures not trained with, the right product
	goalProductsNets = 0.67
	workProducts     = "products of the grocery pictures told apart, no networks"
	workProductsNets = "the same, with two small networks"
)

// eyes are the networks that a recogniser looks through.
var eyes = []string{"yolo-fastest-1.1-xl.json", "fastestdet.json"}

// products is the rows of the recogniser: trained on the given pictures and
// asked about those that were kept apart.
func (r *run) products(ctx context.Context) error {
	train, err := recognise.ReadCatalogue(filepath.Join(r.Data, "grocery", "train"))
	if errors.Is(err, fs.ErrNotExist) || r.Quick {
		why := noData
		if err == nil {
			why = "takes minutes: run without --quick"
		}
		r.report.Missing(workProducts, goalProducts, "", false, why)
		r.report.Missing(workProductsNets, goalProductsNets, "", false, why)
		return nil
	}
	if err != nil {
		return err
	}
	apart, err := recognise.ReadCatalogue(filepath.Join(r.Data, "grocery", "val"))
	if err != nil {
		return err
	}
	fine, err := r.trained(ctx, train, apart, nil, "no networks")
	if err != nil {
		return err
	}
	r.report.AtLeast(workProducts, fine, goalProducts, "")
	var manifests []string
	for _, name := range eyes {
		path, err := r.manifest(name)
		if errors.Is(err, fs.ErrNotExist) {
			r.report.Missing(workProductsNets, goalProductsNets, "", false, noData)
			return nil
		}
		if err != nil {
			return err
		}
		manifests = append(manifests, path)
	}
	if fine, err = r.trained(ctx, train, apart, manifests, "two networks"); err != nil {
		return err
	}
	r.report.AtLeast(workProductsNets, fine, goalProductsNets, "")
	return nil
}

// trained trains a recogniser and returns of how many pictures it names the
// product; how honest it is goes beside the goals.
func (r *run) trained(ctx context.Context, train, apart []recognise.Sample, manifests []string, with string) (fine float64, err error) {
	set := recognise.Settings{Name: "bench", Version: "1", Licence: "none, it is thrown away"}
	for _, path := range manifests {
		release, err := network.Add(&set, path)
		if err != nil {
			return 0, err
		}
		defer release()
	}
	r.progress("products: learning, " + with)
	begun := r.Now()
	m, err := recognise.Train(ctx, train, set)
	if err != nil {
		return 0, err
	}
	took := r.Now().Sub(begun)
	b, err := m.Encode()
	if err != nil {
		return 0, err
	}
	known, err := recognise.New(m, set.Networks...)
	if err != nil {
		return 0, err
	}
	s, err := recognise.Measure(ctx, known, apart)
	if err != nil {
		return 0, err
	}
	share := func(n, all int) float64 { return float64(n) / float64(max(1, all)) }
	for _, f := range []struct {
		what  string
		value float64
		unit  string
	}{
		{"group of the product", share(s.InGroup, s.Pictures), ""},
		{"product among the best five", share(s.AmongTop, s.Pictures), ""},
		{"calibration error", s.Calibration, ""},
		{"answered as sure", share(s.Given, s.Pictures), ""},
		{"of those right", share(s.GivenOK, s.Given), ""},
		{"in the trials, products left out and answered as sure", 1 - share(m.Held.Refused, m.Held.Strangers), ""},
		{"learning", took.Seconds(), "s"},
		{"model", float64(len(b)), "bytes"},
	} {
		r.report.Figure("products, "+with+": "+f.what, f.value, f.unit)
	}
	return share(s.Right, s.Pictures), nil
}
