package depcheck

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// layered are the rooms whose files depend downward. What two files of them
// both need stands in a third below.
var layered = []string{"arch", "formats/tokenizer", "eval/forward", "cmd/mq/internal/cli"}

func TestFilesOfARoomDependDownward(t *testing.T) {
	patterns := make([]string, len(layered))
	for i, room := range layered {
		patterns[i] = "../../" + room + "/..."
	}
	exports := map[string]string{}
	for _, line := range golist(t, append([]string{"-deps", "-export", "-f", "{{.ImportPath}}\t{{.Export}}"}, patterns...)...) {
		path, file, _ := strings.Cut(line, "\t")
		exports[path] = file
	}
	for _, line := range golist(t, append([]string{"-f", "{{.ImportPath}}\t{{.Dir}}\t{{join .GoFiles \" \"}}"}, patterns...)...) {
		part := strings.Split(line, "\t")
		var files []source
		for _, name := range strings.Fields(part[2]) {
			text, err := os.ReadFile(filepath.Join(part[1], name))
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, source{name, text})
		}
		for _, circle := range circles(references(t, part[0], files, exports)) {
			t.Errorf("%s: the files %s refer to each other in a circle: move what both sides need below them, or what knows too much above",
				strings.TrimPrefix(part[0], module), strings.Join(circle, ", "))
		}
	}
}

func TestSeesCirclesOfFiles(t *testing.T) {
	files := []source{
		{"value.go", []byte("package p\ntype Value struct{ N int }\nfunc (v Value) Double() int { return twice(v.N) }")},
		{"twice.go", []byte("package p\nfunc twice(n int) int { return 2 * n }")},
		{"table.go", []byte("package p\nvar table = []Value{one}")},
		{"family.go", []byte("package p\nvar one = Value{N: 1}\nfunc last() Value { return table[len(table)-1] }")},
	}
	got := circles(references(t, "p", files, nil))
	if want := [][]string{{"family.go", "table.go"}}; !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("circles %v, want %v", got, want)
	}
}

type source struct {
	name string
	text []byte
}

// references lists, by file of a package, the other files whose declarations,
// fields and methods it names.
func references(t *testing.T, path string, files []source, exports map[string]string) map[string][]string {
	t.Helper()
	set := token.NewFileSet()
	trees := make([]*ast.File, len(files))
	for i, f := range files {
		tree, err := parser.ParseFile(set, f.name, f.text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		trees[i] = tree
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: importer.ForCompiler(set, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })}
	pkg, err := config.Check(path, set, trees, info)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for name, object := range info.Uses {
		from := set.Position(name.Pos()).Filename
		if object.Pkg() != pkg || !ofPackage(object) {
			continue
		}
		if to := set.Position(object.Pos()).Filename; to != from && !slices.Contains(all[from], to) {
			all[from] = append(all[from], to)
		}
	}
	return all
}

// ofPackage reports whether an object is a declaration of a package, or a
// method or field of one.
func ofPackage(object types.Object) bool {
	if object.Parent() == object.Pkg().Scope() {
		return true
	}
	variable, ok := object.(*types.Var)
	_, method := object.(*types.Func)
	return method || ok && variable.IsField()
}

// circles returns the groups of files that reach each other (Tarjan 1972), in
// the order of their names.
func circles(references map[string][]string) [][]string {
	var all [][]string
	var stack []string
	order, low := map[string]int{}, map[string]int{}
	var visit func(file string)
	visit = func(file string) {
		order[file] = len(order) + 1
		low[file] = order[file]
		stack = append(stack, file)
		for _, other := range references[file] {
			if order[other] == 0 {
				visit(other)
				low[file] = min(low[file], low[other])
			} else if slices.Contains(stack, other) {
				low[file] = min(low[file], order[other])
			}
		}
		if low[file] < order[file] {
			return
		}
		at := slices.Index(stack, file)
		if group := slices.Sorted(slices.Values(stack[at:])); len(group) > 1 {
			all = append(all, group)
		}
		stack = stack[:at]
	}
	for _, file := range slices.Sorted(maps.Keys(references)) {
		if order[file] == 0 {
			visit(file)
		}
	}
	return all
}

// golist returns the lines that go list prints.
func golist(t *testing.T, args ...string) []string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list"}, args...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}
