package packed

import "github.com/vouchledger/vouch/ledger"

// TaxRule is a tax rule: there are few.
func (c *Codec) TaxRule(p *ledger.TaxRule) {
	if c.reading {
		*p = c.book.rules.all[c.read()]
		return
	}
	c.write(c.book.rules.of(p, hash(p.Category)+hash(p.Rate)))
}

func (c *Codec) seller(p *ledger.Seller) {
	if c.reading {
		*p = c.book.sellers.all[c.read()]
		return
	}
	c.write(c.book.sellers.of(p, hash(p.Address)))
}

func (c *Codec) policy(p *ledger.Policy) {
	if c.reading {
		*p = c.book.policies.all[c.read()]
		return
	}
	c.write(c.book.policies.of(p, 0))
}

// Price is a price that picks share: it stays the same one. Sku is its product. The price
// itself is not looked at: it lies elsewhere in memory, and a shop has one for a product.
func (c *Codec) Price(p **ledger.ItemPriced, sku ledger.SKU) {
	if c.reading {
		*p = c.book.prices.all[c.read()]
		return
	}
	c.write(c.book.prices.of(p, hash(string(sku))+c.shop))
}

// Presented is how a visit began.
func (c *Codec) Presented(p *ledger.GatePresented) {
	VisitID(c, &p.Visit)
	Text(c, &p.Store)
	c.shop = hash(string(p.Store))
	Text(c, &p.Gate)
	Text(c, &p.Place)
	Text(c, &p.Credential)
	VisitID(c, &p.Ticket)
	Own(c, &p.Shopper)
	Own(c, &p.Customer)
	Own(c, &p.PaymentMethod)
	c.Int(&p.Party)
	c.seller(&p.Seller)
	Text(c, &p.Catalogue)
	c.policy(&p.Policy)
	c.Bool(&p.Member)
	c.Bool(&p.Offline)
	c.Int(&p.ClockOffset)
}

// EvidenceRef is a reference to evidence.
func (c *Codec) EvidenceRef(p *ledger.EvidenceRef) {
	Text(c, &p.Role)
	c.Digest(&p.Digest)
	Text(c, &p.MediaType)
	c.Int64(&p.Bytes)
	if c.Has(p.Of != "") {
		c.Digest(&p.Of)
	}
}

// Claim is what a sensor claims.
func (c *Codec) Claim(p *ledger.DetectionRecorded) {
	Text(c, &p.Store)
	Text(c, &p.Sensor)
	Text(c, &p.Source)
	Text(c, &p.Slot)
	List(c, &p.Items, (*Codec).item)
	List(c, &p.Actions, (*Codec).action)
	List(c, &p.Persons, (*Codec).person)
	List(c, &p.Presence, (*Codec).person)
	c.Int(&p.Quantity)
	c.Int(&p.Grams)
	Text(c, &p.Model)
	List(c, &p.Evidence, (*Codec).EvidenceRef)
	c.Int(&p.ClockOffset)
}

func (c *Codec) item(p *ledger.ItemHypothesis) {
	Text(c, &p.SKU)
	c.Int((*int)(&p.Confidence))
}

func (c *Codec) action(p *ledger.ActionHypothesis) {
	Text(c, &p.Action)
	c.Int((*int)(&p.Confidence))
}

func (c *Codec) person(p *ledger.PersonHypothesis) {
	VisitID(c, &p.Visit)
	c.Int((*int)(&p.Confidence))
}

// Decided is the answer to a question.
func (c *Codec) Decided(p *ledger.ReviewDecided) {
	c.ID(&p.Detection)
	Text(c, &p.Verdict)
	Text(c, &p.SKU)
	Text(c, &p.Action)
	c.Int(&p.Quantity)
	VisitID(c, &p.Visit)
	Text(c, &p.Reviewer)
	Text(c, &p.Reason)
}

// Doubt is a doubt.
func (c *Codec) Doubt(p *ledger.Doubt) { Text(c, p) }

