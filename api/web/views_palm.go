package web

// A PalmPage shows a shopper what they agreed to about their palm.
type PalmPage struct {
	Frame
	Consent *PalmConsent // the last one; nil if there never was any
	Offers  []PalmOffer  // texts that may be agreed to now
	Nonce   string
}

// A PalmConsent is a consent and what became of it. A text that is empty did not
// happen.
type PalmConsent struct {
	Shop, Jurisdiction, Version, Text string
	Given, How                        string
	Enrolled                          string
	Captures                          int
	Withdrawn                         string
	Destroyed, Proof, Sealed          string
	Live                              bool
	Status                            Chip
}

// A PalmOffer is a text that a shopper may agree to.
type PalmOffer struct {
	Store, Shop, Jurisdiction, Version string
	Paragraphs                         []string
}
