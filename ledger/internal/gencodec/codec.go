package main

import (
	"fmt"
	"strings"
)

// A codec is how a value of some type is read and written. open is what the
// canonical form always begins with; it joins the key before it in one
// comparison.
type codec struct {
	open        string
	read, write string // calls on r and w; @ is the place where the value begins
}

// readAt returns the call that reads a value behind the text before.
func (c codec) readAt(before string) string {
	at := "i"
	if before += c.open; before != "" {
		at = fmt.Sprintf("r.lit(i, `%s`)", before)
	}
	return "i = " + strings.Replace(c.read, "@", at, 1)
}

// writeAfter returns the call that writes a value behind the text before.
func (c codec) writeAfter(before string) string {
	at := "b"
	if before += c.open; before != "" {
		at = fmt.Sprintf("append(b, `%s`...)", before)
	}
	return "b = " + strings.Replace(c.write, "@", at, 1)
}

// codec returns how the field f of p is read and written. A text in a field is
// often what it was the last time: each such field has a number.
func (p *printer) codec(f field) (codec, error) {
	c, err := p.codecOf(f.typ, "p."+f.name)
	if value, ok := strings.CutPrefix(c.read, "r.str(@, "); ok {
		c.read = fmt.Sprintf("r.field(%d, @, %s", p.fields, value)
		p.fields++
	}
	return c, err
}

// codecOf returns how the expression v of type typ is read and written.
func (p *printer) codecOf(typ, v string) (codec, error) {
	quoted := func(read, write string) (codec, error) { return codec{open: `"`, read: read, write: write}, nil }
	switch typ {
	case "string":
		return quoted(fmt.Sprintf("r.str(@, &%s)", v), fmt.Sprintf("w.str(@, %s)", v))
	case "money.Currency", "money.Rounding":
		return quoted(fmt.Sprintf("r.str(@, (*string)(&%s))", v), fmt.Sprintf("w.str(@, string(%s))", v))
	case "ID":
		return quoted(fmt.Sprintf("r.id(@, &%s)", v), fmt.Sprintf("w.id(@, &%s)", v))
	case "time.Time":
		return quoted(fmt.Sprintf("r.time(@, &%s)", v), fmt.Sprintf("w.time(@, %s)", v))
	case "money.Money":
		return codec{read: fmt.Sprintf("r.money(@, &%s)", v), write: fmt.Sprintf("w.money(@, &%s)", v)}, nil
	case "int", "int64", "uint64", "bool":
		return codec{read: fmt.Sprintf("r.%s(@, &%s)", typ, v), write: fmt.Sprintf("w.%s(@, %s)", typ, v)}, nil
	}
	if elem, ok := strings.CutPrefix(typ, "List["); ok {
		return p.list(strings.TrimSuffix(elem, "]"), v)
	}
	if _, ok := p.structs[typ]; ok {
		return codec{read: fmt.Sprintf("r.%s(@, &%s)", lower(typ), v), write: fmt.Sprintf("w.%s(@, &%s)", lower(typ), v)}, nil
	}
	switch under := p.under[typ]; {
	case under == "string" && len(p.values[typ]) > 0:
		p.enumeration(typ)
		return quoted(fmt.Sprintf("r.%s(@, &%s)", lower(typ), v), fmt.Sprintf("w.str(@, string(%s))", v))
	case under == "string":
		return quoted(fmt.Sprintf("r.str(@, (*string)(&%s))", v), fmt.Sprintf("w.str(@, string(%s))", v))
	case under == "int":
		return codec{read: fmt.Sprintf("r.int(@, (*int)(&%s))", v), write: fmt.Sprintf("w.int(@, int(%s))", v)}, nil
	}
	return codec{}, fmt.Errorf("%w: type %s", errNotKnown, typ)
}

// enumeration has a reader written that gives the declared constants, so that
// they cost no memory. Another value is kept as it is: Validate judges it.
func (p *printer) enumeration(typ string) {
	if p.done[typ] {
		return
	}
	p.done[typ] = true
	p.enums = append(p.enums, func(p *printer) {
		p.f("func (r *reader) %s(i int, p *%s) int {\nif r.ends(i) {\nreturn r.gapText((*string)(p))\n}\nj, h := r.plain(i)\nif j < 0 {\nreturn -1\n}", lower(typ), typ)
		p.f("switch %s(r.b[i:j]) {", typ)
		for _, v := range p.values[typ] {
			p.f("case %s:\n*p = %s", v, v)
		}
		p.f("default:\n*p = %s(r.text(i, j, h))\n}\nreturn j + 1\n}\n", typ)
	})
}

// list has a reader and a writer of lists of elem written. So that elements get
// the memory they need and no more, the reader counts small ones first, by what
// stands between them or begins them (where a text looks like that, it is some
// more), and lets large ones, and those of a body with gaps, grow where there is room.
func (p *printer) list(elem, v string) (codec, error) {
	c, err := p.codecOf(elem, "s[len(s)-1]")
	if err != nil {
		return c, err
	}
	put, err := p.codecOf(elem, "(*p)[i]")
	if err != nil {
		return c, err
	}
	name := "list" + elem
	at := codec{open: "[", read: fmt.Sprintf("r.%s(@, &%s)", name, v), write: fmt.Sprintf("w.%s(@, &%s)", name, v)}
	if p.done[name] {
		return at, nil
	}
	p.done[name] = true
	p.elems = append(p.elems, elem)
	p.lists = append(p.lists, func(p *printer) {
		p.f("func (r *reader) %s(i int, p *List[%s]) int {\ns := (*p)[:0]", name, elem)
		p.f("if r.at(i) == ']' {\n*p = s\nreturn i + 1\n}")
		var keep string
		if st, ok := p.structs[elem]; ok && hasList(st) {
			// Elements that are there keep their lists, to be used again; new room may
			// hold what was read halfway.
			p.f("r.unplanned()\nslab := cap(s) == 0 && r.parts != nil\nif slab {\ns = r.parts.%s.begin()\n}", name)
			p.f("for {\nif slab {\ns = append(s, %s{})\n} else {\ns = more(s)\n}", elem)
			keep = fmt.Sprintf("if *p = s; slab {\n*p = r.parts.%s.end(s)\n}", name)
		} else {
			count := "r.count(i, `\",\"`) + 1"
			if ok {
				count = fmt.Sprintf("r.count(i, `{\"%s\":`)", st.fields[0].key)
			}
			p.f("slab := false\nswitch {\ncase cap(s) > 0:")
			p.f("case r.gap != nil:\ns, slab = r.parts.%s.begin(), true", name)
			p.f("case r.parts != nil:\ns = r.parts.%s.take(%s)", name, count)
			keep = fmt.Sprintf("if *p = s; slab {\n*p = r.parts.%s.end(s)\n}", name)
			p.f("default:\ns = make(List[%s], 0, %s)\n}", elem, count)
			p.f("for {\ns = more(s)")
		}
		p.f("%s", c.readAt(""))
		p.f("switch r.at(i) {\ncase ',':\ni = r.comma(i)\ncase ']':\n%s\nreturn i + 1\ndefault:\nreturn -1\n}\n}\n}\n", keep)
		p.w("func (w *writer) %s(b []byte, p *List[%s]) []byte {", name, elem)
		p.w("for i := range *p {\nif i > 0 {\nb = append(b, ',')\n}\n%s\n}", put.writeAfter(""))
		p.w("return append(b, ']')\n}\n")
	})
	return at, nil
}
