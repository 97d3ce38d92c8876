package web

// Frame is what every page has around it.
type Frame struct {
	Title   string
	Who     string // who is signed in, "reviewer:anna"; empty for nobody
	Reviews bool   // may see the reviews
	Books   bool   // may see the books
	Code    bool   // has a code to show
	Claims  bool   // may see the chargebacks, and what money needs a person
	Devices bool   // may see how the shops' devices do
	Here    string // visits, code, reviews, books, exceptions, money, chargebacks, devices: where in the menu
	Script  bool
}

// A CodePage shows a shopper the code that opens a gate.
type CodePage struct {
	Frame
	Palm bool // the server keeps palms
}

// A ChargebacksPage is the list of card networks' claims.
type ChargebacksPage struct {
	Frame
	Items  []ChargebackItem
	Decide bool // may answer
	More   int  // claims that are not shown
}

// A ChargebackItem is one claim.
type ChargebackItem struct {
	Chargeback, Amount, Reason, Code string
	Visit, VisitLink                 string
	Opened                           string
	Due, Left                        string // empty when it is over
	Status                           Chip
	Inquiry                          bool
	Evidence                         string // address of the pack; empty when there is none
	Pages                            int
	Answer                           string
	Rule                             string // what happens if nobody answers
	Open                             bool   // can be answered
	Action, Nonce                    string
}

// A SignInPage asks for a key.
type SignInPage struct {
	Frame
	Next  string // where to go then
	Wrong string // what was wrong with the key that was tried
}

// An ErrorPage says what went wrong and where to go.
type ErrorPage struct {
	Frame
	Status int
	Head   string
	Text   string
}

// A VisitsPage is the list of visits.
type VisitsPage struct {
	Frame
	Rows []VisitRow
	Next string // address of the next page
	Own  bool   // a shopper's own visits
}

// A VisitRow is one visit in the list.
type VisitRow struct {
	Link, Visit, Store string
	Day, Time          string
	Status             Chip
	Total              string
	Notes              []Chip
}

// A Chip is a short word with a tone: plain, good, wait, bad.
type Chip struct{ Text, Tone string }

// A VisitPage is the story of one visit.
type VisitPage struct {
	Frame
	Visit      string
	Shop       string
	Address    string
	Day        string
	Times      string
	Status     Chip
	Total      string
	TotalLabel string
	Figures    []Figure
	Revision   int64
	Live       bool // more may happen
	Steps      []Step
	Papers     []Paper
	Disputes   []DisputeCard
	Money      []MoneyStep
	MoneySaid  string   // one sentence
	Ask        *AskCard // nil unless the shopper is asked to agree
	Owe        *OweCard // nil unless the shopper owes
	Again      []string // where its code was shown again, and stayed shut
	CanDecide  bool
	Nonce      string
}

// An AskCard asks a shopper to agree to pay for an item that was found later.
type AskCard struct{ Amount, Until, Action string }

// An OweCard tells a shopper what they owe, and lets them pay.
type OweCard struct {
	Amount, Why, Action string // Action is empty while a payment is under way
	UnderWay, Confirm   bool
}

// A MoneyPage lists the orders that a person must find out about, and what is
// owed.
type MoneyPage struct {
	Frame
	Decide bool
	Items  []MoneyItem
	Debts  []DebtRow
	More   int // debts that are not shown
}

// A MoneyItem is an order that a person must find out about.
type MoneyItem struct {
	ID, What, Reason, Since, Visit, VisitLink string
	Object, Key, Amount                       string // as far as they are known
	Action, Nonce                             string
}

// A DebtRow is what a visit owes.
type DebtRow struct{ Visit, VisitLink, Since, Why, Amount string }

// A Figure is a number with its name.
type Figure struct{ Label, Value, Tone string }

// A Step is one event of the timeline and what the shop knew after it.
type Step struct {
	No       int
	ID       string // of the event
	Kind     string // stored name of the event
	Family   string // gate, sensor, review, receipt, money, dispute
	Icon     string
	Title    string
	Text     string
	Time     string
	Actor    string
	Minor    bool
	Question bool
	Cart     []CartLine
	CartSum  string
	CartNote string
	Bars     []Bar
	Slot     string
	Model    string
	Exhibit
}

