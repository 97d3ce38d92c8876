package account

import (
	"bytes"
	"mime/multipart"
	"net/url"
	"testing"
)

// FuzzParts feeds the reader of multipart forms with anything, and what it
// accepts must be the same when it is written and read again.
func FuzzParts(f *testing.F) {
	f.Add([]byte("--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\ndispute_evidence\r\n"+
		"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n%PDF-\r\n--b--\r\n"), "b")
	f.Add([]byte("--b--"), "b")
	f.Add([]byte(""), "")
	f.Fuzz(func(t *testing.T, raw []byte, boundary string) {
		values, up, err := Parts(raw, "multipart/form-data; boundary="+boundary)
		if err != nil {
			return
		}
		var out bytes.Buffer
		w := multipart.NewWriter(&out)
		for name, all := range values {
			for _, v := range all {
				if err := w.WriteField(name, v); err != nil {
					t.Fatal(err)
				}
			}
		}
		if up != nil {
			part, err := w.CreateFormFile("file", up.Name)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := part.Write(up.Content); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		again, upAgain, err := Parts(out.Bytes(), w.FormDataContentType())
		if err != nil || len(again) != len(values) {
			t.Fatalf("read again = %v, %v, want %v", again, err, values)
		}
		if (up == nil) != (upAgain == nil) || (up != nil && !bytes.Equal(up.Content, upAgain.Content)) {
			t.Fatalf("the file changed: %v, then %v", up, upAgain)
		}
	})
}

// FuzzForm feeds the parameters of requests with anything: a refusal is an
// answer, a panic is not.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{
		"amount=5000&currency=usd&payment_method=pm_card_visa&confirm=true",
		"payment_method_options[card][request_multicapture]=if_available", "metadata[a]=b&metadata[a", "created[gte]=x",
		"evidence[receipt]=file_1&submit=false", "types[0]=*&type=[", "amount=9223372036854775807",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		values, err := url.ParseQuery(text)
		if err != nil {
			return
		}
		acc := New(Config{Listening: func() bool { return false }})
		for i := range routes {
			c := &Call{ID: "pi_none", Path: routes[i].path}
			if _, _, e := acc.Serve(&routes[i], c, Form(values), 1); e != nil && e.Status < 400 {
				t.Fatalf("%s refuses with %d", routes[i].Op, e.Status)
			}
		}
	})
}
