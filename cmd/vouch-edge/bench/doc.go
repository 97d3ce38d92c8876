// Package bench is what `vouch-edge bench` runs: the table of goals that the
// eyes of a shop have to meet, measured in one run on the machine it runs on.
//
// A part measures one row or a few that belong together. Shelves are watched on
// given clips of a real shelf and on others made from them; without that data
// the parts that need no real pictures draw a shelf. Speed is measured in a
// process that has one processor, in turns with bare decoding. What a shop
// waits for is measured on a shop that runs: `vouch-edge run` with a film for
// each camera, played in real time, and a `vouch serve` that acknowledges.
//
// Whatever cannot be measured here is a row that says why; the run goes on.
package bench
