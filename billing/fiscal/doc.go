// Package fiscal has receipts signed by the security module that a seller's
// country asks for.
//
// The one idea: the device is asked again until it answers, and a device that
// is asked again gives its first answer. What must be signed is a fold of the
// visits' streams; the event that makes it due (gate.entered, receipt.issued,
// …) is the intention, and was durable before the device heard of it. A crash
// between the device's answer and the event that records it is healed by
// asking once more.
package fiscal
