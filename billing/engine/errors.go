package engine

import "errors"

var (
	// ErrUnknownStore means that the shop was never opened. Open it first.
	ErrUnknownStore = errors.New("unknown store")

	// ErrUnknownVisit means that no such visit began in this shop. Check the
	// visit id; nothing was written.
	ErrUnknownVisit = errors.New("unknown visit")

	// ErrNoPolicy means that a shop has no rules yet, so no visit can begin.
	// Set its policy first.
	ErrNoPolicy = errors.New("store has no policy")

	// ErrNotInside means that a visit which is not inside cannot leave: its
	// gate has not opened, or stayed shut.
	ErrNotInside = errors.New("visit is not inside")

	// ErrUnknownDetection means that no question is known about a detection:
	// it was never recorded, or nothing about it was doubtful.
	ErrUnknownDetection = errors.New("no question about this detection")

	// ErrOtherEvidence means that a second look was at something that the
	// detection does not name. Look at the detection's own evidence.
	ErrOtherEvidence = errors.New("not evidence of this detection")

	// ErrDecided means that somebody was first: the question or the dispute is
	// answered. Look at the answer; an answer is not changed.
	ErrDecided = errors.New("decided already")

	// ErrUnknownReceipt means that no document has this number.
	ErrUnknownReceipt = errors.New("unknown receipt")

	// ErrUnknownLine means that the receipt has no such line, or nothing is
	// left on it.
	ErrUnknownLine = errors.New("unknown line")

	// ErrDepositLine means that a claim is about a deposit alone. It goes with
	// the goods it is for: claim their line.
	ErrDepositLine = errors.New("a deposit goes with the line of its goods")

	// ErrTooMany means that more pieces are in dispute than the line has.
	ErrTooMany = errors.New("more pieces than the line has")

	// ErrTooLate means that the days in which a receipt may be disputed are
	// over.
	ErrTooLate = errors.New("dispute period is over")

	// ErrDisputed means that a dispute about this line is open. Wait for its
	// decision.
	ErrDisputed = errors.New("line is in dispute")

	// ErrUnknownDispute means that no dispute has this id.
	ErrUnknownDispute = errors.New("unknown dispute")

	// ErrUnknownSKU means that a planogram names a product that the shop's
	// catalogue does not list. List it first.
	ErrUnknownSKU = errors.New("product is not in the catalogue")

	// ErrUnknownObject means that the provider tells us about something that
	// we have no record of. It may be our own order whose answer is under way:
	// let the provider tell us again.
	ErrUnknownObject = errors.New("unknown object at the provider")

	// ErrPayerNeeded means that this shop lets nobody in whose payer is not
	// known. Show a credential that says who pays.
	ErrPayerNeeded = errors.New("nobody is let in whose payer is not known")

	// ErrPalmOff means that palms are off in this shop: its policy names no
	// jurisdiction for them. Use a code or a card.
	ErrPalmOff = errors.New("palms are off in this shop")

	// ErrPalmStands means that an earlier consent to a palm stands, or that its
	// template is not destroyed yet. Withdraw it first.
	ErrPalmStands = errors.New("a consent to a palm stands already")

	// ErrNoConsent means that the shopper agrees to no palm, or does not any more.
	// Nothing is made without it.
	ErrNoConsent = errors.New("there is no consent to a palm")

	// ErrNothingOwed means that a visit owes nothing, or not yet. Look at the
	// receipt again.
	ErrNothingOwed = errors.New("nothing is owed")

	// ErrMoneyOpen means that an order for this visit is under way and its
	// outcome is not known. Nothing else is asked for meanwhile; try again later.
	ErrMoneyOpen = errors.New("a payment is under way")

	// ErrAboveOwed means that more was offered than is owed.
	ErrAboveOwed = errors.New("more than is owed")

	// ErrAboveCapture means that more was to be given back than was taken and
	// kept. Nothing was written.
	ErrAboveCapture = errors.New("more than was captured and kept")

	// ErrCardRests means that a card was declined too often of late. Use another
	// one: card networks fine whoever goes on.
	ErrCardRests = errors.New("the card was declined too often")

	// ErrUnknownSupplement means that no supplement of this name was proposed to
	// this shopper.
	ErrUnknownSupplement = errors.New("unknown supplement")

	// ErrMatched means that the payer of a visit is known already.
	ErrMatched = errors.New("the payer is known")

	// ErrNotAsked means that nobody was asked about this order.
	ErrNotAsked = errors.New("nobody was asked about this order")

	// ErrCouponUsed means that a coupon was redeemed before: it works once.
	ErrCouponUsed = errors.New("coupon is used up")

	// ErrCouponNotNow means that a coupon's promotion has not begun or is over.
	ErrCouponNotNow = errors.New("coupon is not valid now")

	// ErrMembersOnly means that a coupon is for members, and the shopper is
	// none.
	ErrMembersOnly = errors.New("coupon is for members")
)
