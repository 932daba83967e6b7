// Package progress is how long work reports how far it is.
package progress

// Report is how far a step of some work has come.
type Report struct {
	Step        string // what is done; empty where a call does but one thing
	Note        string // what it is at: a tensor, a file
	Done, Total int64  // Total is 0 where it is not known
	Bytes       bool   // Done and Total count bytes
	Unit        string // what else they count, in the plural
}

// Func takes reports. Its calls do not overlap, and should return soon. Nil is
// a Func that takes none.
type Func func(Report)

// Report calls f unless it is nil.
func (f Func) Report(r Report) {
	if f != nil {
		f(r)
	}
}

// Named returns a Func that reports as a step of that name.
func (f Func) Named(step string) Func {
	return func(r Report) {
		r.Step = step
		f.Report(r)
	}
}

// Result takes the reports of a measurement with what is measured so far. Nil
// is a Result that takes none.
type Result[T any] func(r Report, soFar T)