// An Exhibit is what shows a detection, by the addresses of its evidence.
type Exhibit struct {
	Pictures []Picture
	Clip     string
	Poster   string // of the clip
	Boxes    string // data that is drawn over the pictures when asked for
	Weight   *Weight
	Thumb    string
	Lost     []string // what is named and not stored, or not for the reader
	Gone     []string // what was deleted after its time
}

// A Picture is a frame with its role.
type Picture struct{ Role, Caption, Address string }

// A Weight is what a scale read, drawn.
type Weight struct {
	Line   string // points of the line in a picture of 1000 by 200
	At     string // where in it the detection is
	Change string // "330 g less"
	Scale  string
	From   string // when it begins and ends, from the detection on
	To     string
	Most   string // weights at the upper and lower edge
	Least  string
}

// A CartLine is one line of the cart; Change is new, more, less, gone or empty.
type CartLine struct {
	Quantity int
	Name     string
	Amount   string
	Change   string
}

// A Bar is one confidence, in per cent with one decimal, and the least that is
// sure.
type Bar struct {
	Label, Reading string
	Percent        string
	Width, Least   string // in hundredths, for the picture
	Low            bool
	Others         string // the other readings
}

// A Paper is one receipt.
type Paper struct {
	Kind     string // Issued receipt, Corrected receipt, Provisional receipt
	Number   string
	Corrects string
	Shop     string
	Address  string
	TaxID    string
	Issued   string
	Lines    []PaperLine
	Pending  []PaperLine
	Deadline string
	Taxes    []Figure
	Net      string
	Total    string
	Change   string
	Current  bool
	Forms    string // address that its other forms are under; empty if it has none
	Events   uint64
}

// A PaperLine is one line of a receipt.
type PaperLine struct {
	No       int
	Quantity int
	Was      int // quantity in the document before; equal if unchanged
	Changed  bool
	Name     string
	Unit     string
	Amount   string
	Check    string    // who vouched for it
	Steps    []StepRef // events of the timeline that made it
	Dispute  bool      // may be disputed here and now
	Most     int       // pieces that may be disputed
	Action   string    // address
	Disputed string    // state of its dispute
	Notes    []string  // what lowered its price
	Deposit  bool      // it is for the containers of the line before
}

// A StepRef leads to a step of the timeline.
type StepRef struct {
	No   int
	Text string
}

// A DisputeCard is a dispute and its decision.
type DisputeCard struct {
	ID       string
	Line     string
	Claim    string
	Quantity int
	Message  string
	Opened   string
	State    Chip
	Looks    []Look // at the detections of the line
	Reason   string
	Decided  string
	By       string
	Result   string
	Action   string // address of the decision; empty when there is none to make
	Nonce    string
}

// A Look is what a model found when it looked at the stored evidence again.
type Look struct {
	Text, When string
	Digest     string // of the model
	State      Chip   // how it stands to the claim
}

// A MoneyStep is one movement of money with its proof.
type MoneyStep struct {
	Icon, Title, Amount, Time string
	Object                    string // at the payment provider
	Key                       string
	Tone                      string
	Done                      bool
}

// A ReviewsPage is the queue of questions.
type ReviewsPage struct {
	Frame
	Items  []ReviewItem
	More   int // beyond these
	Decide bool
}

// A ReviewItem is one question.
type ReviewItem struct {
	Detection string
	Title     string
	Doubts    string
	AtRisk    string
	Deadline  string
	Seen      string
	Shop      string
	Visit     string
	VisitLink string
	Slot      string
	Weighing  string // of a whole cart, instead of a claim about a slot
	Entry     string // of an entry, likewise
	Plan      []PlanSlot
	Bars      []Bar
	Looks     []Look // what models found in the stored evidence
	Exhibit
	Action   string // address of the decision
	Products []Choice
	Actions  []Choice
	Visits   []Choice
	Quantity int
	Nonce    string
}

// A PlanSlot is one slot of the planogram; Here marks the one in question.
type PlanSlot struct {
	Slot, Product string
	Here          bool
}

// A Choice is one thing to choose.
type Choice struct {
	Value, Text string
	Chosen      bool
}

// LastStep returns the number of the last step of the timeline.
func (p VisitPage) LastStep() int { return len(p.Steps) - 1 }
