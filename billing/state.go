package billing

// A HoldState says what became of the money reserved at the gate.
type HoldState string

// The states of a hold.
const (
	HoldNone     HoldState = ""         // not asked for
	HoldOpen     HoldState = "open"     // asked for, answer not known
	HoldStands   HoldState = "stands"   // reserved
	HoldDeclined HoldState = "declined" // refused by the provider
	HoldCaptured HoldState = "captured" // taken, in part or whole; the rest is free
	HoldReleased HoldState = "released" // freed
	HoldLapsed   HoldState = "lapsed"   // let go by the provider before it was taken
)

// An OrderState says how far the open order of a payment is.
type OrderState string

// The states of an order. An order whose outcome is known is no order any
// more: what moved is counted, and the next may be given.
const (
	OrderNone      OrderState = ""          // none is open
	OrderOpen      OrderState = "open"      // written down, and sent
	OrderUnclear   OrderState = "unclear"   // sent, and its outcome is not known
	OrderEscalated OrderState = "escalated" // a person must find out
)

// A Step is what moves a hold or an order to its next state.
type Step string

// The steps. Those of a hold say which order or observation they come from.
const (
	StepIntended  Step = "intended"
	StepHeld      Step = "held"
	StepRaised    Step = "incremented"
	StepCaptured  Step = "captured"
	StepReleased  Step = "released"
	StepDeclined  Step = "declined"
	StepLapsed    Step = "hold_lapsed"
	StepUnclear   Step = "unclear"
	StepEscalated Step = "escalated"
	StepOutcome   Step = "outcome"  // any definite answer
	StepResolved  Step = "resolved" // by a person
)

// A Transition is one row of the table of states.
type Transition[S ~string] struct {
	From S
	On   Step
	To   S
}

// HoldTransitions is all that may happen to a hold. What it does not hold is
// noted as odd and moves nothing.
//
// A hold that others made, took or freed (payment.external_observed) goes the
// way of our own.
var HoldTransitions = []Transition[HoldState]{
	{HoldNone, StepIntended, HoldOpen},
	{HoldOpen, StepHeld, HoldStands},
	{HoldOpen, StepDeclined, HoldDeclined},
	{HoldStands, StepRaised, HoldStands},
	{HoldStands, StepCaptured, HoldCaptured},
	{HoldStands, StepReleased, HoldReleased},
	{HoldStands, StepLapsed, HoldLapsed},
	{HoldNone, StepHeld, HoldStands}, // its intention was lost at a restore
	{HoldNone, StepCaptured, HoldCaptured},
}

// OrderTransitions is all that may happen to the open order of a payment.
var OrderTransitions = []Transition[OrderState]{
	{OrderNone, StepIntended, OrderOpen},
	{OrderOpen, StepOutcome, OrderNone},
	{OrderOpen, StepUnclear, OrderUnclear},
	{OrderUnclear, StepUnclear, OrderUnclear},
	{OrderUnclear, StepOutcome, OrderNone},
	{OrderUnclear, StepEscalated, OrderEscalated},
	{OrderEscalated, StepUnclear, OrderEscalated}, // asked once more, on a notice
	{OrderEscalated, StepOutcome, OrderNone},
	{OrderEscalated, StepResolved, OrderNone},
}

// next returns the state after a step, if the table has it.
func next[S ~string](table []Transition[S], from S, on Step) (S, bool) {
	for _, t := range table {
		if t.From == from && t.On == on {
			return t.To, true
		}
	}
	return from, false
}