// Settled is how the money ended.
func (c *Codec) Settled(p *ledger.VisitSettled) {
	Text(c, &p.Outcome)
	c.Money(&p.Charged)
	c.Money(&p.Owed)
}

// Document is a receipt.
func (c *Codec) Document(p *ledger.ReceiptDocument) {
	Own(c, &p.Number)
	Own(c, &p.Corrects)
	VisitID(c, &p.Visit)
	Text(c, &p.Store)
	c.seller(&p.Seller)
	c.Time(&p.Entered)
	c.Time(&p.Exited)
	c.Time(&p.Issued)
	List(c, &p.Lines, (*Codec).line)
	List(c, &p.Pending, (*Codec).pending)
	if c.Has(!p.Deadline.IsZero()) {
		c.Time(&p.Deadline)
	}
	List(c, &p.Taxes, (*Codec).taxTotal)
	c.Money(&p.Net)
	c.Money(&p.Tax)
	c.Money(&p.Gross)
	c.Uint64(&p.Events)
	c.Int(&p.Party)
	c.Int(&p.AgeProven)
}

func (c *Codec) line(p *ledger.ReceiptLine) {
	c.Int(&p.No)
	Text(c, &p.SKU)
	Text(c, &p.Name)
	Text(c, &p.Category)
	c.Int(&p.Quantity)
	c.Money(&p.Unit)
	c.Money(&p.Net)
	c.Money(&p.Tax)
	if c.Has(!c.reading && adds(p)) {
		p.Gross = p.Net
		p.Gross.Minor += p.Tax.Minor
	} else {
		c.Money(&p.Gross)
	}
	c.TaxRule(&p.TaxRule)
	Text(c, &p.Check)
	List(c, &p.Causes, (*Codec).ID)
	List(c, &p.Evidence, (*Codec).Digest)
	if !c.Has(!c.reading && plain(p)) {
		c.rest(p)
	}
}

// adds reports whether the gross is what it should be.
func adds(p *ledger.ReceiptLine) bool {
	return p.Gross.Minor == p.Net.Minor+p.Tax.Minor && p.Gross.Currency == p.Net.Currency
}

// plain reports whether p is a product by the piece at the price of its pick, as most
// lines are.
func plain(p *ledger.ReceiptLine) bool {
	return p.LineKind == "" && p.Of == 0 && p.Per == "" && p.Grams == 0 && p.TareGrams == 0 && p.Scale == "" &&
		p.PriceRule == "" && p.Picked.Currency == "" && p.Picked.Minor == 0 && p.List.Currency == "" && p.List.Minor == 0 &&
		p.Discounts == nil && p.MinAge == 0
}

// rest is what is not plain of a line.
func (c *Codec) rest(p *ledger.ReceiptLine) {
	Text(c, &p.LineKind)
	c.Int(&p.Of)
	Text(c, &p.Per)
	c.Int(&p.Grams)
	c.Int(&p.TareGrams)
	Text(c, &p.Scale)
	Text(c, &p.PriceRule)
	c.Money(&p.Picked)
	c.Money(&p.List)
	List(c, &p.Discounts, (*Codec).discount)
	c.Int(&p.MinAge)
}

func (c *Codec) discount(p *ledger.Discount) {
	Text(c, &p.Promotion)
	Text(c, &p.Name)
	c.Money(&p.Amount)
	c.Int(&p.Pieces)
	Text(c, &p.Coupon)
	Text(c, &p.Reason)
}

func (c *Codec) pending(p *ledger.PendingItem) {
	c.ID(&p.Detection)
	Text(c, &p.SKU)
	c.Int(&p.Quantity)
	List(c, &p.Doubts, (*Codec).Doubt)
	c.Money(&p.AtRisk)
}

func (c *Codec) taxTotal(p *ledger.TaxTotal) {
	c.TaxRule(&p.Rule)
	c.Money(&p.Net)
	c.Money(&p.Tax)
}
