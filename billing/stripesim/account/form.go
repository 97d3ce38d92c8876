package account

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A Form holds the parameters of a request: the body of a POST, the query of a
// GET. Nested names stay as they are on the wire, "metadata[visit]".
type Form url.Values

// known refuses a parameter whose first name is not listed. Stripe does the
// same; a parameter that was quietly ignored would hide a client's mistake.
func (f Form) known(names []string) *Error {
	for _, key := range slices.Sorted(maps.Keys(f)) {
		name, _, _ := strings.Cut(key, "[")
		if name != "expand" && !slices.Contains(names, name) {
			return Invalid(key, "parameter_unknown", "Received unknown parameter: "+key)
		}
	}
	return nil
}

// get returns a single value, "" if absent.
func (f Form) get(name string) string { return url.Values(f).Get(name) }

// needs returns a value that must be there.
func (f Form) needs(name string) (string, *Error) {
	if v := f.get(name); v != "" {
		return v, nil
	}
	return "", Invalid(name, "parameter_missing", "Missing required param: "+name+".")
}

// integer returns a whole number and whether it was given.
func (f Form) integer(name string) (n int64, given bool, e *Error) {
	v := f.get(name)
	if v == "" {
		return 0, false, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return 0, false, Invalid(name, "parameter_invalid_integer", "Invalid integer: "+v)
	}
	return n, true, nil
}

// yes returns a truth value, false if absent.
func (f Form) yes(name string) (bool, *Error) {
	switch v := f.get(name); v {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	default:
		return false, Invalid(name, "parameter_invalid_boolean", "Invalid boolean: "+v)
	}
}

// oneOf returns a value out of a list, the first if absent.
func (f Form) oneOf(name string, allowed ...string) (string, *Error) {
	v := f.get(name)
	if v == "" {
		return allowed[0], nil
	}
	if !slices.Contains(allowed, v) {
		return "", Invalid(name, "", "Invalid "+name+": must be one of "+strings.Join(allowed, ", "))
	}
	return v, nil
}

// under returns the members of a nested parameter: under("metadata") of
// metadata[visit]=v1 is {visit: v1}.
func (f Form) under(name string) map[string]string {
	out := map[string]string{}
	for key, values := range f {
		rest, ok := strings.CutPrefix(key, name+"[")
		if ok && strings.HasSuffix(rest, "]") && len(values) > 0 {
			out[strings.TrimSuffix(rest, "]")] = values[0]
		}
	}
	return out
}

// metadata returns old with the request's changes: a value replaces, an empty
// value removes.
func (f Form) metadata(old map[string]string) (map[string]string, *Error) {
	out := maps.Clone(old)
	if out == nil {
		out = map[string]string{}
	}
	for k, v := range f.under("metadata") {
		switch {
		case len(k) > 40 || len(v) > 500:
			return nil, Invalid("metadata", "", "Metadata keys may have 40 characters, values 500.")
		case v == "":
			delete(out, k)
		default:
			out[k] = v
		}
	}
	if len(out) > 50 {
		return nil, Invalid("metadata", "", "You can have at most 50 metadata keys.")
	}
	return out, nil
}

// expands reports whether the answer is to hold the object at path.
func (f Form) expands(path string) bool {
	for key, values := range f {
		if strings.HasPrefix(key, "expand[") && slices.Contains(values, path) {
			return true
		}
	}
	return false
}

// An Upload is the file of a multipart request.
type Upload struct {
	Name    string
	Content []byte
}

// Parts reads a multipart form: its fields, and its file if there is one.
func Parts(raw []byte, kind string) (url.Values, *Upload, error) {
	_, params, err := mime.ParseMediaType(kind)
	if err != nil {
		return nil, nil, fmt.Errorf("content type: %w", err)
	}
	var up *Upload
	values := url.Values{}
	for r := multipart.NewReader(bytes.NewReader(raw), params["boundary"]); ; {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return values, up, nil
		}
		if err != nil {
			return nil, nil, fmt.Errorf("multipart form: %w", err)
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return nil, nil, fmt.Errorf("multipart form: %w", err)
		}
		if part.FormName() == "file" {
			up = &Upload{Name: part.FileName(), Content: content}
			continue
		}
		values.Add(part.FormName(), string(content))
	}
}
