package eval

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"math"
	"os"

	"github.com/f190792d/mq/eval/kernel"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
)

// The file in which llama-perplexity keeps a base's probabilities
// (--kl-divergence-base): "_logits_", then int32 context, vocabulary and
// number of chunks, the tokens of all chunks, and for each scored position a
// record: two float32, scale and lowest log-probability, and a uint16 for each
// token, padded to an even number.
const logitsMagic = "_logits_"

// recordBytes returns the length of a record.
func recordBytes(vocabulary int) int { return 8 + (vocabulary+1)/2*4 }

// LogitsFile is an opened file of probabilities.
type LogitsFile struct {
	Context, Vocabulary, Chunks int
	Tokens                      []int32

	file *os.File
	data int64 // offset of the first record
	name string
}

// OpenLogits opens a file that llama-perplexity or [SaveLogits] has written.
func OpenLogits(path string) (*LogitsFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Op("eval").IO("%w", err)
	}
	l := &LogitsFile{file: f, name: path}
	if err := l.readHeader(); err != nil {
		f.Close()
		return nil, err
	}
	return l, nil
}

func (l *LogitsFile) readHeader() error {
	var head [20]byte
	info, err := l.file.Stat()
	if err == nil {
		_, err = io.ReadFull(l.file, head[:])
	}
	if err != nil || string(head[:8]) != logitsMagic {
		return fault.Op("eval").File(l.name).Corrupt("this is not a file of log-probabilities")
	}
	l.Context = int(int32(binary.LittleEndian.Uint32(head[8:])))
	l.Vocabulary = int(int32(binary.LittleEndian.Uint32(head[12:])))
	l.Chunks = int(int32(binary.LittleEndian.Uint32(head[16:])))
	if l.Context < 4 || l.Vocabulary < 1 || l.Chunks < 1 {
		return fault.Op("eval").File(l.name).Corrupt("implausible header: %d chunks of %d tokens with a vocabulary of %d", l.Chunks, l.Context, l.Vocabulary)
	}
	// Each factor is below 2^31: two of them do not overflow.
	c := Chunking{Context: l.Context}
	chunk := int64(c.scored()) * int64(recordBytes(l.Vocabulary))
	l.data = 20 + 4*int64(l.Context)*int64(l.Chunks)
	if l.data > info.Size() || int64(l.Chunks) > (info.Size()-l.data)/chunk {
		return fault.Op("eval").File(l.name).Corrupt("the file is shorter than its %d chunks of %d tokens", l.Chunks, l.Context)
	}
	raw := make([]byte, 4*l.Context*l.Chunks)
	if _, err := io.ReadFull(l.file, raw); err != nil {
		return fault.Op("eval").File(l.name).IO("%w", err)
	}
	l.Tokens = make([]int32, l.Context*l.Chunks)
	for i := range l.Tokens {
		l.Tokens[i] = int32(binary.LittleEndian.Uint32(raw[4*i:]))
		if t := l.Tokens[i]; t < 0 || int(t) >= l.Vocabulary {
			return fault.Op("eval").File(l.name).Corrupt("token %d is outside the vocabulary of %d", t, l.Vocabulary)
		}
	}
	return nil
}

// Close closes the file.
func (l *LogitsFile) Close() error { return l.file.Close() }

// MeasureAgainst compares a model with the probabilities of a file, on the
// file's own tokens. Of c only Batch and BOS count.
func MeasureAgainst(ctx context.Context, l *LogitsFile, model Model, c Chunking, step progress.Result[Divergence]) (Divergence, error) {
	c.Context = l.Context
	c = c.withDefaults()
	if model.Vocabulary() != l.Vocabulary {
		return Divergence{}, fault.Op("eval").Corrupt("%s has a vocabulary of %d tokens, %s one of %d: they cannot be compared",
			model.Name(), model.Vocabulary(), l.name, l.Vocabulary)
	}
	group := c.group(l.Vocabulary, keptLogits)
	record := recordBytes(l.Vocabulary)
	size := c.scored() * record
	var kept []byte
	return compare(ctx, model, l.Tokens, c, l.Chunks, group, step, func(first, last int) error {
		if n := (last - first) * size; cap(kept) < n {
			kept = make([]byte, n)
		} else {
			kept = kept[:n]
		}
		if _, err := l.file.ReadAt(kept, l.data+int64(first)*int64(size)); err != nil {
			return fault.Op("eval").File(l.name).IO("%w", err)
		}
		for at := 0; at < len(kept); at += record {
			if !plausible(kept[at:]) {
				return fault.Op("eval").File(l.name).Corrupt("chunk %d, row %d: its log-probabilities are not finite or not below 0", first+at/size, at%size/record)
			}
		}
		return nil
	}, func(chunk, position int, logits []float32, token int32) point {
		at := (chunk%group)*size + (position-c.first())*record
		return compareRecord(logits, kept[at:at+record], token)
	})
}

