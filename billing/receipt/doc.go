// Package receipt makes papers of documents: what a shopper, a tax office or
// another program reads of a receipt, and what the law misses on it.
//
// The one idea: a form is a pure function of the visit's and the payment's
// events. The same events give the same bytes, whenever and wherever they are
// asked for, so no form is ever stored.
package receipt
