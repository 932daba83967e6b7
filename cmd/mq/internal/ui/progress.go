package ui

import (
	"fmt"
	"sync"
	"time"

	"github.com/cheggaaa/pb/v3"

	"github.com/f190792d/mq/formats/progress"
)

// plainEvery is how often progress is printed where there is no terminal.
const plainEvery = 5 * time.Second

// Progress shows how far a long step is: a bar on a terminal, otherwise a
// plain line on stderr every few seconds. With [Progress.Events] the lines are
// events on stdout in JSON mode.
type Progress struct {
	console *Console
	label   string
	total   int64
	unit    Unit
	bar     *pb.ProgressBar
	events  bool

	mu    sync.Mutex
	done  int64
	start time.Time
	shown time.Time
}

// Unit says what a progress counts.
type Unit uint8

// The units.
const (
	Items Unit = iota
	ByteCount
)

// Progress starts a step of total units.
func (c *Console) Progress(label string, total int64, unit Unit) *Progress {
	now := time.Now()
	p := &Progress{console: c, label: label, total: total, unit: unit, start: now, shown: now}
	if _, terminal := Terminal(c.Err); terminal && !c.Quiet && !c.JSON {
		p.bar = pb.New64(total)
		p.bar.SetWriter(c.Err)
		p.bar.Set("prefix", label+" ")
		if unit == ByteCount {
			p.bar.Set(pb.Bytes, true)
		}
		p.bar.SetTemplateString(`{{string . "prefix"}}{{counters . }} {{bar . }} {{percent . }} {{speed . }} {{rtime . "%s left"}} {{string . "note"}}`)
		p.bar.Start()
	}
	return p
}

// Events makes the progress of a command that writes files a part of its
// stream of events.
func (p *Progress) Events() *Progress {
	p.events = true
	return p
}

// Total says how many units there are, where that was not known before.
func (p *Progress) Total(total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total = total
	if p.bar != nil {
		p.bar.SetTotal(total)
	}
}

// Set moves the step to done units; note says what it is at.
func (p *Progress) Set(done int64, note string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = max(p.done, done)
	if p.bar != nil {
		p.bar.Set("note", note)
		p.bar.SetCurrent(p.done)
		return
	}
	if time.Since(p.shown) < plainEvery {
		return
	}
	p.shown = time.Now()
	elapsed := time.Since(p.start).Seconds()
	if p.console.Quiet {
		return
	}
	if p.console.JSON && p.events {
		p.console.Event("progress", map[string]any{"step": p.label, "done": p.done, "total": p.total, "seconds": elapsed, "note": note})
		return
	}
	left := ""
	if p.done > 0 && p.total > p.done {
		left = fmt.Sprintf(", %s left", (time.Duration(elapsed*float64(p.total-p.done)/float64(p.done)) * time.Second).Round(time.Second))
	}
	p.console.line("%s %s of %s%s %s", p.label, p.unit.format(p.done), p.unit.format(p.total), left, note)
}

// Show moves the step to what a report says.
func (p *Progress) Show(r progress.Report) {
	if r.Total > 0 {
		p.Total(r.Total)
	}
	p.Set(r.Done, r.Note)
}

// Finish ends the step and clears the bar.
func (p *Progress) Finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar == nil {
		return
	}
	p.bar.SetCurrent(p.done)
	p.bar.SetTemplateString(`{{"\033[2K\r"}}`)
	p.bar.Finish()
	fmt.Fprint(p.console.Err, "\r\033[2K")
}

func (u Unit) format(n int64) string {
	if u == ByteCount {
		return Bytes(n)
	}
	return fmt.Sprint(n)
}
