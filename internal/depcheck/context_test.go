package depcheck

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

// contextRoots are the only places of the product where a context begins.
var contextRoots = map[string]string{
	"cmd/mq/internal/cli/root.go": "the process: cancelled by signals",
}

func TestContextsComeFromTheCaller(t *testing.T) {
	used := map[string]bool{}
	eachFile(t, func(path string, files *token.FileSet, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			from, ok := s.X.(*ast.Ident)
			if !ok || from.Name != "context" || s.Sel.Name != "Background" && s.Sel.Name != "TODO" {
				return true
			}
			if contextRoots[path] == "" {
				t.Errorf("%s: context.%s: take the caller's context", files.Position(n.Pos()), s.Sel.Name)
			}
			used[path] = true
			return true
		})
	})
	for path := range contextRoots {
		if !used[path] {
			t.Errorf("%s is listed as a root of contexts, but begins none", path)
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
