package ui

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
)

// line is what a step shows within so many columns: its name, the share that
// is done, and as much of the rest as has room. With 0 columns it has
// everything but the bar.
func (p *Progress) line(columns int, elapsed time.Duration) string {
	free := columns
	if columns <= 0 {
		free = math.MaxInt
	}
	text := p.label
	if p.label == "" {
		text = p.at.Note
	}
	counters, share := counters(p.at), ""
	if p.at.Total > 0 {
		share = fmt.Sprintf("%3d %%", 100*p.at.Done/p.at.Total)
	}
	free -= width(text) + width(share) + 1
	fits := func(part string) string {
		if part == "" || width(part)+2 > free {
			return ""
		}
		free -= width(part) + 2
		return part
	}
	bar := ""
	if columns > 0 && p.at.Total > 0 {
		bar = fits(strings.Repeat("-", leastBar))
	}
	counters = fits(counters)
	left, rate, network := fits(p.left(elapsed)), fits(p.rate(elapsed)), fits(p.network(elapsed))
	if bar != "" {
		longer := max(0, min(mostBar-leastBar, free))
		free -= longer
		bar = drawn(p.at.Done, p.at.Total, leastBar+longer)
	}
	note := ""
	if p.label != "" && free > 8 {
		note = cut(fault.Printable(p.at.Note), free-2)
	}
	for _, part := range []string{bar, share, counters, rate, left, network, note} {
		switch {
		case part == "":
		case part == share && bar != "":
			text += " " + part
		default:
			text += "  " + part
		}
	}
	return cut(text, columns)
}

// The width of a bar.
const leastBar, mostBar = 5, 20

// drawn draws a bar.
func drawn(done, total int64, columns int) string {
	full := int(min(1, float64(done)/float64(total)) * float64(columns))
	return strings.Repeat("█", full) + strings.Repeat("░", columns-full)
}

// counters says how much of what is done: "1.20 of 3.40 GiB", "3 of 40 chunks".
func counters(r progress.Report) string {
	done, unit := fmt.Sprint(r.Done), r.Unit
	if r.Bytes {
		done, unit, _ = strings.Cut(brief(r.Done), " ")
	}
	if r.Total > 0 {
		total, unitOfTotal := fmt.Sprint(r.Total), r.Unit
		if r.Bytes {
			total, unitOfTotal, _ = strings.Cut(brief(r.Total), " ")
		}
		if unit != unitOfTotal {
			done += " " + unit
		}
		done, unit = done+" of "+total, unitOfTotal
	}
	return strings.TrimSpace(done + " " + unit)
}

// brief writes a size with three digits.
func brief(n int64) string {
	number, unit, _ := strings.Cut(Bytes(n), " ")
	if strings.Contains(number, ".") {
		number = strings.TrimSuffix(number[:min(4, len(number))], ".")
	}
	return number + " " + unit
}

// width returns how many columns a text takes that has no wide characters.
func width(text string) int { return utf8.RuneCountInString(text) }

// cut shortens a text to so many columns, if they are above 0.
func cut(text string, columns int) string {
	if columns <= 0 || width(text) <= columns {
		return text
	}
	return string([]rune(text)[:columns-1]) + "…"
}

// wrapped breaks a text at spaces so that its lines fit a terminal; those
// behind the first are indented. A word that does not fit stays whole.
func wrapped(text string, columns int) string {
	if columns <= 0 || width(text) <= columns {
		return text
	}
	indent := strings.Repeat(" ", len(text)-len(strings.TrimLeft(text, " "))+2)
	var b strings.Builder
	at := 0
	for i, word := range strings.Split(text, " ") {
		switch {
		case i == 0:
		case at+1+width(word) > columns && at > len(indent):
			b.WriteString("\n" + indent)
			at = len(indent)
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += width(word)
	}
	return b.String()
}
