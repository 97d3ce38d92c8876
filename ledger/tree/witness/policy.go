// Package witness asks C2SP tlog-witnesses to cosign checkpoints, and checks
// their cosignatures against a C2SP tlog-policy.
//
// The one idea: a witness remembers one checkpoint of each log and cosigns only
// what extends it. So whoever trusts a quorum of witnesses knows that everybody
// else is shown the same history, and the log's operator cannot rewrite it even
// with the key in hand.
package witness

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/transparency-dev/formats/witness"
	"golang.org/x/mod/sumdb/note"

	"github.com/vouchledger/vouch/ledger"
)

// ErrQuorum means that a checkpoint does not carry the cosignatures that the
// policy asks for. Ask again when the witnesses have seen it; it may also be a
// history that they refused.
var ErrQuorum = errors.New("checkpoint lacks the quorum of witnesses")

// A Policy says which witnesses there are and how many make a quorum.
type Policy struct {
	group     witness.Group
	witnesses []known
}

// A known witness of a policy.
type known struct {
	name string
	url  string // of add-checkpoint
	key  note.Verifier
}

// nowhere stands for the address of a witness that a policy does not give.
const nowhere = "https://witness.invalid/"

// ParsePolicy reads a C2SP tlog-policy. A witness without an address can be
// checked and not asked.
func ParsePolicy(text []byte) (*Policy, error) {
	p := &Policy{}
	var whole bytes.Buffer
	keys := map[string]string{}
	for n, line := range strings.Split(string(text), "\n") {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) > 0 && fields[0] == "witness" {
			if len(fields) == 3 {
				fields = append(fields, nowhere)
			}
			if len(fields) != 4 {
				return nil, fmt.Errorf("policy, line %d: %w: want witness NAME KEY [URL]", n+1, ledger.ErrInvalid)
			}
			if other, ok := keys[fields[2]]; ok {
				return nil, fmt.Errorf("policy, line %d: %w: %s has the key of %s, and would count twice", n+1, ledger.ErrInvalid, fields[1], other)
			}
			keys[fields[2]] = fields[1]
			w, err := newKnown(fields)
			if err != nil {
				return nil, fmt.Errorf("policy, line %d: %w: %w", n+1, ledger.ErrInvalid, err)
			}
			p.witnesses = append(p.witnesses, w)
		}
		whole.WriteString(strings.Join(fields, " ") + "\n")
	}
	group, err := witness.ParsePolicy(whole.Bytes())
	if err != nil {
		return nil, fmt.Errorf("policy: %w: %w", ledger.ErrInvalid, err)
	}
	p.group = group
	return p, nil
}

// Check returns ErrQuorum unless the checkpoint has its quorum.
func (p *Policy) Check(checkpoint []byte) error {
	if !p.group.Satisfied(checkpoint) {
		return fmt.Errorf("%w: %s cosigned", ErrQuorum, p.who(checkpoint))
	}
	return nil
}

// Cosigners returns the names of the policy's witnesses that cosigned.
func (p *Policy) Cosigners(checkpoint []byte) []string {
	var names []string
	for _, w := range p.witnesses {
		if n, err := note.Open(checkpoint, note.VerifierList(w.key)); err == nil && len(n.Sigs) > 0 {
			names = append(names, w.name)
		}
	}
	return names
}

func (p *Policy) who(checkpoint []byte) string {
	names := p.Cosigners(checkpoint)
	if len(names) == 0 {
		return fmt.Sprintf("none of %d witnesses", len(p.witnesses))
	}
	return fmt.Sprintf("%s of %d witnesses", strings.Join(names, ", "), len(p.witnesses))
}
