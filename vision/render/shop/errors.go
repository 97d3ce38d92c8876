package shop

import "errors"

// ErrScenario means that a scenario cannot be staged: it names a slot, a
// product or an act that is not there, or wants something that is impossible
// when its turn comes. Correct what the message names.
var ErrScenario = errors.New("scenario cannot be staged")
