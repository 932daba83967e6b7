package depcheck

import (
	"go/ast"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// flag matches an option of the command line in a text.
var flag = regexp.MustCompile(`(^|[^-\w])--[a-z]`)

// Programs that call a library have no command line: only cmd names options.
func TestLibrariesNameNoFlags(t *testing.T) {
	eachFile(t, func(path string, files *token.FileSet, file *ast.File) {
		if strings.HasPrefix(path, "cmd/") {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			if text, err := strconv.Unquote(literal.Value); err == nil && flag.MatchString(text) {
				t.Errorf("%s: %q: say the rule, and let the command line add the option", files.Position(n.Pos()), text)
			}
			return true
		})
	})
}
