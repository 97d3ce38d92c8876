package fuse

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/vouchledger/vouch/ledger"
)

// detection makes a detection of a move out of the marginals of all
// hypotheses.
func (f *Fuser) detection(m moment, a *move, all []hypothesis) Detection {
	d := Detection{
		At: m.at, Slot: a.slot.ID, Action: a.action(), Quantity: a.pieces, Step: m.step, Claims: m.claims,
		Model: f.config.Model,
	}
	if m.step != nil {
		d.Grams = m.step.Grams
	}
	if all := m.jumps(); len(all) > 1 && a.jump >= 0 {
		d.Grams = all[a.jump].Grams
	}
	something, skus := 0.0, map[string]float64{}
	for _, h := range all {
		if !slices.ContainsFunc(h.moves, func(b *move) bool { return b.jump == a.jump }) {
			continue
		}
		something += h.p
		did, sku := false, ""
		for _, b := range h.moves {
			if b.jump != a.jump {
				continue
			}
			did = did || b.take == a.take && b.pieces == a.pieces
			if sku == "" || b.sku == a.sku {
				sku = b.sku
			}
		}
		skus[sku] += h.p
		if did {
			d.Sure += h.p
		}
	}
	for _, sku := range slices.Sorted(maps.Keys(skus)) {
		if p := skus[sku] / something; p >= 0.001 || sku == a.sku {
			d.Items = append(d.Items, Item{sku, p})
		}
	}
	slices.SortStableFunc(d.Items, func(x, y Item) int { return cmp.Compare(y.P, x.P) })
	d.Items = first(d.Items, a.sku)
	d.Persons = f.whose(a, all)
	d.Raw = Raw{Item: d.Items[0].P, Action: d.Sure}
	if len(d.Persons) > 0 {
		d.Raw.Person = d.Persons[0].P
	}
	f.config.Calibration.apply(&d)
	return d
}

// first moves the reading of a SKU to the front: the best hypothesis names the
// item, even if another one has more in sum.
func first(items []Item, sku string) []Item {
	i := slices.IndexFunc(items, func(it Item) bool { return it.SKU == sku })
	it := items[i]
	items = slices.Delete(items, i, i+1)
	for j := range items {
		items[j].P = min(items[j].P, it.P)
	}
	return slices.Insert(items, 0, it)
}

// action is the move as the ledger calls it.
func (a *move) action() ledger.Action {
	switch {
	case a.take:
		return ledger.ActionTake
	case a.own:
		return ledger.ActionReturn
	}
	return ledger.ActionMove
}

// whose returns whose move it was, whatever the slot: where hypotheses differ
// about it, each has its own persons.
func (f *Fuser) whose(a *move, all []hypothesis) []Person {
	sum, total := map[ledger.VisitID]Person{}, 0.0
	for _, h := range all {
		i := slices.Index(h.moves, a)
		if i < 0 {
			i = slices.IndexFunc(h.moves, func(b *move) bool { return b.jump == a.jump && b.sku == a.sku && b.take == a.take })
		}
		if i < 0 || h.p < 1e-6 {
			continue
		}
		total += h.p
		for _, w := range f.persons(h.moves[i]) {
			s := sum[w.Visit]
			sum[w.Visit] = Person{Visit: w.Visit, Staff: w.Staff, P: s.P + h.p*w.P}
		}
	}
	var persons []Person
	for _, visit := range slices.Sorted(maps.Keys(sum)) {
		w := sum[visit]
		w.P /= total
		persons = append(persons, w)
	}
	slices.SortStableFunc(persons, func(x, y Person) int { return cmp.Compare(y.P, x.P) })
	return persons
}

// persons returns whose move it was: who stood there, and for a put, who had
// the thing.
func (f *Fuser) persons(a *move) []Person {
	sum := 0.0
	var all []Person
	rest := 1.0
	for _, w := range a.who {
		rest -= w.P
		w.P *= f.fits(a, w.Visit, w.Staff)
		all = append(all, w)
		sum += w.P
	}
	sum += max(0, rest) * f.unknown(a)
	for i := range all {
		all[i].P /= max(sum, 1e-12)
	}
	slices.SortStableFunc(all, func(x, y Person) int { return cmp.Compare(y.P, x.P) })
	return all
}

// remember keeps who has what now, and what stands where it does not belong.
func (f *Fuser) remember(d Detection, a *move) {
	sign := 1.0
	if !a.take {
		sign = -1
	}
	amount := sign * float64(a.pieces) * d.Raw.Item * d.Raw.Action
	for _, w := range d.Persons {
		if f.held[w.Visit] == nil {
			f.held[w.Visit] = map[string]float64{}
		}
		f.held[w.Visit][a.sku] = max(0, f.held[w.Visit][a.sku]+amount*w.P)
	}
	if !a.own {
		if f.foreign[a.slot.ID] == nil {
			f.foreign[a.slot.ID] = map[string]float64{}
		}
		f.foreign[a.slot.ID][a.sku] = max(0, f.foreign[a.slot.ID][a.sku]-amount)
	}
}

// Gone forgets what a visit carries: it has left the shop.
func (f *Fuser) Gone(visit ledger.VisitID) { delete(f.held, visit) }

// Recorded returns the detection as the event that the ledger keeps. sensor is
// the name of the shelf's fused sensor; the source is the strongest kind that
// took part: a scale knows that something moved, a camera only saw it.
func (d Detection) Recorded(store ledger.StoreID, sensor ledger.DeviceID) ledger.DetectionRecorded {
	r := ledger.DetectionRecorded{
		Store: store, Sensor: sensor, Source: ledger.SensorCamera, Slot: d.Slot, Quantity: d.Quantity,
		Grams: int(math.Round(d.Grams)), Model: d.Model,
		Actions: []ledger.ActionHypothesis{{Action: d.Action, Confidence: perMille(d.Sure)}},
	}
	if d.Step != nil {
		r.Source = ledger.SensorScale
	}
	for _, it := range d.Items[:min(len(d.Items), ledger.MaxHypotheses)] {
		r.Items = append(r.Items, ledger.ItemHypothesis{SKU: ledger.SKU(it.SKU), Confidence: perMille(it.P)})
	}
	for _, w := range d.Persons {
		if c := perMille(w.P); c > 0 && len(r.Persons) < ledger.MaxHypotheses {
			r.Persons = append(r.Persons, ledger.PersonHypothesis{Visit: w.Visit, Confidence: c})
		}
	}
	return r
}

// perMille rounds down, so that a list never sums to more than 1000.
func perMille(p float64) ledger.PerMille {
	return ledger.PerMille(math.Floor(1000*max(0, min(1, p)) + 1e-9))
}
