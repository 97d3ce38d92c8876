package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"

	"github.com/vouchledger/vouch/ledger"
	visionedge "github.com/vouchledger/vouch/vision/edge"
	"github.com/vouchledger/vouch/vision/floor/live"
	"github.com/vouchledger/vouch/vision/render/shop"
)

// renderedGate is how the drawn shop's door is called, and doorLine how far
// inside the door one counts as inside, in metres.
const (
	renderedGate = "gate-1"
	doorLine     = 0.55
)

// runFile is the file of `vouch-edge run` for a drawn shop.
type runFile struct {
	Store   string              `json:"store"`
	Device  string              `json:"device"`
	Server  string              `json:"server"`
	Cameras []visionedge.Camera `json:"cameras"`
	Floor   live.Config         `json:"floor"`
}

// writeRun writes shop.json, with which `vouch-edge run` plays the drawn shop as
// if its films were cameras.
func (f *shopFlags) writeRun(s *shop.Stage) error {
	r := runFile{Store: "shop-1", Device: "edge-1", Server: "http://127.0.0.1:8080", Floor: live.Config{
		Gates: []live.Gate{{
			Gate: renderedGate, From: [2]float64{shop.DoorX - 0.8, doorLine}, To: [2]float64{shop.DoorX + 0.8, doorLine},
			Inside: [2]float64{shop.DoorX, 2}, Entries: "gate.jsonl", Crossings: "crossings.jsonl",
		}},
		Places: map[string]live.Place{}, Products: map[ledger.SKU]live.Product{}, Tags: map[string]ledger.SKU{},
	}}
	for _, c := range s.Cameras {
		cam := visionedge.Camera{Name: c.Name, Source: c.Name + ".mp4", Speed: 1, Floor: c.Name + ".floor.json"}
		if c.Kind == shop.OnShelf {
			cam.Floor, cam.Planogram = "", c.Name+".planogram.json"
		}
		r.Cameras = append(r.Cameras, cam)
	}
	names, weighs := s.Scales()
	for _, name := range names {
		r.Floor.Scales = append(r.Floor.Scales, live.Sensor{Name: name, Source: "scales.jsonl", Slots: weighs[name]})
	}
	for _, sh := range s.Shelves {
		reader := live.Sensor{Name: sh.Reader(), Source: "rfid.jsonl"}
		out := sh.Point(0, -1, 0).Sub(sh.Point(0, 0, 0))
		for i, sl := range sh.Slots {
			o := sh.Outline(i)
			front := o[0].To(o[1], 0.5)
			r.Floor.Places[sl.Name] = live.Place{
				At: [2]float64{centi(front[0]), centi(front[1])}, Front: [2]float64{centi(out[0]), centi(out[1])},
				Height: shop.BoardHeight, Wide: centi(sh.Width / float64(len(sh.Slots))),
			}
			reader.Slots = append(reader.Slots, sl.Name)
		}
		r.Floor.Readers = append(r.Floor.Readers, reader)
	}
	for _, p := range shop.Products() {
		r.Floor.Products[ledger.SKU(p.SKU)] = live.Product{Grams: p.Grams, Tagged: p.Tagged}
	}
	for _, t := range s.Truth().Tags {
		r.Floor.Tags[t.Tag] = ledger.SKU(t.SKU)
	}
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(f.out, "shop.json"), append(b, '\n'), 0o600)
}

func centi(v float64) float64 { return math.Round(100*v)/100 + 0 }
