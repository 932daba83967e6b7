package validate

import (
	"fmt"
	"math"

	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/quantize"
	"github.com/f190792d/mq/validate/proof"
)

// errorLimits are what a tensor may show before it counts as wrong.
type errorLimits struct {
	distance  float64 // of a tensor's error to its values
	excess    float64 // of a tensor's error to what its type gives
	note      float64 // the same, to be told
	cosine    float64 // least of a tensor's cosine to what its type gives
	group     float64 // of a group's error to what its type gives …
	share     float64 // … where it is also this part of the row's values
	wildGroup float64 // of a group's error to what its type gives, in any case
}

var (
	// An importance matrix raises the unweighted error, of whole tensors by a
	// third at most, of single groups of columns by more; what was put in a wrong
	// place, scaled or turned shows errors as large as the values.
	roundedLimits = errorLimits{distance: math.Inf(1), excess: 1.75, note: 1.4, cosine: 0.6, group: 10, share: 0.4, wildGroup: 20}
	// Refinement moves weights on purpose, most where their inputs hardly vary:
	// rows by quantize.MaxRefined of their size, groups of columns by more.
	refinedLimits = errorLimits{distance: proof.RefinedDistance, excess: math.Inf(1), note: math.Inf(1), group: 20, share: 1.2, wildGroup: math.Inf(1)}
)

const (
	reproduced  = 0.9  // share of equal rows from which on the others are suspect
	fewRows     = 2    // rows that differ are damaged where there are no more of them, or …
	fewShare    = 0.01 // … where they are a smaller share
	manyForRule = 16   // rows that a tensor needs to be judged by itself
)

// rowCount counts the rows of one type that were quantized again.
type rowCount struct {
	all, equal     int64
	tried, suspect int64 // in tensors that were reproduced: all of their rows, and those that differ
}

// judgeAll turns tallies into findings.
func (v *validation) judgeAll(jobs []*job) {
	counts := map[string]*rowCount{}
	for _, j := range jobs {
		c := counts[j.typ.Name]
		if c == nil {
			c = &rowCount{}
			counts[j.typ.Name] = c
		}
		c.all += j.tally.tried
		c.equal += j.tally.equal
	}
	suspects := map[*job]bool{}
	for _, j := range jobs {
		c, t := counts[j.typ.Name], &j.tally
		if t.tried == 0 {
			continue
		}
		share := float64(t.equal) / float64(t.tried)
		if t.tried < manyForRule {
			share = float64(c.equal) / float64(c.all)
		}
		if share >= reproduced {
			suspects[j] = true
			c.tried += t.tried
			c.suspect += t.unequal()
		}
	}
	v.judgeCopies(jobs)
	for i, j := range jobs {
		v.judgeValues(j, v.Tensors[i].Kind)
		if j.source != nil && j.tally.compared > 0 {
			c := counts[j.typ.Name]
			few := c.suspect <= fewRows || float64(c.suspect) < fewShare*float64(c.tried)
			v.judgeError(j, v.Tensors[i].Error, suspects[j] && few)
		}
	}
}

// judgeCopies finds matrices that have the same bytes in two layers.
func (v *validation) judgeCopies(jobs []*job) {
	type content struct {
		kind string
		sum  uint64
	}
	first := map[content]string{}
	for i, j := range jobs {
		t := &j.tally
		if v.Tensors[i].Layer < 0 || len(gguf.TrimShape(j.file.Shape)) < 2 || t.zero+t.constant == t.rows {
			continue
		}
		key := content{v.Tensors[i].Kind, t.sum}
		if original, seen := first[key]; seen {
			v.add(Finding{Check: Numbers, Severity: Warning, Tensor: j.file.Name, Message: "it is a copy of " + original})
		} else {
			first[key] = j.file.Name
		}
	}
}

// judgeValues says what is wrong with a tensor by itself.
func (v *validation) judgeValues(j *job, kind string) {
	t := &j.tally
	say := func(s Severity, format string, args ...any) {
		v.add(Finding{Check: Numbers, Severity: s, Tensor: j.file.Name, Message: fmt.Sprintf(format, args...)})
	}
	if t.nan+t.inf > 0 {
		say(Fail, "%d values are NaN and %d are infinite", t.nan, t.inf)
	}
	if t.overflow > 0 {
		say(Warning, "%d scales stand at the largest value that they can have", t.overflow)
	}
	if t.sourceBad > 0 {
		say(Warning, "%d rows of the source have values that are NaN or infinite", t.sourceBad)
	}
	// Tokens that were never seen have rows of zeros; nothing else should.
	if t.zero == t.rows && t.rows > 0 && len(j.file.Shape) > 1 {
		say(Warning, "all of its %d values are 0", t.values)
	} else if t.zero > 0 && len(j.file.Shape) > 1 && kind != "token_embd.weight" && kind != "output.weight" {
		say(Note, "%d of %d rows are 0", t.zero, t.rows)
	}
	if t.constant > 0 && len(gguf.TrimShape(j.file.Shape)) > 1 {
		severity := Warning
		if j.file.Type.Quantized() || kind == "token_embd.weight" || kind == "output.weight" {
			severity = Note // rounding, or tokens that were never seen
		}
		say(severity, "%d of %d rows have one value throughout", t.constant, t.rows)
	}
}

// judgeError says what is wrong with a tensor in view of its source. Suspect
// says that its type is deterministic and the rest of the rows prove it.
func (v *validation) judgeError(j *job, d *Deviation, suspect bool) {
	t := &j.tally
	say := func(s Severity, format string, args ...any) {
		v.add(Finding{Check: Numbers, Severity: s, Tensor: j.file.Name, Message: fmt.Sprintf(format, args...)})
	}
	if j.stride == 0 {
		if d.Relative > 1e-6 {
			say(Fail, "it is not what the hyperparameters of the source give: relative error %.3g", d.Relative)
		}
		return
	}
	expected := cosine(t.rxz, t.tx2, t.rz2)
	sampled := cosine(t.txy, t.tx2, t.ty2)
	limits := roundedLimits
	if j.file.Type.Quantized() && quantize.Refined(v.kvs) {
		limits = refinedLimits
	}
	switch excess := d.Excess(); {
	case sampled < limits.cosine*expected:
		say(Fail, "it is not this tensor of the source: cosine %.4f, where %s gives %.4f", sampled, j.typ.Name, expected)
		return
	case d.Sampled > limits.distance:
		say(Fail, "the error is %.3g %% of its size, more than refinement makes", 100*d.Sampled)
		return
	case excess > limits.excess:
		say(Fail, "the error is %.3g times what %s gives: relative RMSE %.4g, expected %.4g", excess, j.typ.Name, d.Sampled, d.Expected)
		return
	case excess > limits.note:
		say(Note, "the error is %.3g times what %s gives without weights", excess, j.typ.Name)
	}
	if len(t.odd) == 0 {
		return
	}
	worst := t.odd[0]
	switch {
	case suspect && t.unequal() > 0:
		say(Fail, "%d of %d rows %s not what the source gives: from column %d on, row %d has %.4g times the error that it should have",
			t.unequal(), t.tried, map[bool]string{true: "is", false: "are"}[t.unequal() == 1], worst.column, worst.row, worst.ratio)
	case worst.ratio > limits.wildGroup, worst.ratio > limits.group && worst.share > limits.share:
		say(Fail, "row %d is damaged from column %d on: its error is %.3g times what %s gives", worst.row, worst.column, worst.ratio, j.typ.Name)
	}
}
