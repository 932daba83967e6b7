package quantize

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/progress"
)

// sample is a model of several chunks.
func sample() []gguf.Stream {
	return []gguf.Stream{
		streamOf("blk.0.ffn_up.weight", wave(512*1100), 512, 1100),
		streamOf("token_embd.weight", wave(256*70), 256, 70),
		streamOf("blk.0.attn_norm.weight", wave(100), 100),
		streamOf("blk.0.ffn_down_exps.weight", wave(256*30*3), 256, 30, 3),
		streamOf("blk.0.odd.weight", wave(33*5), 33, 5),
	}
}

func TestWorkersDoNotChangeTheBytes(t *testing.T) {
	sources, ahead := sample(), sample()
	var hints atomic.Int64
	for i := range ahead {
		ahead[i].Ahead = func(first, n int64) { hints.Add(1) }
	}
	var want []byte
	for _, workers := range []int{1, 2, 7} {
		for _, memory := range []int64{1, 3 << 20} {
			p := plan(t, llama(1), infosOf(sources), Options{Recipe: recipe(t, "Q4_0")})
			out, files := inMemory(p)
			options := RunOptions{Workers: workers, MaxMemory: memory}
			if err := Run(context.Background(), sources, []Output{out}, options); err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = files[0].b
			}
			again, own := inMemory(p)
			if err := Run(context.Background(), ahead, []Output{again}, options); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(files[0].b, want) || !bytes.Equal(own[0].b, want) {
				t.Errorf("%d workers in %d bytes: other bytes", workers, memory)
			}
		}
	}
	if hints.Load() == 0 {
		t.Error("nothing was read ahead")
	}
	if bytes.Contains(want, bytes.Repeat([]byte{0xa5}, 9)) {
		t.Error("a part of the file was not written")
	}
}

func TestSeveralOutputsEqualSingleOnes(t *testing.T) {
	sources := sample()
	reads := 0
	var lock sync.Mutex
	counted := make([]gguf.Stream, len(sources))
	for i, s := range sources {
		counted[i] = gguf.Stream{TensorInfo: s.TensorInfo, ReadRows: func(ctx context.Context, dst []byte, first int64) error {
			lock.Lock()
			reads += len(dst)
			lock.Unlock()
			return s.ReadRows(ctx, dst, first)
		}}
	}
	var together []Output
	var files []*buffer
	names := []string{"Q8_0", "Q4_K_M", "F16", "Q4_K_S", "COPY"}
	for _, name := range names {
		out, f := inMemory(plan(t, llama(1), infosOf(sources), Options{Recipe: recipe(t, name)}))
		together, files = append(together, out), append(files, f...)
	}
	var events []progress.Report
	progress := func(e progress.Report) { events = append(events, e) }
	if err := Run(context.Background(), counted, together, RunOptions{Workers: 3, Progress: progress}); err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		out, f := inMemory(together[i].Plan)
		if err := Run(context.Background(), sources, []Output{out}, RunOptions{}); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(f[0].b, files[i].b) {
			t.Errorf("%s differs", name)
		}
	}
	total, written := 0, int64(0)
	for _, s := range sources {
		total += int(s.Size())
	}
	for _, out := range together {
		for _, c := range out.Plan.Tensors {
			written += c.Info.Size()
		}
	}
	if last := events[len(events)-1]; reads != total || last.Done != written || last.Total != written {
		t.Errorf("%d bytes were read and %d of %d reported, the source has %d", reads, last.Done, last.Total, total)
	}
}

