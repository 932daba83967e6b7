package hub

import (
	"cmp"
	"slices"
	"sort"
	"sync"

	"github.com/f190792d/mq/formats/ahead"
)

// order is what will be read, as one line of bytes, and how far its readers
// are. They keep near each other, and go through it nearly as it was said.
type order struct {
	mu    sync.Mutex
	list  []leg
	at    int   // the leg that is being read
	pos   int64 // on the line: what is behind it was read
	begun int64 // what is behind it was asked for
	end   int64
}

// leg is a stretch of the order.
type leg struct {
	blockKey
	start int64 // on the line
}

// whole is the size from which a stretch has blocks of its own. What is
// smaller shares them with its neighbours.
const whole = blockSize / 2

// ReadAhead says what will be read, in which order: the start of a stretch is
// fetched while those before it are read. It replaces what was said before.
func (r *Repo) ReadAhead(next []ahead.Stretch) {
	var list []leg
	at := int64(0)
	for _, s := range next {
		if e := r.files[s.File]; e != nil && s.Size > 0 && s.Offset >= 0 && s.Offset <= e.size-s.Size {
			list = append(list, leg{blockKey{e, s.Offset, s.Offset + s.Size}, at})
			at += s.Size
		}
	}
	cut(list)
	o := &r.order
	o.mu.Lock()
	defer o.mu.Unlock()
	o.list, o.at, o.pos, o.begun, o.end = list, 0, 0, 0, at
	o.keep(r)
}

// keep has what comes next on its way: half of what there is room for at a
// time, so that a request is worth its round trip.
func (o *order) keep(r *Repo) {
	room := r.memory.budget / 4
	if goal := min(o.pos+room, o.end); o.begun < goal && o.begun-o.pos <= room/2 {
		o.begun = r.begin(o.list, o.begun, goal)
	}
}

// cut makes blocks begin and end where stretches do, so that none is fetched
// with one stretch and again with its neighbour. Small neighbours stay
// together.
func cut(list []leg) {
	sorted := slices.Clone(list)
	sort.Slice(sorted, func(i, j int) bool {
		a, b := sorted[i], sorted[j]
		return a.file.path < b.file.path || a.file == b.file && a.from < b.from
	})
	for i := 0; i < len(sorted); {
		first, n := sorted[i], 1
		end := first.end
		for ; i+n < len(sorted); n++ {
			next := sorted[i+n]
			if next.file != first.file || next.from > end+whole/8 || first.size() >= whole || next.size() >= whole {
				break
			}
			end = max(end, next.end)
		}
		first.file.cut(first.from, end)
		i += n
	}
	for i, l := range sorted {
		if i == 0 || l.file != sorted[i-1].file {
			l.file.sortCuts()
		}
	}
}

// cut makes a block begin at each of some offsets.
func (e *entry) cut(at ...int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cuts = append(e.cuts, at...)
}

func (e *entry) sortCuts() {
	e.mu.Lock()
	defer e.mu.Unlock()
	slices.Sort(e.cuts)
	e.cuts = slices.Compact(e.cuts)
}

// hold notes a block that stays, sorted.
func (e *entry) hold(k blockKey) {
	e.mu.Lock()
	defer e.mu.Unlock()
	i, there := slices.BinarySearchFunc(e.held, k.from, func(h blockKey, at int64) int { return cmp.Compare(h.from, at) })
	if !there {
		e.held = slices.Insert(e.held, i, k)
	}
}

// blocks lists the blocks that [off, end) lies in: those that stay, and new
// ones between them.
func (e *entry) blocks(off, end int64) (list []blockKey) {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := sort.Search(len(e.held), func(i int) bool { return e.held[i].end > off })
	for ; off < end; i++ {
		most := e.size
		if i < len(e.held) {
			most = e.held[i].from
		}
		if off < most {
			list = append(list, e.grid(off, min(end, most), most)...)
		}
		if most >= end {
			break
		}
		list, off = append(list, e.held[i]), e.held[i].end
	}
	return list
}

// grid lists new blocks that [off, end) lies in. None goes beyond most.
func (e *entry) grid(off, end, most int64) (list []blockKey) {
	i, _ := slices.BinarySearch(e.cuts, off+1) // the first cut after off
	for from := off; from < end; {
		base, until := int64(0), most
		if i > 0 {
			base = e.cuts[i-1]
		}
		if i < len(e.cuts) {
			until = min(until, e.cuts[i])
		}
		for from < min(end, until) {
			at := base + (from-base)/blockSize*blockSize
			list = append(list, blockKey{e, at, min(at+blockSize, until)})
			from = min(at+blockSize, until)
		}
		i++
	}
	return list
}

// pieces lists small blocks that [off, end) lies in, for samples.
func (e *entry) pieces(off, end int64) (list []blockKey) {
	for at := off / pieceSize * pieceSize; at < end; at += pieceSize {
		list = append(list, blockKey{e, at, min(at+pieceSize, e.size)})
	}
	return list
}

// follow notes that [from, end) of a file is read and keeps what comes after it
// in the order coming. It reports false where the order does not have the
// bytes.
func (r *Repo) follow(e *entry, from, end int64) bool {
	o := &r.order
	o.mu.Lock()
	defer o.mu.Unlock()
	i := o.find(e, from, r.memory.budget/4)
	if i < 0 {
		return false
	}
	l := o.list[i]
	if pos := l.start + min(end, l.end) - l.from; pos > o.pos {
		o.at, o.pos, o.begun = i, pos, max(o.begun, pos)
	}
	o.keep(r)
	return true
}

// find returns the leg in which an offset lies, the next one rather than one
// that was read just before; -1 where there is none.
func (o *order) find(e *entry, off, near int64) int {
	has := func(i int) bool { l := o.list[i]; return l.file == e && l.from <= off && off < l.end }
	for i := o.at; i < min(o.at+mostLegs, len(o.list)); i++ {
		if has(i) {
			return i
		}
	}
	for i := o.at - 1; i >= 0 && o.pos-o.list[i].start-o.list[i].size() < near; i-- {
		if has(i) {
			return i
		}
	}
	return -1
}

// mostLegs is how many legs a reader may leave out.
const mostLegs = 512

// begin asks for what lies on the line from one place to another and returns
// how far there was room.
func (r *Repo) begin(list []leg, from, to int64) int64 {
	i := sort.Search(len(list), func(i int) bool { return list[i].start > from }) - 1
	var want []blockKey
	var ends []int64 // on the line
	for ; i < len(list) && list[i].start < to; i++ {
		l := list[i]
		for _, k := range l.file.blocks(l.from+max(from-l.start, 0), l.from+min(to-l.start, l.size())) {
			if n := len(want); n == 0 || want[n-1] != k {
				want, ends = append(want, k), append(ends, 0)
			}
			ends[len(ends)-1] = l.start + min(k.end-l.from, l.size())
		}
	}
	if n := r.start(want); n > 0 {
		return max(from, ends[n-1])
	}
	return from
}
