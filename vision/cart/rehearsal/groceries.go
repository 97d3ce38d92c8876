package rehearsal

// Groceries are things to rehearse with: each kind of label, fruit without
// one, something light and something dear.
func Groceries() map[string]Thing {
	return map[string]Thing{
		"cola":     {GTIN: "4006381333931", Grams: 540},
		"milk":     {GTIN: "96385074", Grams: 1035},    // EAN-8
		"crackers": {GTIN: "036000291452", Grams: 260}, // UPC-A
		"gum":      {GTIN: "4012345678901", Grams: 14}, // lighter than a cart notices
		"wine":     {GTIN: "5901234123457", Grams: 1260},
		"bread":    {GTIN: "4009900000017", Grams: 0}, // each loaf weighs otherwise
		"4131":     {},                                // apples, by their PLU
	}
}