// TestBlocksThatNoOutputKeepsAreNotMade: weights come as floats where the source
// has them, with the bytes that the blocks give.
func TestBlocksThatNoOutputKeepsAreNotMade(t *testing.T) {
	q4, _ := ByID(gguf.TypeQ4_0)
	blocks, floats := 0, 0
	counting := func(n *int, read func(context.Context, []byte, int64) error) func(context.Context, []byte, int64) error {
		return func(ctx context.Context, dst []byte, first int64) error {
			*n++
			return read(ctx, dst, first)
		}
	}
	both := sample()
	for i, s := range both[:2] {
		x := make([]float32, s.Elements())
		encoded := make([]byte, len(x)/q4.Block*q4.Bytes)
		q4.Quantize(encoded, wave(len(x)), nil)
		q4.Dequantize(x, encoded)
		s.Type, s.Floats = gguf.TypeQ4_0, counting(&floats, streamOf(s.Name, x, s.Shape...).ReadRows)
		s.ReadRows = counting(&blocks, func(_ context.Context, dst []byte, first int64) error {
			copy(dst, encoded[first*s.RowBytes():])
			return nil
		})
		both[i] = s
	}
	without := make([]gguf.Stream, len(both))
	for i, s := range both {
		s.Floats = nil
		without[i] = s
	}
	for _, names := range [][]string{{"Q8_0"}, {"Q4_K_M", "F16"}, {"F32"}, {"Q4_0"}, {"Q8_0", "COPY"}} {
		var given [2][]*buffer
		for i, streams := range [][]gguf.Stream{without, both} {
			blocks, floats = 0, 0
			var outputs []Output
			for _, name := range names {
				out, f := inMemory(plan(t, llama(1), infosOf(streams), Options{Recipe: recipe(t, name), AllowRequantize: true}))
				outputs, given[i] = append(outputs, out), append(given[i], f...)
			}
			if err := Run(t.Context(), streams, outputs, RunOptions{Workers: 1}); err != nil {
				t.Fatal(err)
			}
		}
		for i, f := range given[0] {
			if !bytes.Equal(f.b, given[1][i].b) {
				t.Errorf("%v: file %d has other bytes", names, i)
			}
		}
		if kept := slices.Contains(names, "COPY"); (blocks > 0) != (kept || names[0] == "Q4_0") || (floats > 0) == kept {
			t.Errorf("%v: %d reads of blocks, %d of floats", names, blocks, floats)
		}
	}
}

