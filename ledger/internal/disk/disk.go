// Package disk is the little that the embedded log needs of a file system: one
// folder of files that are read and written in place.
//
// The one idea: everything the log does to a disk goes through [Folder] and
// [File], so that tests can put a disk below it that loses, tears and refuses
// writes as real ones do (package faultdisk).
//
// It does not lock, it does not know what is in the files, and it makes nothing
// durable unless it is told to.
package disk

import "io"

// A Mode says how a file is opened.
type Mode int

// The modes.
const (
	Read   Mode = iota // must exist, is not written
	Write              // must exist
	Create             // is made, or emptied if it exists
	Share              // as Read, and tells [File.Alone] of other handles for as long as it is open
	Posted             // as Write; the first page is written in memory, which may come short when the process dies
)

// A Folder is one directory of files. Names have no slashes. All methods may be
// called from many goroutines at once.
type Folder interface {
	// Open opens a file; a missing one is [io/fs.ErrNotExist].
	Open(name string, mode Mode) (File, error)
	// Rename gives a file another name and replaces what had it.
	Rename(from, to string) error
	// Remove deletes a file; a missing one is [io/fs.ErrNotExist].
	Remove(name string) error
	// List returns the names of all files in order.
	List() ([]string, error)
	// Sync makes the names durable: what was created, renamed and removed.
	Sync() error
}

// A File is read and written at offsets. Writing behind the end extends it.
type File interface {
	io.ReaderAt
	io.WriterAt
	// Sync makes the content durable. After an error nothing is known about
	// what was written since the last success, and a second Sync that succeeds
	// means nothing: the kernel may have dropped the pages.
	Sync() error
	// Size returns the length in bytes.
	Size() (int64, error)
	// Map returns the n bytes at an offset that is a multiple of 4096, as they
	// are in the file, to be read only. They are valid until Close.
	Map(at int64, n int) ([]byte, error)
	// Alone reports whether no other handle, here or in another process, has
	// the file open in mode [Share]. Nobody can open it so until Close.
	Alone() (bool, error)
	Close() error
}
