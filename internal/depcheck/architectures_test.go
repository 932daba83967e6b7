package depcheck

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestOnlyTheTableKnowsArchitectures finds code outside arch that asks for an
// architecture's or a class's name: such knowledge belongs into the value of
// the architecture. The rules of llama-quantize, which go by names, and the
// makers of test models are free.
func TestOnlyTheTableKnowsArchitectures(t *testing.T) {
	root := filepath.Join("..", "..")
	free := []string{"arch", "quantize", "internal"}
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (slices.Contains(free, path) || strings.HasPrefix(d.Name(), "_") || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != ".") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return err
		}
		for _, found := range architectureTests(t, path, source) {
			t.Error(found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSeesCodeThatAsksForArchitectures(t *testing.T) {
	const source = `package p
func f(h struct{ Arch, Class string }) bool {
	switch h.Arch {
	case "deepseek2":
		return true
	}
	if h.Arch == "" || h.Class == "LlamaForCausalLM" {
		return strings.HasPrefix(h.Class, "Qwen")
	}
	return "qwen" != h.Arch || f("llama.cpp", "SomeForCausalLM")
}`
	if found := architectureTests(t, "p.go", []byte(source)); len(found) != 6 {
		t.Errorf("found %d:\n%s", len(found), strings.Join(found, "\n"))
	}
}

var className = regexp.MustCompile(`^\w+For(CausalLM|ConditionalGeneration)$|^\w+LMHeadModel$`)

// architectureTests lists the places of a file that name a class, or compare
// an architecture's or class's name with a literal.
func architectureTests(t *testing.T, path string, source []byte) []string {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, source, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	add := func(n ast.Node, what string) {
		all = append(all, fmt.Sprintf("%s: %s", files.Position(n.Pos()), what))
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if className.MatchString(literal(n)) {
				add(n, "names a class, "+n.Value)
			}
		case *ast.BinaryExpr:
			if n.Op == token.EQL || n.Op == token.NEQ {
				for _, pair := range [][2]ast.Expr{{n.X, n.Y}, {n.Y, n.X}} {
					if named(pair[0]) && literal(pair[1]) != "" {
						add(n, "compares a name with "+literal(pair[1]))
					}
				}
			}
		case *ast.SwitchStmt:
			if n.Tag != nil && named(n.Tag) {
				add(n, "switches over a name")
			}
		case *ast.CallExpr:
			asks := []string{"HasPrefix", "HasSuffix", "Contains", "EqualFold"}
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && slices.Contains(asks, f.Sel.Name) && len(n.Args) == 2 && named(n.Args[0]) && literal(n.Args[1]) != "" {
				add(n, f.Sel.Name+" of a name and "+literal(n.Args[1]))
			}
		}
		return true
	})
	return all
}

// named reports whether an expression is a field that holds the name of an
// architecture or class.
func named(e ast.Expr) bool {
	field, ok := e.(*ast.SelectorExpr)
	return ok && (field.Sel.Name == "Arch" || field.Sel.Name == "Class")
}

// literal returns the text of a string literal that is not empty.
func literal(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	text, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return text
}
