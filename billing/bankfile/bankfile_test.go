package bankfile_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchledger/vouch/billing/bankfile"
	"github.com/vouchledger/vouch/ledger"
	"github.com/vouchledger/vouch/ledger/money"
)

func eur(n int64) money.Money { return money.Money{Minor: n, Currency: "EUR"} }

// entries is a camt.053 of one account around entries.
func entries(version, body string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.` + version + `"><BkToCstmrStmt><GrpHdr><MsgId>m</MsgId></GrpHdr>
<Stmt><Id>1</Id><Acct><Id><IBAN>DE02120300000000202051</IBAN></Id><Ccy>EUR</Ccy></Acct>
<Bal><Amt Ccy="EUR">1000.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>` + body + `</Stmt></BkToCstmrStmt></Document>`
}

const (
	payout = `<Ntry><NtryRef>N1</NtryRef><Amt Ccy="EUR">1234.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>
<BookgDt><Dt>2026-11-26</Dt></BookgDt><AcctSvcrRef>S1</AcctSvcrRef><NtryDtls><TxDtls><Refs><EndToEndId>STRIPE PO1</EndToEndId></Refs>
<RltdPties><Dbtr><Nm>Stripe</Nm></Dbtr></RltdPties><RmtInf><Ustrd>Payout</Ustrd><Ustrd>STRIPE-PO1</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>`
	rent = `<Ntry><Amt Ccy="EUR">900</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><DtTm>2026-11-27T08:00:00Z</DtTm></BookgDt>
<AddtlNtryInf>Rent</AddtlNtryInf></Ntry>`
	expected   = `<Ntry><Amt Ccy="EUR">5.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>PDNG</Sts><BookgDt><Dt>2026-11-28</Dt></BookgDt></Ntry>`
	collective = `<Ntry><Amt Ccy="EUR">30.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-11-28</Dt></BookgDt><AcctSvcrRef>S2</AcctSvcrRef>
<NtryDtls><TxDtls><Amt Ccy="EUR">10.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><RltdPties><Dbtr><Pty><Nm>Anna</Nm></Pty></Dbtr></RltdPties><RmtInf><Ustrd>a</Ustrd></RmtInf></TxDtls>
<TxDtls><AmtDtls><TxAmt><Amt Ccy="EUR">20.00</Amt></TxAmt></AmtDtls><RmtInf><Strd><CdtrRefInf><Ref>RF18</Ref></CdtrRefInf></Strd></RmtInf></TxDtls></NtryDtls></Ntry>`
)

// TestBankStatementIsRead reads what banks write in versions 02 and 08.
func TestBankStatementIsRead(t *testing.T) {
	for _, version := range []string{"02", "04", "08"} {
		got, err := bankfile.ReadCAMT(strings.NewReader(entries(version, payout+rent+expected+collective)))
		if err != nil {
			t.Fatal(err)
		}
		rentName := got[0].Lines[1].Line
		want := []bankfile.Statement{{Account: "DE02120300000000202051", Lines: []ledger.BankLine{
			{Line: "S1", Booked: "2026-11-26", Amount: eur(123450), Reference: "Payout STRIPE-PO1 STRIPE PO1", Party: "Stripe"},
			{Line: rentName, Booked: "2026-11-27", Amount: eur(-90000), Reference: "Rent"},
			{Line: "S2/1", Booked: "2026-11-28", Amount: eur(1000), Reference: "a", Party: "Anna"},
			{Line: "S2/2", Booked: "2026-11-28", Amount: eur(2000), Reference: "RF18"},
		}}}
		if diff := cmp.Diff(want, got); diff != "" || !strings.HasPrefix(rentName, "vouch-") {
			t.Errorf("version %s (-want +got):\n%s", version, diff)
		}
	}
}

// TestPartsThatDoNotSumLeaveTheEntryWhole: what the bank booked is what counts.
func TestPartsThatDoNotSumLeaveTheEntryWhole(t *testing.T) {
	got, err := bankfile.ReadCAMT(strings.NewReader(entries("08", strings.Replace(collective, ">20.00<", ">19.00<", 1))))
	if err != nil {
		t.Fatal(err)
	}
	want := []ledger.BankLine{{Line: "S2", Booked: "2026-11-28", Amount: eur(3000), Reference: "a RF18", Party: "Anna"}}
	if diff := cmp.Diff(want, got[0].Lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestFilesThatAreNotUnderstood: each is refused with its place, and gives no
// line.
func TestFilesThatAreNotUnderstood(t *testing.T) {
	good := entries("08", payout)
	for name, bad := range map[string]string{
		"empty":                 "",
		"cut off":               good[:len(good)-20],
		"another message":       strings.ReplaceAll(good, "camt.053.001", "camt.054.001"),
		"no statement":          `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt></BkToCstmrStmt></Document>`,
		"a third of a cent":     strings.Replace(good, "1234.50", "1234.503", 1),
		"an amount in words":    strings.Replace(good, "1234.50", "1.234,50", 1),
		"a negative amount":     strings.Replace(good, "1234.50", "-1.00", 1),
		"no side":               strings.Replace(good, "<Amt Ccy=\"EUR\">1234.50</Amt><CdtDbtInd>CRDT", "<Amt Ccy=\"EUR\">1234.50</Amt><CdtDbtInd>LEFT", 1),
		"no such currency":      strings.Replace(good, `"EUR">1234`, `"XXQ">1234`, 1),
		"no such day":           strings.Replace(good, "2026-11-26", "2026-11-31", 1),
		"one reference, twice":  entries("08", payout+payout),
		"a document type":       strings.Replace(good, "?>\n", "?>\n<!DOCTYPE a [<!ENTITY b \"c\">]>\n", 1),
		"an entity of its own":  strings.Replace(good, "<Ustrd>Payout", "<Ustrd>&b;", 1),
		"elements not in order": "<a></b>",
	} {
		got, err := bankfile.ReadCAMT(strings.NewReader(bad))
		if err == nil || got != nil {
			t.Errorf("%s: ReadCAMT = %v, %v; want a refusal", name, got, err)
		}
		if !errors.Is(err, bankfile.ErrFormat) {
			t.Errorf("%s: %v is no ErrFormat", name, err)
		}
	}
	if _, err := bankfile.ReadCAMT(strings.NewReader(strings.Replace(good, "1234.50", "x", 1))); err == nil || !strings.Contains(err.Error(), "line ") {
		t.Errorf("the refusal %v does not name the place", err)
	}
}

const german = `{"account":"main","delimiter":";","encoding":"latin1","skip":2,"date":"Buchungstag","date_form":"DD.MM.YYYY",
"amount":"Betrag","point":",","in":"EUR","reference":["Verwendungszweck","Kundenreferenz"],"party":"Name"}`

const germanFile = "Umsatzanzeige\nKonto 1\nBuchungstag;Name;Verwendungszweck;Kundenreferenz;Betrag\n" +
	"26.11.2026;Stripe;Payout;STRIPE PO1;1.234,50\n27.11.2026;B\xe4ckerei;Brot;;-3,20\n27.11.2026;B\xe4ckerei;Brot;;-3,20\n\n"

const english = `{"account":"main","date":"Date","date_form":"MM/DD/YYYY","credit":"In","debit":"Out","currency":"Cur","reference":["Memo"],"id":"Ref"}`

func mapping(t testing.TB, text string) bankfile.Mapping {
	t.Helper()
	m, err := bankfile.ParseMapping([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestCSVIsRead reads what a German and an American bank write. Two equal lines
// of one day are two lines, in whichever file they come.
func TestCSVIsRead(t *testing.T) {
	got, err := bankfile.ReadCSV(strings.NewReader(germanFile), mapping(t, german))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Lines) != 3 || got.Lines[0].Amount != eur(123450) || got.Lines[1].Party != "Bäckerei" || got.Lines[1].Amount != eur(-320) ||
		got.Lines[0].Reference != "Payout STRIPE PO1" || got.Lines[0].Booked != "2026-11-26" {
		t.Errorf("ReadCSV = %+v", got)
	}
	if a, b := got.Lines[1].Line, got.Lines[2].Line; a == b {
		t.Errorf("two lines that say the same are called %s both", a)
	}
	later, err := bankfile.ReadCSV(strings.NewReader(strings.Replace(germanFile, "26.11.2026;Stripe;Payout;STRIPE PO1;1.234,50\n", "", 1)), mapping(t, german))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got.Lines[1:], later.Lines); diff != "" {
		t.Errorf("the lines of a later file are others (-first +later):\n%s", diff)
	}
	us, err := bankfile.ReadCSV(strings.NewReader("Date,Memo,In,Out,Cur,Ref\n11/26/2026,\"PAYOUT, PO1\",\"1,234.50\",,USD,T1\n11/27/2026,Rent,,900,USD,T2\n"), mapping(t, english))
	if err != nil {
		t.Fatal(err)
	}
	want := []ledger.BankLine{
		{Line: "T1", Booked: "2026-11-26", Amount: money.Money{Minor: 123450, Currency: "USD"}, Reference: "PAYOUT, PO1"},
		{Line: "T2", Booked: "2026-11-27", Amount: money.Money{Minor: -90000, Currency: "USD"}, Reference: "Rent"},
	}
	if diff := cmp.Diff(want, us.Lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestCSVThatIsNotUnderstood: each is refused with its line and column.
func TestCSVThatIsNotUnderstood(t *testing.T) {
	const head = "Date,Memo,In,Out,Cur,Ref\n"
	for name, c := range map[string]struct{ body, says string }{
		"no header":               {"", "header"},
		"a column is missing":     {"Date,Memo,In,Out,Cur\n", `"Ref"`},
		"a column stands twice":   {"Date,Memo,In,In,Out,Cur,Ref\n", `"In"`},
		"a short line":            {head + "11/26/2026,x\n", "line 2"},
		"another date":            {head + "2026-11-26,x,1,,USD,T1\n", `column "Date"`},
		"neither in nor out":      {head + "11/26/2026,x,,,USD,T1\n", "one of them"},
		"both in and out":         {head + "11/26/2026,x,1,1,USD,T1\n", "one of them"},
		"a sign":                  {head + "11/26/2026,x,-1,,USD,T1\n", "sign"},
		"a comma for a point":     {head + "11/26/2026,x,\"12,34\",,USD,T1\n", `column "In"`},
		"a third of a cent":       {head + "11/26/2026,x,1.003,,USD,T1\n", `column "In"`},
		"an unknown currency":     {head + "11/26/2026,x,1,,XXQ,T1\n", "XXQ"},
		"words":                   {head + "11/26/2026,x,one,,USD,T1\n", `column "In"`},
		"an exponent":             {head + "11/26/2026,x,1e3,,USD,T1\n", `column "In"`},
		"one reference, twice":    {head + "11/26/2026,x,1,,USD,T1\n11/27/2026,y,2,,USD,T1\n", "T1"},
		"not UTF-8":               {head + "11/26/2026,B\xe4cker,1,,USD,T1\n", "latin1"},
		"a quote that never ends": {head + "11/26/2026,\"x,1,,USD,T1\n", "quote"},
	} {
		got, err := bankfile.ReadCSV(strings.NewReader(c.body), mapping(t, english))
		if !errors.Is(err, bankfile.ErrFormat) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: ReadCSV = %v, %v; want ErrFormat that says %s", name, got, err, c.says)
		}
	}
}

// TestMappingsThatCouldNotBeUsed are refused before a file is opened.
func TestMappingsThatCouldNotBeUsed(t *testing.T) {
	for _, bad := range []string{
		`{}`, `{"account":"a"`, strings.Replace(english, `"credit":"In",`, "", 1), strings.Replace(english, `"credit"`, `"amount":"A","credit"`, 1),
		strings.Replace(english, `"currency":"Cur"`, `"in":"XXQ"`, 1), strings.Replace(english, `"currency":"Cur",`, "", 1),
		strings.Replace(german, `";"`, `";;"`, 1), strings.Replace(german, `"latin1"`, `"ebcdic"`, 1), strings.Replace(german, `"point":","`, `"point":"'"`, 1),
		strings.Replace(german, `"skip":2`, `"skip":-1`, 1), strings.Replace(german, `"account":"main"`, `"acount":"main"`, 1),
	} {
		if _, err := bankfile.ParseMapping([]byte(bad)); !errors.Is(err, bankfile.ErrFormat) {
			t.Errorf("ParseMapping(%s) = %v, want ErrFormat", bad, err)
		}
	}
}

// FuzzCAMT checks that no file makes the reader panic, and that what it accepts
// can be recorded.
func FuzzCAMT(f *testing.F) {
	for _, body := range []string{payout, rent, expected, collective, payout + rent} {
		f.Add(entries("08", body))
		f.Add(entries("02", body))
	}
	f.Fuzz(func(t *testing.T, text string) {
		statements, err := bankfile.ReadCAMT(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, s := range statements {
			recordable(t, s, "camt.053")
		}
	})
}

// FuzzCSV does the same with CSV.
func FuzzCSV(f *testing.F) {
	f.Add(germanFile, true)
	f.Add("Date,Memo,In,Out,Cur,Ref\n11/26/2026,x,1,,USD,T1\n", false)
	f.Fuzz(func(t *testing.T, text string, de bool) {
		m := mapping(t, english)
		if de {
			m = mapping(t, german)
		}
		if s, err := bankfile.ReadCSV(strings.NewReader(text), m); err == nil {
			recordable(t, s, "csv")
		}
	})
}

func recordable(t *testing.T, s bankfile.Statement, format string) {
	t.Helper()
	for _, l := range s.Lines {
		p := ledger.BankStatementRecorded{Account: "main", File: ledger.DigestOf([]byte("x")), Format: format, Lines: []ledger.BankLine{l}}
		if err := p.Validate(); err != nil {
			t.Errorf("line %+v was read and cannot be recorded: %v", l, err)
		}
	}
}
