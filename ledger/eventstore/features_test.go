package eventstore_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	features "github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
)

// TestTheTableOfMethodsIsTrue checks that docs/eventstore.md names the methods
// that the server says it has, and no others.
func TestTheTableOfMethodsIsTrue(t *testing.T) {
	s := openTill(t)
	got, err := features.NewServerFeaturesClient(s.raw()).GetSupportedMethods(t.Context(), &shared.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	var served []string
	for _, m := range got.GetMethods() {
		service := m.GetServiceName()
		served = append(served, service[strings.LastIndex(service, ".")+1:]+"/"+m.GetMethodName())
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "eventstore.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "## What is served")
	table, _, _ = strings.Cut(table, "## What differs")
	var named []string
	for _, m := range regexp.MustCompile("`([A-Za-z]+/[A-Za-z]+)`").FindAllStringSubmatch(table, -1) {
		named = append(named, strings.ToLower(m[1]))
	}
	slices.Sort(served)
	slices.Sort(named)
	same(t, "methods in docs/eventstore.md", named, served)
	if v := got.GetEventStoreServerVersion(); v != "24.10.4" || !strings.Contains(string(page), v) {
		t.Errorf("version %s is not the one of the page", v)
	}
}
