package web

// An ExceptionsPage shows where our books, the provider's and the bank's
// differ.
type ExceptionsPage struct {
	Frame
	Open   []ExceptionRow
	Closed []ExceptionRow
}

// An ExceptionRow is one difference.
type ExceptionRow struct {
	Name, Class, Detail, Day, Shop, Subject, Owner, Age string
	Expected, Found                                     string
	Closed                                              string // who explained it, and how
	Action                                              string // form; empty for who may not
}
