package refine

import (
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/f190792d/mq/quantize"
	"github.com/f190792d/mq/refine/linear"
)

// Shape is what the work on a tensor depends on.
type Shape struct {
	Name                    string
	Type                    quantize.Type // of the file
	Rows, Columns, Matrices int
	Used                    int // matrices that a token is multiplied with
}

// Work is about what a refinement computes.
type Work struct {
	Operations float64       // of products, in floating point
	Searches   time.Duration // of one processor, for what is no product
}

// Time is about how long some workers take on this machine, or as many as it
// has processors.
func (w Work) Time(workers int) time.Duration {
	one := w.Searches + time.Duration(w.Operations/linear.Rate()*float64(time.Second))
	return one / time.Duration(max(min(workers, runtime.GOMAXPROCS(0)), 1))
}

// searchTime is about how long codes and scales of a weight are searched, on a
// processor of 2023.
func searchTime(t quantize.Type) time.Duration {
	switch g := t.Grid; {
	case g == nil:
		return 0
	case g.Book != nil:
		return 1500 * time.Nanosecond
	case g.Block < 256: // d and dmin are not shared by many
		return 450 * time.Nanosecond
	case g.MinHigh > 0:
		return 380 * time.Nanosecond
	default:
		return 260 * time.Nanosecond
	}
}

// A batch is tensors of a layer that multiply the same, and when.
type batch struct {
	ends     bool // the product goes into the residual stream
	place    string
	columns  int
	products float64 // of a token, with all matrices
	tensors  []Shape
}

var layerPattern = regexp.MustCompile(`^blk\.[0-9]+`)

// LayerOf is what the names of the tensors of a layer begin with, such as
// "blk.3"; it is empty outside of layers.
func LayerOf(tensor string) string { return layerPattern.FindString(tensor) }

// batches divides the tensors of a layer by what their names say of their
// place.
func batches(tensors []Shape) []batch {
	var list []batch
	for _, t := range tensors {
		layer := LayerOf(t.Name)
		place, _, _ := strings.Cut(strings.TrimPrefix(t.Name, layer+"."), "_")
		ends := layer != "" && (strings.Contains(t.Name, "out") || strings.Contains(t.Name, "down"))
		i := slices.IndexFunc(list, func(b batch) bool { return b.place == place && b.ends == ends && b.columns == t.Columns })
		if i < 0 {
			i = len(list)
			list = append(list, batch{place: place, ends: ends, columns: t.Columns})
		}
		list[i].products += 2 * float64(t.Rows) * float64(t.Columns) * float64(t.Used)
		list[i].tensors = append(list[i].tensors, t)
	}
	return list
}

// WorkOf estimates what a refinement with some tokens computes.
func WorkOf(tensors []Shape, tokens int) Work {
	var w Work
	var names []string
	layers := map[string][]Shape{}
	tied := !slices.ContainsFunc(tensors, func(t Shape) bool { return t.Name == "output.weight" })
	for _, t := range tensors {
		if t.Name == embedding && !tied {
			continue
		}
		layer := LayerOf(t.Name)
		if layers[layer] == nil {
			names = append(names, layer)
		}
		layers[layer] = append(layers[layer], t)
	}
	for _, name := range names {
		for _, b := range batches(layers[name]) {
			if name != "" {
				again := 2.0 // in both models
				if tied {
					again++ // the source runs for the embedding, too
				}
				w.Operations += float64(tokens) * b.products * again
			}
			w.add(b, tokens)
		}
	}
	return w
}

// add counts the sums of a batch, and what its matrices alone take.
func (w *Work) add(b batch, tokens int) {
	refined := slices.DeleteFunc(b.tensors, func(t Shape) bool { return t.Type.Grid == nil })
	if len(refined) == 0 {
		return
	}
	c, t := float64(b.columns), float64(tokens)
	used, experts := float64(refined[0].Used), float64(refined[0].Matrices)
	held := min(float64(heldRows(b.columns)), t/heldBack)
	w.Operations += t*used*c*c + experts*c*c*c/3 // x̃·x̃ᵀ, half of it, and its factor
	perWeight := 2 + 1 + 2 + 2*sweeps - 1.0      // the change, feedback, slopes and sweeps
	if b.ends {
		perWeight += 2 // what is wanted, for the change is solved
	} else {
		w.Operations += t*used*2*c*c + experts*2*c*c*c // x·x̃ᵀ, and that solved
	}
	for _, one := range refined {
		weights := float64(one.Rows) * c
		if b.ends {
			w.Operations += t * used * 2 * weights // the product times x̃ᵀ
		}
		// Five products are with what is held back.
		w.Operations += experts * weights * (perWeight*c + 10*held)
		w.Searches += time.Duration(experts * weights * float64(searchTime(one.Type)))
	}
}
