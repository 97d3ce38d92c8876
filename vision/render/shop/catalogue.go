package shop

import "slices"

// A Shape is the form of a product.
type Shape int

// The shapes. Round ones have the same width and depth.
const (
	Can Shape = iota
	Bottle
	Jar
	Cup
	Carton // square, with a gable
	Pack   // a flat box
	Pouch  // a bag of foil
)

// A Product is something that the shop sells.
type Product struct {
	SKU                  string
	Shape                Shape
	Width, Height, Depth float64 // metres
	Grams                float64
	// Design tells labels apart: products of one shape share the layout and
	// differ in colours.
	Design int
	Tagged bool // carries an RFID tag
}

// catalogue has pairs and triples that weigh the same within a gram, as two
// of five products of a real shop do (a university contest's 84 SKUs).
var catalogue = []Product{
	{"cola-can", Can, 0.066, 0.122, 0.066, 355, 0, true},
	{"water-still", Bottle, 0.066, 0.215, 0.066, 520, 1, false},
	{"oat-biscuits", Pack, 0.100, 0.150, 0.050, 210, 2, true},
	{"juice-orange", Carton, 0.070, 0.200, 0.070, 540, 3, true},
	{"honey-jar", Jar, 0.075, 0.100, 0.075, 390, 4, false},
	{"orange-can", Can, 0.066, 0.122, 0.066, 356, 5, true},
	{"iced-tea-peach", Bottle, 0.066, 0.215, 0.066, 530, 6, false},
	{"crisps-salt", Pouch, 0.110, 0.180, 0.050, 150, 7, true},
	{"milk-fresh", Carton, 0.070, 0.200, 0.070, 535, 8, false},
	{"noodles-chicken", Cup, 0.095, 0.110, 0.095, 72, 9, true},
	{"tomato-soup", Can, 0.075, 0.110, 0.075, 425, 10, false},
	{"water-sparkling", Bottle, 0.066, 0.215, 0.066, 521, 11, false},
	{"choc-biscuits", Pack, 0.100, 0.150, 0.050, 211, 12, true},
	{"juice-apple", Carton, 0.070, 0.200, 0.070, 541, 13, true},
	{"jam-strawberry", Jar, 0.075, 0.100, 0.075, 392, 14, false},
	{"cola-zero-can", Can, 0.066, 0.122, 0.066, 354, 15, true},
	{"iced-tea-lemon", Bottle, 0.066, 0.215, 0.066, 529, 16, false},
	{"crisps-paprika", Pouch, 0.110, 0.180, 0.050, 150, 17, true},
	{"oat-drink", Carton, 0.070, 0.200, 0.070, 534, 18, false},
	{"noodles-chili", Cup, 0.095, 0.110, 0.095, 72, 19, true},
	{"lentil-soup", Can, 0.075, 0.110, 0.075, 426, 20, false},
	{"lemonade", Bottle, 0.066, 0.215, 0.066, 528, 21, false},
	{"muesli", Pack, 0.110, 0.170, 0.055, 340, 22, true},
	{"yogurt-plain", Cup, 0.085, 0.085, 0.085, 180, 23, false},
	{"jam-apricot", Jar, 0.075, 0.100, 0.075, 392, 24, false},
}

// Products returns what the shop sells.
func Products() []Product { return slices.Clone(catalogue) }

// ProductOf returns the product of a SKU.
func ProductOf(sku string) (Product, bool) {
	i := slices.IndexFunc(catalogue, func(p Product) bool { return p.SKU == sku })
	if i < 0 {
		return Product{}, false
	}
	return catalogue[i], true
}
