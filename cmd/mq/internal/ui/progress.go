package ui

import (
	"fmt"
	"sync"
	"time"

	"github.com/f190792d/mq/formats/progress"
)

const (
	plainEvery = 5 * time.Second        // how often progress is printed where there is no terminal
	drawEvery  = 100 * time.Millisecond // and drawn where there is one
)

// Progress shows how far a long step is: a bar on a terminal, otherwise a
// plain line on stderr every few seconds. With [Progress.Events] the lines are
// events on stdout in JSON mode.
type Progress struct {
	console *Console
	label   string
	events  bool
	bar     bool // there is a terminal

	mu    sync.Mutex
	came  int64 // over a network before the step began
	at    progress.Report
	first int64 // what was done when the step began, which says nothing of its speed
	begun bool
	start time.Time
	shown time.Time
}

// Progress starts a step.
func (c *Console) Progress(label string) *Progress {
	now := time.Now()
	_, terminal := Terminal(c.Err)
	p := &Progress{console: c, label: label, came: c.Fetched.Load(), start: now, shown: now, bar: terminal && !c.Quiet && !c.JSON}
	if p.bar {
		p.shown = now.Add(-drawEvery)
	}
	return p
}

// Events makes the progress of a command that writes files a part of its
// stream of events.
func (p *Progress) Events() *Progress {
	p.events = true
	return p
}

// Show moves the step to what a report says.
func (p *Progress) Show(r progress.Report) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.begun {
		p.begun, p.first = true, r.Done
		if r.Done >= r.Total || r.Done < r.Total/20 {
			p.first = 0 // the first report of a step that does it all
		}
	}
	r.Done, r.Total = max(r.Done, p.at.Done), max(r.Total, p.at.Total)
	p.at = r
	now := time.Now()
	switch {
	case p.console.Quiet:
	case p.bar:
		if now.Sub(p.shown) >= drawEvery {
			p.shown = now
			width, _ := Terminal(p.console.Err)
			p.console.raw("\r\033[K" + p.line(width-1, now.Sub(p.start)))
		}
	case now.Sub(p.shown) < plainEvery:
	case p.console.JSON && p.events:
		p.shown = now
		event := map[string]any{"step": p.label, "done": r.Done, "total": r.Total, "seconds": now.Sub(p.start).Seconds(), "note": r.Note}
		if n := p.fetched(); n > 0 {
			event["fetched"] = n
		}
		p.console.Event("progress", event)
	case !p.console.JSON:
		p.shown = now
		p.console.line("%s", p.line(0, now.Sub(p.start)))
	}
}

// Finish ends the step and clears the bar.
func (p *Progress) Finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar && p.begun {
		p.console.raw("\r\033[K")
	}
}

// rate says how fast a step is: "512 MiB/s", "3.2 chunks/s", "40.0 tasks/min".
func (p *Progress) rate(elapsed time.Duration) string {
	done, seconds := float64(p.at.Done-p.first), elapsed.Seconds()
	switch {
	case done <= 0 || seconds < 0.2:
		return ""
	case p.at.Bytes:
		return brief(int64(done/seconds)) + "/s"
	case p.at.Unit == "":
		return ""
	case done >= seconds:
		return fmt.Sprintf("%.1f %s/s", done/seconds, p.at.Unit)
	}
	return fmt.Sprintf("%.1f %s/min", 60*done/seconds, p.at.Unit)
}

// fetched is how much came over a network since the step began.
func (p *Progress) fetched() int64 { return p.console.Fetched.Load() - p.came }

// network says what comes over a network, and how fast: "1.2 GiB fetched, 98
// MiB/s". A step that counts those bytes itself says it already.
func (p *Progress) network(elapsed time.Duration) string {
	n, seconds := p.fetched(), elapsed.Seconds()
	if n <= 0 || seconds < 0.2 || p.label == Fetching {
		return ""
	}
	return fmt.Sprintf("%s fetched, %s/s", brief(n), brief(int64(float64(n)/seconds)))
}

// Fetching is the step of a download.
const Fetching = "fetching"

// left says how long a step will take from now on.
func (p *Progress) left(elapsed time.Duration) string {
	done, missing := float64(p.at.Done-p.first), float64(p.at.Total-p.at.Done)
	if done <= 0 || missing <= 0 || elapsed < 200*time.Millisecond {
		return ""
	}
	seconds := int(elapsed.Seconds()*missing/done + 0.5)
	if seconds >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d left", seconds/3600, seconds/60%60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d left", seconds/60, seconds%60)
}
