// Package docs holds the pages of the manual, for programs that show them.
package docs

import "embed"

// Pages are the pages in Markdown.
//
//go:embed *.md
var Pages embed.FS
