package web

// A BooksPage is finance's page: what stands in the books, and the days to
// close.
type BooksPage struct {
	Frame
	Position uint64
	Shops    []BooksShop
	Tables   []BooksTable
	Odd      []string // what should not be
}

// A BooksShop is a shop's days.
type BooksShop struct {
	Store, Name string
	Closed      string // last closed day, and its number
	Open        []string
	Close       string // address that closes the first open day; empty if it cannot be closed yet
	Day         string // that Close closes
	Altered     []string
}

// A BooksTable is one report.
type BooksTable struct {
	Title   string
	Columns []BooksCell
	Rows    [][]BooksCell
	Sums    [][]BooksCell
	CSV     string // address of the same as CSV
}

// A BooksCell is a text that stands left, or a number that stands right.
type BooksCell struct {
	Text   string
	Number bool
}
