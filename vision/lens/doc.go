// Package lens says whether a camera's pictures can be judged at all.
//
// The one idea: whoever judges a picture is only shown it while the camera
// sees what it was set up to see. A black, frozen or turned camera is not a
// shelf on which something happened.
//
// Invariants: the same pictures give the same answers; a picture that cannot
// be judged is never shown; every trouble that is told is told again when it
// is over.
//
// It looks at small pictures only. That frames stop coming, have another size
// or cannot be stored is noticed where they are read and stored, and told in
// the words of this package.
package lens
