package depcheck

import (
	"go/ast"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// wordings are what texts of a program may not say, where, and what instead.
var wordings = []struct {
	matches *regexp.Regexp
	except  string // a folder
	instead string
}{
	// Programs that call a library have no command line.
	{regexp.MustCompile(`(^|[^-\w])--[a-z]`), "cmd/", "say the rule, and let the command line add the option"},
	{regexp.MustCompile(`\b(is|are) no ([a-km-z]|l[^o])`), "", `say "is not a"`}, // but "is no longer"
}

// existence is a phrase that no rule means.
var existence = regexp.MustCompile(`(?i)\bthere (is|are) no\b|\b(is|are) no (more|less|other)\b`)

func TestTextsAreWorded(t *testing.T) {
	eachFile(t, func(path string, files *token.FileSet, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			text, _ := strconv.Unquote(literal.Value) // what the parser takes can be unquoted
			text = existence.ReplaceAllString(text, "")
			for _, w := range wordings {
				if (w.except == "" || !strings.HasPrefix(path, w.except)) && w.matches.MatchString(text) {
					t.Errorf("%s: %q: %s", files.Position(n.Pos()), text, w.instead)
				}
			}
			return true
		})
	})
}
