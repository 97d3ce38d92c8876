// Package models reads what is said of a network's files: its name, its
// version, its licence and the digest of each file. A network without a
// declared licence, or with another file than the one declared, is refused
// before it is loaded.
package models