func TestResumesFromRangesThatWereWritten(t *testing.T) {
	sources := sample()
	p := plan(t, llama(1), infosOf(sources), Options{Recipe: recipe(t, "Q4_K_M")})
	out, files := inMemory(p)
	var lock sync.Mutex
	journal := map[Range]bool{}
	stop := errors.New("stop")
	err := Run(context.Background(), sources, []Output{out}, RunOptions{Workers: 2, Wrote: func(r Range, data []byte) error {
		lock.Lock()
		defer lock.Unlock()
		if len(journal) == 3 {
			return stop
		}
		journal[r] = true
		if !bytes.Equal(files[0].b[r.Offset:][:r.Length], data) {
			t.Errorf("range %+v: the file has other bytes", r)
		}
		return nil
	}})
	if !errors.Is(err, stop) {
		t.Fatalf("error %v", err)
	}
	done := len(journal)
	again := 0
	begun := map[string]bool{}
	for r := range journal {
		begun[r.Tensor] = true
	}
	err = Run(context.Background(), sources, []Output{out}, RunOptions{Workers: 1,
		Skip: func(r Range) bool { return journal[r] },
		Reads: func(whole []int) {
			var want []int
			for i, s := range sources {
				if !begun[s.Name] {
					want = append(want, i)
				}
			}
			if !slices.Equal(whole, want) {
				t.Errorf("sources %v are said to be read as a whole, not %v", whole, want)
			}
		},
		Wrote: func(r Range, _ []byte) error {
			if journal[r] {
				t.Errorf("range %+v was written twice", r)
			}
			again++
			return nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	whole, want := inMemory(p)
	ranges := 0
	if err := Run(context.Background(), sources, []Output{whole}, RunOptions{Workers: 1, Wrote: func(Range, []byte) error { ranges++; return nil }}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(files[0].b, want[0].b) || done+again != ranges {
		t.Errorf("%d ranges, then %d, of %d", done, again, ranges)
	}
}

func TestRefusesValuesThatAreNotFinite(t *testing.T) {
	for name, c := range map[string]struct {
		value  float32
		recipe string
		says   string
	}{
		"NaN quantized":   {float32(math.NaN()), "Q4_K_M", `"blk.0.a.weight": row 3, column 17: the value is NaN`},
		"infinity":        {float32(math.Inf(-1)), "Q8_0", "row 3, column 17: the value is -Inf"},
		"NaN copied":      {float32(math.NaN()), "COPY", "row 3, column 17"},
		"scale overflows": {1e30, "Q4_0", "out of the range of Q4_0"},
		"float overflows": {1e6, "F16", "out of the range of F16"},
	} {
		t.Run(name, func(t *testing.T) {
			x := wave(256 * 8)
			x[3*256+17] = c.value
			sources := []gguf.Stream{streamOf("blk.0.a.weight", x, 256, 8)}
			out, _ := inMemory(plan(t, llama(1), infosOf(sources), Options{Recipe: recipe(t, c.recipe)}))
			err := Run(context.Background(), sources, []Output{out}, RunOptions{})
			if !errors.Is(err, fault.ErrCorrupt) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want %q", err, c.says)
			}
		})
	}
	large := wave(256)
	large[9] = 6e4 // large, but within the range of half precision
	sources := []gguf.Stream{streamOf("blk.0.a.weight", large, 256, 1)}
	out, _ := inMemory(plan(t, llama(1), infosOf(sources), Options{Recipe: recipe(t, "F16")}))
	if err := Run(context.Background(), sources, []Output{out}, RunOptions{}); err != nil {
		t.Error(err)
	}
}

func TestScreenSeesEveryLargeElement(t *testing.T) {
	for typ, bits := range map[gguf.Type]struct{ small, large []uint32 }{
		gguf.TypeF32:  {[]uint32{0, 0x80000000, 0x467fffff, 0xc67fffff}, []uint32{0x46800000, 0xc6800000, 0x7f800000, 0xffc00001}},
		gguf.TypeF16:  {[]uint32{0, 0x8000, 0x73ff, 0xf3ff}, []uint32{0x7400, 0xf400, 0x7c00, 0xfe01}},
		gguf.TypeBF16: {[]uint32{0, 0x8000, 0x467f, 0xc67f}, []uint32{0x4680, 0xc680, 0x7f80, 0xffc1}},
	} {
		const n = 37
		width := typ.BlockBytes()
		data := make([]byte, n*width)
		put := func(i int, pattern uint32) {
			for b := range width {
				data[i*width+b] = byte(pattern >> (8 * b))
			}
		}
		for i := range n {
			put(i, bits.small[i%len(bits.small)])
		}
		if screens[typ].large(data) {
			t.Errorf("%s: small values pass for large", typ)
		}
		for i := range n {
			for _, pattern := range bits.large {
				put(i, pattern)
				if !screens[typ].large(data) {
					t.Errorf("%s: %#x at %d is overlooked", typ, pattern, i)
				}
			}
			put(i, bits.small[i%len(bits.small)])
		}
	}
}

func TestStopsSoonWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	slow := streamOf("blk.0.a.weight", wave(256*4096), 256, 4096)
	out, _ := inMemory(plan(t, llama(1), []gguf.TensorInfo{slow.TensorInfo}, Options{Recipe: recipe(t, "IQ4_XS")}))
	start := time.Now()
	err := Run(ctx, []gguf.Stream{slow}, []Output{out}, RunOptions{Workers: 1, Wrote: func(r Range, _ []byte) error {
		if r.Tensor != "" {
			cancel()
		}
		return nil
	}})
	if !errors.Is(err, context.Canceled) || time.Since(start) > time.Second {
		t.Errorf("error %v after %v", err, time.Since(start))
	}
}

func TestReportsReadAndWriteErrors(t *testing.T) {
	broken := errors.New("broken")
	s := streamOf("blk.0.a.weight", wave(256*8), 256, 8)
	out, _ := inMemory(plan(t, llama(1), []gguf.TensorInfo{s.TensorInfo}, Options{Recipe: recipe(t, "Q8_0")}))
	unreadable := gguf.Stream{TensorInfo: s.TensorInfo, ReadRows: func(context.Context, []byte, int64) error { return broken }}
	if err := Run(context.Background(), []gguf.Stream{unreadable}, []Output{out}, RunOptions{}); !errors.Is(err, broken) {
		t.Errorf("reading: %v", err)
	}
	out.Files[0] = failing{}
	if err := Run(context.Background(), []gguf.Stream{s}, []Output{out}, RunOptions{}); !errors.Is(err, fault.ErrIO) {
		t.Errorf("writing: %v", err)
	}
	other := streamOf("blk.0.a.weight", wave(256*4), 256, 4)
	if err := Run(context.Background(), []gguf.Stream{other}, []Output{out}, RunOptions{}); !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("another source: %v", err)
	}
}

type failing struct{}

func (failing) WriteAt([]byte, int64) (int, error) { return 0, errors.New("no space") }
