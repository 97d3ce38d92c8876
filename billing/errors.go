package billing

import "errors"

// ErrNoOrder means that an order asks for something that no gateway does. It
// is a bug of whoever made the order; nothing was sent.
var ErrNoOrder = errors.New("no such kind of order")
