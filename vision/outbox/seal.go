package outbox

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"

	"github.com/vouchledger/vouch/vision/internal/secret"
)

// sealedBegins begins every sealed message and no other, which is JSON.
const sealedBegins = "age-encryption.org/"

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func seal(w io.Writer, to *age.X25519Identity) (io.WriteCloser, error) {
	if to == nil {
		return nopCloser{w}, nil
	}
	return age.Encrypt(w, to.Recipient())
}

// unseal reads a message, sealed or from before messages were.
func unseal(r io.Reader, with *age.X25519Identity) (io.Reader, error) {
	b := bufio.NewReader(r)
	begins, _ := b.Peek(len(sealedBegins)) // what is shorter is not sealed
	if string(begins) != sealedBegins {
		return b, nil
	}
	if with == nil {
		return nil, fmt.Errorf("%w: it is sealed, and no key was given", ErrSealed)
	}
	plain, err := age.Decrypt(b, with)
	var other *age.NoIdentityMatchError
	switch {
	case errors.As(err, &other):
		return nil, fmt.Errorf("%w: with another key", ErrSealed)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return plain, nil
}

// OpenKey reads the key that messages lie encrypted to, and makes it if there is
// none. Who has the disk without the file has nothing: it may lie where power off
// takes it away, or where the machine's own keeper of secrets puts it.
func OpenKey(path string) (*age.X25519Identity, error) {
	b, err := secret.LoadOrMake(path, func() ([]byte, error) {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			return nil, err
		}
		return []byte(id.String() + "\n"), nil
	})
	if err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	id, err := age.ParseX25519Identity(strings.TrimSpace(string(b)))
	if err != nil { // its text could hold the key
		return nil, fmt.Errorf("outbox: %w: %s holds no key", ErrSealed, path)
	}
	return id, nil
}
