package report

import (
	"fmt"
	"strconv"

	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/projections/books"
)

// Days is what a shop has closed, and whether it is still what its entries
// say.
type Days struct {
	Store      ledger.StoreID          `json:"store"`
	Closings   []books.Closing         `json:"closings"`
	Altered    []string                `json:"altered"`    // what differs from the entries; empty if nothing does
	Unfinished []books.UnfinishedVisit `json:"unfinished"` // visits that are carried over the last closing
}

// NewDays computes every closing of a shop again.
func NewDays(j *books.Journal, store ledger.StoreID, zones books.Zones) Days {
	d := Days{
		Store: store, Closings: append([]books.Closing{}, j.Closings(store)...), Altered: []string{},
		Unfinished: []books.UnfinishedVisit{},
	}
	if n := len(d.Closings); n > 0 {
		d.Unfinished = j.Unfinished(store, d.Closings[n-1].Day, zones)
	}
	if err := j.CheckClosings(store, zones); err != nil {
		d.Altered = append(d.Altered, err.Error())
	}
	return d
}

// Table lays d out.
func (d Days) Table() Table {
	out := Table{Title: "Closed days of " + string(d.Store), Columns: []Column{
		{"number", true}, {"day", false}, {"receipts", true}, {"first", false}, {"last", false}, {"position", true}, {"by", false},
	}}
	for _, k := range d.Closings {
		out.Rows = append(out.Rows, []string{
			strconv.Itoa(k.Number), string(k.Day), strconv.Itoa(k.Receipts), k.First, k.Last, strconv.FormatUint(k.Position, 10), k.By,
		})
	}
	if n := len(d.Unfinished); n > 0 {
		out.Notes = append(out.Notes, fmt.Sprintf("%d visits are not finished and carried over; the first is %s.", n, d.Unfinished[0].Visit))
	}
	for _, a := range d.Altered {
		out.Notes = append(out.Notes, "ALTERED: "+a)
	}
	return out
}
