package depcheck

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// ruled are functions that reach past their caller, and the only files that may
// call them.
var ruled = []struct {
	from, name string
	instead    string
	roots      []string
}{
	{"context", "Background", "take the caller's context", []string{"cmd/mq/internal/cli/root.go"}},
	{"context", "TODO", "take the caller's context", nil},
	{"debug", "SetMemoryLimit", "take the bytes as an option", nil},
}

func TestLibrariesDoNotReachPastTheirCaller(t *testing.T) {
	used := map[string]bool{}
	eachFile(t, func(path string, files *token.FileSet, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			from, ok := s.X.(*ast.Ident)
			if !ok {
				return true
			}
			for _, r := range ruled {
				if from.Name != r.from || s.Sel.Name != r.name {
					continue
				}
				if !slices.Contains(r.roots, path) {
					t.Errorf("%s: %s.%s: %s", files.Position(n.Pos()), r.from, r.name, r.instead)
				}
				used[r.name+path] = true
			}
			return true
		})
	})
	for _, r := range ruled {
		for _, path := range r.roots {
			if !used[r.name+path] {
				t.Errorf("%s may call %s.%s, but does not", path, r.from, r.name)
			}
		}
	}
}

// eachFile parses the source files of the product: no tests, no fixtures, no
// generators.
func eachFile(t *testing.T, visit func(path string, files *token.FileSet, file *ast.File)) {
	t.Helper()
	seen := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		name = filepath.ToSlash(name)
		switch base := d.Name(); {
		case d.IsDir() && (name == "internal" || base == "testdata" || name != "." && strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(base, ".go") || strings.HasSuffix(base, "_test.go"):
			return nil
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		seen++
		visit(name, files, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 100 {
		t.Fatalf("only %d source files were found", seen)
	}
}
