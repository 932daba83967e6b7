package eval

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/f190792d/mq/formats/fault"
)

// Model gives logits; *forward.Model is one.
type Model interface {
	// Batch runs sequences from position 0 and calls emit, in order, with
	// the logits of the positions from on: whole rows of Vocabulary()
	// values that are only lent.
	Batch(ctx context.Context, sequences [][]int32, from int, emit func(sequence, position int, logits []float32) error) error
	Vocabulary() int
	Name() string
}

// Scorer gives log-probabilities of tokens; *forward.Model is one.
type Scorer interface {
	// LogProbs runs sequences from position 0 and returns, by sequence, the
	// log-probability of the token behind each position from on but the last.
	LogProbs(ctx context.Context, sequences [][]int32, from int) ([][]float64, error)
	Vocabulary() int
	Name() string
}

// Chunking says how a text is cut. The zero value means chunks of 512 tokens,
// all of them, without a token to begin each.
type Chunking struct {
	Context int // tokens of a chunk
	Chunks  int // how many chunks, from the start; 0: all
	Batch   int // tokens that run at once, more than a chunk where they fit; 0: 2048
	BOS     int32
	AddBOS  bool // each chunk's first token is replaced by BOS

	Text string // the name of the text, for errors
}

func (c Chunking) withDefaults() Chunking {
	if c.Context == 0 {
		c.Context = 512
	}
	if c.Batch == 0 {
		c.Batch = 2048
	}
	return c
}

// count returns the number of chunks of a text of n tokens. As in
// llama-perplexity, a text must fill two.
func (c Chunking) count(n int) (int, error) {
	if c.Context < 4 {
		return 0, fault.Op("eval").Invalid("a context of %d tokens leaves nothing to score", c.Context)
	}
	if n < 2*c.Context {
		return 0, fault.Op("eval").File(c.Text).Corrupt("the text has %d tokens; a context of %d needs at least %d", n, c.Context, 2*c.Context)
	}
	count := n / c.Context
	if c.Chunks > 0 {
		count = min(count, c.Chunks)
	}
	return count, nil
}

// first returns the first position that is scored: the second half is, so
// that every token has some context.
func (c Chunking) first() int { return c.Context / 2 }

// scored returns the number of scored positions of a chunk. The last one has
// no next token.
func (c Chunking) scored() int { return c.Context - 1 - c.first() }

// group returns how many chunks run at once, so that the logits kept take at
// most limit bytes.
func (c Chunking) group(vocabulary int, limit int64) int {
	n := max(1, c.Batch/c.Context)
	if limit > 0 {
		n = min(n, max(1, int(limit/(int64(c.Context-c.first())*int64(vocabulary)*4))))
	}
	return n
}

// inputs returns the chunks [from, to) as the model sees them.
func (c Chunking) inputs(tokens []int32, from, to int) [][]int32 {
	var list [][]int32
	for i := from; i < to; i++ {
		chunk := append([]int32(nil), tokens[i*c.Context:(i+1)*c.Context]...)
		if c.AddBOS {
			chunk[0] = c.BOS
		}
		list = append(list, chunk)
	}
	return list
}

// each calls f for every i below n on all processors. What f does for one i
// must not depend on another.
func each(n int, f func(i int)) {
	workers := min(runtime.GOMAXPROCS(0), n)
	if workers <= 1 {
		for i := range n {
			f(i)
		}
		return
	}
	var next atomic.Int64
	var wait sync.WaitGroup
	var failed atomic.Pointer[error]
	for range workers {
		wait.Go(func() {
			var err error
			defer func() {
				if err != nil {
					failed.Store(&err)
				}
			}()
			defer fault.Rescue(&err)
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wait.Wait()
	if err := failed.Load(); err != nil {
		panic(*err) // in the goroutine that called
	}
}
