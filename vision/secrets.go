package vision

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// ErrSecret is returned for settings with a password in them. They are events,
// and events are for ever. Write ${CAMERA_1} in its place, and what it stands for
// into the environment of the machine; change the password that was typed in.
var ErrSecret = errors.New("a password would stay on the ledger for ever: write ${CAMERA_1} in its place, " +
	"and CAMERA_1=… into the environment of the machine")

var (
	// named is what stands for a password. That its name is one for cameras is
	// judged with the rest of the settings.
	named = regexp.MustCompile(`^\$\{[^{}]*\}$`)
	// account is what an address has before its host, greedily: a password may
	// have any character in it that whoever typed it did not escape.
	account = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://([^/]*)@`)
	// query finds passwords that cameras take in their addresses, in the path too:
	// /user=admin_password=…_channel=1.
	query = regexp.MustCompile(`(?i)(?:^|[^a-z])(?:password|passwd|passwort|pass|pwd|psw|secret|token|api_?key)=([^&;/#\s]*)`)
)

// CheckSecrets refuses settings of a device in which a password stands itself,
// as an [ErrSecret] that does not repeat it.
func CheckSecrets(settings []byte) error {
	d := json.NewDecoder(bytes.NewReader(settings))
	for {
		t, err := d.Token()
		if err != nil {
			return nil //nolint:nilerr // the end, or no JSON, which others refuse
		}
		if s, ok := t.(string); ok && secret(s) {
			return fmt.Errorf("%s: %w", host(s), ErrSecret)
		}
	}
}

// secret reports whether a password stands in an address.
func secret(s string) bool {
	if m := account.FindStringSubmatch(s); m != nil {
		if _, password, ok := strings.Cut(m[1], ":"); ok && !named.MatchString(m[1]) && password != "" && !named.MatchString(password) {
			return true
		}
	}
	for _, m := range query.FindAllStringSubmatch(s, -1) {
		if m[1] != "" && !named.MatchString(m[1]) {
			return true
		}
	}
	return false
}

// host is what may be repeated of an address: the scheme, and what follows the
// account up to the next slash.
func host(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return "a setting"
	}
	if i := strings.LastIndexByte(strings.SplitN(rest, "/", 2)[0], '@'); i >= 0 {
		rest = rest[i+1:]
	}
	return scheme + "://" + strings.FieldsFunc(rest+"/", func(r rune) bool { return strings.ContainsRune("/?#", r) })[0]
}
