package card

import (
	"fmt"
	"slices"
	"strings"
)

// Markdown returns the page.
func (c *Card) Markdown() (string, error) {
	var b strings.Builder
	matter, err := c.front.matter()
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&b, "%s\n# %s, GGUF\n\n", matter, inline(c.Title))
	from := "GGUF files"
	if len(c.front.BaseModel) == 1 {
		from += fmt.Sprintf(" of [%s](%s%s)", inline(c.front.BaseModel[0]), page, c.front.BaseModel[0])
	}
	fmt.Fprintf(&b, "%s, made with [mq](https://github.com/f190792d/mq).\n\n## Files\n\n", from)
	c.table(&b)
	b.WriteString("\n## Running them\n\n")
	c.commands(&b)
	return b.String(), nil
}

// table lists the files; what no file has has no column.
func (c *Card) table(b *strings.Builder) {
	figures := slices.ContainsFunc(c.Files, func(f File) bool { return f.Measured != nil })
	b.WriteString("| file | type | size | bits per weight |")
	rule := "\n|---|---|--:|--:|"
	if figures {
		b.WriteString(" KL divergence | same top token |")
		rule += "--:|--:|"
	}
	b.WriteString(rule + "\n")
	var tokens []int
	for _, f := range c.Files {
		name := inline(f.Name)
		if len(f.Paths) > 1 {
			name = fmt.Sprintf("%s (%d files)", name, len(f.Paths))
		}
		fmt.Fprintf(b, "| %s | %s | %s | %.2f |", name, inline(f.label()), size(f.Bytes), f.Bits)
		switch m := f.Measured; {
		case m != nil:
			fmt.Fprintf(b, " %.5f | %.2f %% |", m.KLD, 100*m.Top1)
			tokens = append(tokens, m.Tokens)
		case figures:
			b.WriteString(" – | – |")
		}
		b.WriteString("\n")
	}
	if figures {
		least, most := slices.Min(tokens), slices.Max(tokens)
		over := fmt.Sprint(least)
		if least != most {
			over = fmt.Sprintf("%d to %d", least, most)
		}
		fmt.Fprintf(b, "\nKL divergence is the mean in nats between the predictions of the source and those of the file, same top token the\nshare of positions where both predict the same, over %s tokens.\n", over)
	}
	var matrix []string
	for _, f := range c.Files {
		if f.Matrix {
			matrix = append(matrix, inline(f.Name))
		}
	}
	if len(matrix) > 0 {
		fmt.Fprintf(b, "\nWith an importance matrix: %s.\n", strings.Join(matrix, ", "))
	}
}

// label is the type of a file, or what else it is.
func (f File) label() string {
	switch f.Kind {
	case kindProjector:
		return strings.TrimSpace("projector " + f.Type)
	case kindAdapter:
		return strings.TrimSpace("adapter " + f.Type)
	}
	return f.Type
}

// commands say how the first file of a usual size is run.
func (c *Card) commands(b *strings.Builder) {
	f, projector := c.shown(), ""
	for _, other := range c.Files {
		if other.Kind == kindProjector {
			projector = other.Name
		}
	}
	write := func(who, line string) { fmt.Fprintf(b, "%s:\n```sh\n%s\n```\n", who, line) }
	if c.Repo != "" {
		name := "hf.co/" + c.Repo
		tagged := c.Repo
		if f.Type != "" {
			name, tagged = name+":"+f.Type, tagged+":"+f.Type
		}
		write("llama.cpp", "llama-cli -hf "+tagged+"\nllama-server -hf "+tagged)
		write("Ollama", "ollama run "+name)
		write("Docker Model Runner", "docker model run "+name)
		write("LM Studio", "lms get "+page+c.Repo)
		return
	}
	run := "llama-cli -m " + quoted(f.Name)
	with := ""
	if projector != "" {
		run = "llama-mtmd-cli -m " + quoted(f.Name) + " -mm " + quoted(projector)
		with = " " + quoted(projector)
	}
	write("llama.cpp", run)
	if len(f.Paths) == 1 {
		model := strings.ToLower(strings.TrimSuffix(f.Name, ".gguf"))
		write("Ollama", "mq ollama create "+quoted(model)+" "+quoted(f.Name)+with+"\nollama run "+quoted(model))
	}
}

// shown is the file of the examples: Q4_K_M, which clients take where no type
// is named, else the smallest of 4 bits and more, else the first.
func (c *Card) shown() File {
	for _, fits := range []func(File) bool{
		func(f File) bool { return f.Type == "Q4_K_M" },
		func(f File) bool { return f.Bits >= 4 },
		func(File) bool { return true },
	} {
		if i := slices.IndexFunc(c.Files, func(f File) bool { return f.Kind == kindModel && fits(f) }); i >= 0 {
			return c.Files[i]
		}
	}
	return c.Files[0]
}

// quoted keeps a name one word of a shell.
func quoted(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+/:=") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(strings.ReplaceAll(s, "\n", " "), "'", `'\''`) + "'"
}

// inline keeps a text of a file from being taken for markup.
func inline(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "\n", " ", "\r", " ", "`", "'", "[", `\[`, "]", `\]`).Replace(s)
}

// size writes bytes as the Hub does, in powers of 1000.
func size(n int64) string {
	value, unit := float64(n), "B"
	for _, u := range []string{"kB", "MB", "GB", "TB"} {
		if value < 1000 {
			break
		}
		value, unit = value/1000, u
	}
	if unit == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.2f %s", value, unit)
}
