package evidence

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/vouchledger/vouch/ledger"
)

// originals ends the name of the key of a visit's originals.
const originals = "-original"

// An Owner is whose key a piece is sealed to. A visit has two: one for what its
// shopper may see, and one for the originals, in which somebody else's face may
// be. Whoever is given the first key cannot read the second's. Without a visit
// the piece has a key of its own until a visit names it.
type Owner struct {
	Visit    ledger.VisitID
	Original bool
}

func (o Owner) validate() error {
	if o.Visit == "" {
		return nil
	}
	return validOwner(string(o.Visit))
}

// owner returns the name under which a piece lies for an owner.
func (s *Store) owner(o Owner) string {
	switch {
	case s.keys == nil:
		return ""
	case o.Visit == "":
		return loose
	case o.Original:
		return string(o.Visit) + originals
	}
	return string(o.Visit)
}

// ownerOf is the reverse of [Store.owner].
func ownerOf(name string) Owner {
	if name == loose {
		return Owner{}
	}
	v, original := strings.CutSuffix(name, originals)
	return Owner{Visit: ledger.VisitID(v), Original: original}
}

// validName refuses what no owner is called.
func validName(name string) error {
	if name == "" || name == loose {
		return nil
	}
	return validOwner(string(ownerOf(name).Visit))
}

// Adopt gives an object to the owners that name it, and then forgets the loose
// copy. A visit whose key was destroyed gets nothing. An object that is not
// there is [ErrMissing].
func (s *Store) Adopt(ctx context.Context, d ledger.Digest, owners ...Owner) error {
	if s.keys == nil || len(owners) == 0 {
		return nil
	}
	for _, owner := range owners {
		if there, err := s.holds(ctx, Copy{Digest: d, owner: s.owner(owner)}); there || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		o, err := s.Get(ctx, d)
		if err != nil {
			return err
		}
		_, err = s.PutAs(ctx, owner, o, d)
		if err = errors.Join(err, o.Close()); err != nil && !errors.Is(err, ErrExpired) {
			return err
		}
	}
	return s.RemoveCopy(ctx, Copy{Digest: d, owner: loose})
}

// RemoveFor takes the copies of a visit away.
func (s *Store) RemoveFor(ctx context.Context, v ledger.VisitID, d ledger.Digest) error {
	if err := errors.Join(d.Validate(), validOwner(string(v))); err != nil {
		return err
	}
	return errors.Join(s.RemoveCopy(ctx, Copy{Digest: d, owner: string(v)}),
		s.RemoveCopy(ctx, Copy{Digest: d, owner: string(v) + originals}))
}

// Sealed reports whether the store encrypts.
func (s *Store) Sealed() bool { return s.keys != nil }

// Destroyed reports whether the keys of a visit were destroyed.
func (s *Store) Destroyed(v ledger.VisitID) bool { return s.keys != nil && s.keys.Destroyed(v) }

// Destroy destroys the keys of a visit, after which no copy of its evidence can
// be read anywhere. A store without keys has nothing to destroy.
func (s *Store) Destroy(v ledger.VisitID) error {
	if s.keys == nil {
		return nil
	}
	return s.keys.Destroy(v)
}

// Destroy destroys the keys of a visit for good, also if there never was one:
// what is sent late is refused. That of the originals goes first, so that a
// visit that counts as destroyed has neither.
func (k *Keys) Destroy(v ledger.VisitID) error {
	if err := validOwner(string(v)); err != nil {
		return err
	}
	for _, owner := range []string{string(v) + originals, string(v)} {
		if err := k.folder.Destroy(owner); err != nil {
			return fmt.Errorf("evidence key of %s: %w", owner, err)
		}
	}
	return nil
}

// Destroyed reports whether the keys of a visit were destroyed.
func (k *Keys) Destroyed(v ledger.VisitID) bool {
	_, err := k.get(string(v))
	return errors.Is(err, ErrExpired)
}
