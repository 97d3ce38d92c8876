package cart

// A NoteCode names what a shopper is told once.
type NoteCode string

// The notes.
const (
	NoteNone          NoteCode = ""
	NoteSignIn        NoteCode = "sign_in"
	NoteAsking        NoteCode = "asking"
	NoteWelcome       NoteCode = "welcome"
	NoteTaken         NoteCode = "taken"
	NoteRefused       NoteCode = "refused"
	NoteNoAnswer      NoteCode = "no_answer"
	NoteNotEmpty      NoteCode = "not_empty"
	NoteScanned       NoteCode = "scanned"
	NoteAge           NoteCode = "age"
	NoteIn            NoteCode = "in"
	NoteGone          NoteCode = "gone"
	NoteTakeOut       NoteCode = "take_out"
	NoteNotHere       NoteCode = "not_here"
	NoteUnread        NoteCode = "unread"
	NoteMisread       NoteCode = "misread"
	NoteUnknown       NoteCode = "unknown"
	NoteNoNumber      NoteCode = "no_number"
	NoteTooLight      NoteCode = "too_light"
	NoteCannotWeigh   NoteCode = "cannot_weigh"
	NoteFault         NoteCode = "fault"
	NoteScaleBack     NoteCode = "scale_back"
	NoteCoupon        NoteCode = "coupon"
	NoteCouponTaken   NoteCode = "coupon_taken"
	NoteCouponRefused NoteCode = "coupon_refused"
	NoteBeforeYouGo   NoteCode = "before_you_go"
	NoteHelp          NoteCode = "help"
	NoteFull          NoteCode = "full"
	NoteBye           NoteCode = "bye"
)

// A Note is what the shopper is told last.
type Note struct {
	Code NoteCode
	Of   string // a product, a number, a reason
}

func note(code NoteCode, of string) Note { return Note{Code: code, Of: of} }

// A tone says how a note looks.
const (
	toneGood = "good"
	toneInfo = "info"
	toneWarn = "warn"
)

// words are the notes in words; %s is what they are of.
var words = map[NoteCode]struct{ tone, text string }{
	NoteSignIn:        {toneInfo, "Show the code on your phone to begin."},
	NoteAsking:        {toneInfo, "One moment: your code is being checked."},
	NoteWelcome:       {toneGood, "Welcome. Scan what you take, then lay it in."},
	NoteTaken:         {toneInfo, "This cart is yours already."},
	NoteRefused:       {toneWarn, "This code does not open the cart: %s."},
	NoteNoAnswer:      {toneWarn, "The shop cannot be reached just now. Show the code again in a moment, or ask staff."},
	NoteNotEmpty:      {toneWarn, "Something lies in the cart already. Take it out, please."},
	NoteScanned:       {toneGood, "%s: lay it in."},
	NoteAge:           {toneInfo, "%s: staff look at your age at the exit."},
	NoteIn:            {toneGood, "In the cart: %s."},
	NoteGone:          {toneGood, "Off the list: %s."},
	NoteTakeOut:       {toneInfo, "Take %s out of the cart now."},
	NoteNotHere:       {toneWarn, "%s is not on the list."},
	NoteUnread:        {toneWarn, "This code is none that the cart knows."},
	NoteMisread:       {toneWarn, "The label %s was not read right. Show it again, flat and nearer."},
	NoteUnknown:       {toneWarn, "The shop does not know the product %s. Leave it here or ask staff."},
	NoteNoNumber:      {toneWarn, "There is nothing under the number %s."},
	NoteTooLight:      {toneWarn, "%s weighs less than its packing. Lay it in again, or ask staff."},
	NoteCannotWeigh:   {toneWarn, "%s cannot be weighed: the cart's scale does not work. Staff weigh it."},
	NoteScaleBack:     {toneGood, "The scale works again."},
	NoteCoupon:        {toneInfo, "The coupon is sent to the shop."},
	NoteCouponTaken:   {toneGood, "The coupon counts."},
	NoteCouponRefused: {toneWarn, "The coupon does not count: %s."},
	NoteBeforeYouGo:   {toneWarn, "Before you go: something is open. Settle it, or touch Leave again and staff will look."},
	NoteHelp:          {toneInfo, "Staff know that you want help."},
	NoteFull:          {toneWarn, "This cart holds no more. Pay for this, and take another."},
	NoteBye:           {toneGood, "Thank you. Your receipt comes to your phone."},
}

// faults are the faults of a scale in words.
var faults = map[Fault]string{
	FaultOverload: "The cart is too heavy for its scale. Take something out; what you scan counts.",
	FaultSilent:   "The scale says nothing. What you scan counts, and staff look at the exit.",
	FaultStuck:    "The scale does not move. What you scan counts, and staff look at the exit.",
	FaultTare:     "The scale shows less than nothing: its zero is wrong. What you scan counts, and staff look at the exit.",
}

// refusals are the reasons of a gate in words for a shopper.
var refusals = map[string]string{
	"expired": "it is too old, make a new one", "replayed": "it was used before", "store": "it is for another shop",
	"forged": "it is not one of ours", "unread": "it is not one of ours", "declined": "the card was declined",
	"timeout": "the bank did not answer", "inside": "you are shopping here already", "debt": "an earlier visit is not paid",
	"not_yet": "it is from the future, see the clock",
}
