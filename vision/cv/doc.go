// Package cv is the one door to OpenCV: it opens videos, pictures and
// cameras, scales and encodes frames, writes clips and runs a detector.
//
// The one idea: nobody else imports gocv, so everything above it can be
// built, tested and reasoned about without OpenCV. With the build tag opencv
// the package works; without it every function of the same name answers
// [ErrNoOpenCV], so a command still compiles and can say what is missing.
//
// Invariants: a [Frame] owns its picture until Close; a [Reader] has decoded
// its first frame before Open returns, so a broken file is refused at once;
// OpenCV and FFmpeg print nothing of their own.
//
// It decides nothing about shelves, items or visits.
package cv
