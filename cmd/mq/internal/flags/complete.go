package flags

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/f190792d/mq/arch"
	"github.com/f190792d/mq/cmd/mq/internal/ui"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/tokenizer/pattern"
	"github.com/f190792d/mq/quantize"
)

// completions say how the value of a flag is completed, by its name.
var completions = map[string]cobra.CompletionFunc{
	"as":                   words(arch.Classes),
	"type":                 list(recipeNames),
	"output-tensor-type":   words(typeNames),
	"token-embedding-type": words(typeNames),
	"target-types":         list(typeNames),
	"tensor-type":          overrides,
	"sensitivity-by":       words(fixed("model", "weights")),
	"output-format":        words(fixed("gguf", "dat")),
	"dtype":                words(fixed("f32", "f16", "bf16")),
	"kind":                 list(fixed("xxh64", "sha1", "sha256", "uuid")),
	"pre":                  words(pattern.Names),
	"arch":                 files("yaml", "yml"),
	"color":                words(fixed(ui.Colors...)),
	"part":                 words(fixed("auto", "1/")),
	"output":               files("gguf"),
	"imatrix":              files("gguf", "dat"),
	"imatrix-out":          files("gguf"),
	"in-file":              files("gguf", "dat"),
	"like":                 files("gguf"),
	"base":                 files("gguf"),
	"against":              files("gguf"),
	"report":               files("html", "json"),
	"markdown":             files("md"),
	"junit":                files("xml"),
	"state":                files("state"),
	"sensitivity":          files("json"),
	"lora":                 folders,
	"oci":                  folders,
	"file":                 files(),
	"imatrix-from":         files(),
	"refine":               files(),
	"logits":               files(),
	"save-all-logits":      files(),
	"save-types":           files(),
	"tensor-type-file":     files(),
	"check":                files(),
	"template":             files(),
	"messages":             files("json"),
	"tools":                files("json"),
	"name":                 words(fixed("default", "tool_use", "rag")),
	"license":              files(),
}

// arguments say how the arguments of a command are completed.
var arguments = map[string]cobra.CompletionFunc{
	"export":  files("gguf"),
	"convert": folders, "batch": files("yaml", "yml"),
	"create": files("gguf"), "modelfile": files("gguf"), "push": files("gguf", "md"), "card": files("gguf"), "pack": files("gguf"),
	"quantize": files("gguf"), "validate": files("gguf"), "split": files("gguf"), "merge": files("gguf"), "hash": files("gguf"), "diff": files("gguf"),
	"plan": files("gguf"), "inspect": files("gguf"), "tokenize": files("gguf"), "chat-template": files("gguf", "jinja"), "eval": files("gguf"), "imatrix": files("gguf"),
}

// Complete makes a command complete the values of its flags and its arguments.
func Complete(cmd *cobra.Command) {
	if complete, ok := arguments[cmd.Name()]; ok {
		cmd.ValidArgsFunction = complete
	}
	register := func(f *pflag.Flag) {
		complete, ok := completions[f.Name]
		if !ok {
			complete = cobra.NoFileCompletions // a number, or words of one's own
		}
		if f.NoOptDefVal != "" { // it takes no value
			return
		}
		if err := cmd.RegisterFlagCompletionFunc(f.Name, complete); err != nil {
			panic(err) // every flag is visited once
		}
	}
	cmd.LocalNonPersistentFlags().VisitAll(register)
	cmd.PersistentFlags().VisitAll(register)
}

func recipeNames() []string {
	names := []string{auto}
	for _, r := range quantize.Recipes() {
		names = append(names, strings.ToLower(r.Name))
	}
	return names
}

func typeNames() []string {
	var names []string
	for _, t := range gguf.Types() {
		if _, ok := quantize.ByID(t); ok {
			names = append(names, strings.ToLower(t.String()))
		}
	}
	return names
}

func fixed(names ...string) func() []string { return func() []string { return names } }

// words completes one of some words.
func words(names func() []string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return names(), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

// list completes the last of several words that are divided by commas.
func list(names func() []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		before := begun[:strings.LastIndex(begun, ",")+1]
		given := strings.Split(strings.ToLower(before), ",")
		var all []string
		for _, name := range names() {
			if !slices.Contains(given, name) {
				all = append(all, before+name)
			}
		}
		return all, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveKeepOrder
	}
}

// overrides completes the type after REGEX=.
func overrides(_ *cobra.Command, _ []string, begun string) (all []string, _ cobra.ShellCompDirective) {
	expression, _, ok := strings.Cut(begun, "=")
	if ok {
		for _, name := range typeNames() {
			all = append(all, expression+"="+name)
		}
	}
	return all, cobra.ShellCompDirectiveNoFileComp
}

// files completes files with one of some extensions, or any; folders, too.
func files(extensions ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		if len(extensions) == 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return extensions, cobra.ShellCompDirectiveFilterFileExt
	}
}

// folders completes folders.
func folders(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}
