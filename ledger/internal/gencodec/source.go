package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// errNotKnown means that the source holds something that this generator has no
// codec for. Teach it, or keep it out of the payload.
var errNotKnown = errors.New("no canonical form is known")

// A field is a member of a struct, in the order of its declaration.
type field struct {
	name string // Go
	key  string // JSON
	typ  string // as written: "ID", "money.Money", "List[EvidenceRef]"
	omit bool   // left out of the stored form while it is zero (json option omitzero)
}

// A structure is a struct type of the package.
type structure struct {
	name   string
	fields []field
	kind   string // name of the Kind constant, if it is a payload
}

// A source is what the payload files declare.
type source struct {
	files   map[string][]structure // by base name of the file, in order
	structs map[string]structure
	under   map[string]string   // basic type under each named one
	values  map[string][]string // constants of each named string type, in order
}

// load reads the package in dir.
func load(dir string) (*source, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	s := &source{
		files: map[string][]structure{}, structs: map[string]structure{},
		under: map[string]string{}, values: map[string][]string{},
	}
	for _, path := range paths {
		base := filepath.Base(path)
		if strings.HasSuffix(base, "_test.go") || strings.HasPrefix(base, outputPrefix) {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range f.Decls {
			if err := s.declare(base, d); err != nil {
				return nil, fmt.Errorf("%s: %w", base, err)
			}
		}
	}
	return s, nil
}

// declare takes in the types and constants of d.
func (s *source) declare(file string, d ast.Decl) error {
	g, ok := d.(*ast.GenDecl)
	if !ok {
		return nil
	}
	for _, spec := range g.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if err := s.declareType(file, spec); err != nil {
				return err
			}
		case *ast.ValueSpec:
			if t, ok := spec.Type.(*ast.Ident); ok && g.Tok == token.CONST {
				for _, n := range spec.Names {
					s.values[t.Name] = append(s.values[t.Name], n.Name)
				}
			}
		}
	}
	return nil
}

func (s *source) declareType(file string, spec *ast.TypeSpec) error {
	switch t := spec.Type.(type) {
	case *ast.Ident:
		s.under[spec.Name.Name] = t.Name
	case *ast.StructType:
		if !strings.HasPrefix(file, inputPrefix) {
			return nil
		}
		st := structure{name: spec.Name.Name}
		for _, f := range t.Fields.List {
			fs, err := fieldsOf(f)
			if err != nil {
				return fmt.Errorf("%s: %w", st.name, err)
			}
			st.fields = append(st.fields, fs...)
		}
		s.files[file] = append(s.files[file], st)
		s.structs[st.name] = st
	}
	return nil
}

// fieldsOf returns the members that f declares.
func fieldsOf(f *ast.Field) ([]field, error) {
	typ, err := typeName(f.Type)
	if err != nil {
		return nil, err
	}
	if f.Tag == nil || len(f.Names) != 1 {
		return nil, fmt.Errorf("%w: a field without a tag, or several in one line (%s)", errNotKnown, typ)
	}
	tag, err := strconv.Unquote(f.Tag.Value)
	if err != nil {
		return nil, err
	}
	key, omit := strings.CutSuffix(reflect.StructTag(tag).Get("json"), ",omitzero")
	if key == "" || strings.Trim(key, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return nil, fmt.Errorf("%w: json:%q of %s: want a plain name, and no option but omitzero", errNotKnown, key, f.Names[0].Name)
	}
	return []field{{f.Names[0].Name, key, typ, omit}}, nil
}

// typeName returns a type as it is written.
func typeName(e ast.Expr) (string, error) {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name, nil
	case *ast.SelectorExpr:
		if p, ok := e.X.(*ast.Ident); ok {
			return p.Name + "." + e.Sel.Name, nil
		}
	case *ast.IndexExpr:
		list, err := typeName(e.X)
		if err != nil {
			return "", err
		}
		elem, err := typeName(e.Index)
		if list == "List" && err == nil {
			return "List[" + elem + "]", nil
		}
	}
	return "", fmt.Errorf("%w: type %T", errNotKnown, e)
}

// kindsOf finds which structs are payloads: those whose Kind method returns a
// constant of kinds.go.
func (s *source) kindsOf(dir string) error {
	for file := range s.files {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, file), nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range f.Decls {
			m, ok := d.(*ast.FuncDecl)
			if !ok || m.Recv == nil || m.Name.Name != "Kind" {
				continue
			}
			name, err := typeName(m.Recv.List[0].Type)
			if err != nil {
				return err
			}
			ret, ok := m.Body.List[0].(*ast.ReturnStmt)
			if !ok || len(ret.Results) != 1 {
				return fmt.Errorf("%w: %s.Kind does more than return a constant", errNotKnown, name)
			}
			kind, err := typeName(ret.Results[0])
			if err != nil {
				return err
			}
			i := slices.IndexFunc(s.files[file], func(st structure) bool { return st.name == name })
			if i < 0 {
				return fmt.Errorf("%w: %s is declared in another file than its Kind", errNotKnown, name)
			}
			s.files[file][i].kind = kind
		}
	}
	return nil
}
