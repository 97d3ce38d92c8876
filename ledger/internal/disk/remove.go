package disk

import (
	"errors"
	"io/fs"
)

// Discard removes a file that is not needed; a missing one is no error.
func Discard(files Folder, name string) error {
	err := files.Remove(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