// steps returns what a code of a record stands for: low + scale·code.
func steps(record []byte) (scale, low float32) {
	return math.Float32frombits(binary.LittleEndian.Uint32(record)), math.Float32frombits(binary.LittleEndian.Uint32(record[4:]))
}

// plausible reports whether the largest log-probability of a record can be one:
// 0 at most, but for rounding.
func plausible(record []byte) bool {
	scale, low := steps(record)
	return scale >= 0 && low > -math.MaxFloat32 && scale*math.MaxUint16+low < 0.1
}

// negligible is the log-probability up to which llama-perplexity leaves
// tokens of a record out.
const negligible = -16

// compareRecord compares a row of logits with a record of the base.
func compareRecord(logits []float32, record []byte, token int32) point {
	scale, low := steps(record)
	logprob := func(i int) float32 {
		return scale*float32(binary.LittleEndian.Uint16(record[8+2*i:])) + low
	}
	var p point
	withScratch(len(logits), func(row []float32) {
		sum := logSumExp(row, logits)
		best := 0
		for i := range row {
			row[i] = logprob(i)
			if row[i] > row[best] {
				best = i
			}
		}
		p.same = argmax(logits) == best
		p.finish(sum-float64(logits[token]), -float64(row[token]))
		for i, v := range logits {
			if base := float64(row[i]); base > negligible {
				p.kld += math.Exp(base) * (base - float64(v) + sum)
			}
		}
	})
	return p
}

// SaveLogits runs a model over the chunks of a text and writes their
// probabilities in llama-perplexity's form. It returns the perplexity.
func SaveLogits(ctx context.Context, w io.Writer, m Model, tokens []int32, c Chunking, step progress.Result[Perplexity]) (Perplexity, error) {
	c = c.withDefaults()
	chunks, err := c.count(len(tokens))
	if err != nil {
		return Perplexity{}, err
	}
	out := bufio.NewWriterSize(w, 1<<20)
	head := []byte(logitsMagic)
	for _, v := range append([]int32{int32(c.Context), int32(m.Vocabulary()), int32(chunks)}, tokens[:chunks*c.Context]...) {
		head = binary.LittleEndian.AppendUint32(head, uint32(v))
	}
	if _, err := out.Write(head); err != nil {
		return Perplexity{}, fault.Op("eval").IO("logits: %w", err)
	}
	vocab := m.Vocabulary()
	record := recordBytes(vocab)
	records := make([]byte, c.scored()*record)
	values := make([]float64, c.scored())
	var sum moments
	group := c.group(vocab, 0)
	for first := 0; first < chunks; first += group {
		err := m.Batch(ctx, c.inputs(tokens, first, min(first+group, chunks)), c.first(), func(s, position int, logits []float32) error {
			next := tokens[(first+s)*c.Context+1:]
			score(vocab, logits, position, c.Context-1, func(position int, row []float32) {
				i := position - c.first()
				values[i] = encodeRecord(records[i*record:(i+1)*record], row, next[position])
			})
			if position+len(logits)/vocab < c.Context {
				return nil
			}
			for _, v := range values {
				sum.add(v)
			}
			if step != nil {
				step(reached("chunks", first+s+1, chunks), perplexityOf(sum, first+s+1))
			}
			_, err := out.Write(records)
			return err
		})
		if err != nil {
			return Perplexity{}, err
		}
	}
	if err := out.Flush(); err != nil {
		return Perplexity{}, fault.Op("eval").IO("logits: %w", err)
	}
	return perplexityOf(sum, chunks), check(sum.sum, m.Name())
}

// encodeRecord writes a record and returns the negative log-likelihood of a
// token. Logits more than 16 below the largest share the lowest code.
func encodeRecord(record []byte, logits []float32, token int32) float64 {
	peak, low := kernel.Max(logits), logits[0]
	for _, v := range logits {
		low = min(low, v)
	}
	low = max(low, peak-16)
	var sum float64
	withScratch(len(logits), func(exps []float32) { sum = math.Log(kernel.Exp(exps, logits, peak)) })
	scale := (peak - low) / 65535
	binary.LittleEndian.PutUint32(record, math.Float32bits(scale))
	binary.LittleEndian.PutUint32(record[4:], math.Float32bits(low-peak-float32(sum)))
	clear(record[8:])
	if scale != 0 {
		inverse := 1 / scale
		for i, v := range logits {
			if v > low {
				code := math.RoundToEven(float64(inverse * (v - low)))
				binary.LittleEndian.PutUint16(record[8+2*i:], uint16(min(code, 65535)))
			}
		}
	}
	return float64(peak) + sum - float64(logits[token])
}
