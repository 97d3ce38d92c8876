package palm

import "errors"

var (
	// ErrNoHand means that no open hand is seen whose fingers are apart. Ask for
	// the hand again, flat, fingers spread, before the dark ground.
	ErrNoHand = errors.New("no open hand is seen")

	// ErrCaptures means that the captures of an enrolment are too few or not of
	// one hand. Begin it again.
	ErrCaptures = errors.New("the captures make no template")

	// ErrNotAlive means that the captures may be of a picture of a hand. Ask for
	// another credential, or for the hand again.
	ErrNotAlive = errors.New("it does not move as a hand does")

	// ErrConsent means that nobody agreed. Nothing is made without it.
	ErrConsent = errors.New("there is no consent")

	// ErrTemplate means that bytes are no template of ours, or no key opens them.
	ErrTemplate = errors.New("not a palm template")

	// ErrUnknown means that the palm is nobody's, or not surely one person's. Ask
	// for another credential.
	ErrUnknown = errors.New("the palm is not known")

	// ErrRevoked means that the shopper's template was destroyed. Enrol anew, with
	// consent.
	ErrRevoked = errors.New("the palm was revoked")
)
