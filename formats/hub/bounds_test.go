package hub

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/f190792d/mq/formats/ahead"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/internal/hubtest"
)

func TestMemoryStaysWithinTheBudget(t *testing.T) {
	h := hubtest.New(t)
	files := map[string][]byte{"model.safetensors": random(4, 64<<20)}
	h.Add("org/model", files)
	r := repo(t, connect(t, h, func(o *Options) { o.Budget = 16 << 20 }), "org/model")
	if err := readers(t, r, "model.safetensors", files["model.safetensors"], 5); err != nil {
		t.Fatal(err)
	}
	if n := r.memory.used; n > (16+4)<<20 {
		t.Errorf("%d bytes are held under a budget of 16 MiB", n)
	}
}

// TestTensorsAreReadOnce reads tensors as a conversion does, three at a time
// and in another order than they lie in, and then samples of them.
func TestTensorsAreReadOnce(t *testing.T) {
	const tensors, size = 12, 5<<20 + 4097
	h := hubtest.New(t)
	data := random(8, tensors*size)
	h.Add("org/model", map[string][]byte{"model.safetensors": data})
	r := repo(t, connect(t, h, func(o *Options) { o.Budget = 32 << 20 }), "org/model")
	f, err := r.Open("model.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	read := func(tensor, from, n int) error {
		p, off := make([]byte, min(n, size-from)), tensor*size+from
		f.(*file).WillRead(int64(tensor*size), size)
		if _, err := f.(io.ReaderAt).ReadAt(p, int64(off)); err != nil || !bytes.Equal(p, data[off:off+len(p)]) {
			return fault.Check("tensor %d at %d: other bytes, or %v", tensor, from, err)
		}
		return nil
	}
	var g errgroup.Group
	for reader := range 3 {
		g.Go(func() error {
			for i := range tensors / 3 {
				for from := 0; from < size; from += 1 << 20 {
					if err := read((7*(3*i+reader)+5)%tensors, from, 1<<20); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	whole := h.Bytes.Load()
	if most := int64(len(data)) * 5 / 4; whole > most { // tensors share blocks at their ends
		t.Errorf("%d bytes were fetched for %d", whole, len(data))
	}
	for tensor := range tensors {
		for row := range 16 {
			if err := read(tensor, 2<<20+4096*row, 512); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := h.Bytes.Load() - whole; n > 2*tensors<<20 {
		t.Errorf("%d bytes were fetched for %d samples", n, tensors)
	}
}

// TestRequestsStayFew reads a layer of many small experts in the order of a
// conversion: all of one kind, then all of the next.
func TestRequestsStayFew(t *testing.T) {
	for _, told := range []bool{false, true} {
		requestsStayFew(t, told)
	}
}

func requestsStayFew(t *testing.T, told bool) {
	t.Helper()
	const experts, size = 20_000, 1000
	h := hubtest.New(t)
	data := random(6, 3*experts*size)
	h.Add("org/model", map[string][]byte{"model.safetensors": data})
	r := repo(t, connect(t, h, nil), "org/model")
	f, err := r.Open("model.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	var order []ahead.Stretch
	for i := range 3 * experts {
		order = append(order, ahead.Stretch{File: "model.safetensors", Offset: int64((3*(i%experts) + i/experts) * size), Size: size})
	}
	if told {
		r.ReadAhead(order)
	}
	p := make([]byte, size)
	for kind := range 3 {
		for e := range experts {
			off := order[kind*experts+e].Offset
			if _, err := f.(io.ReaderAt).ReadAt(p, off); err != nil || !bytes.Equal(p, data[off:off+size]) {
				t.Fatalf("expert %d: %v", e, err)
			}
		}
	}
	if n, fetched := h.Requests.Load(), h.Bytes.Load(); n > 60 || fetched > int64(len(data))+headSize {
		t.Errorf("%d requests for %d of %d bytes; told of the order: %v", n, fetched, len(data), told)
	}
}

// TestHeadersCostTheirBytes reads the headers of a set, some of which are
// longer than the first look at a file, a vocabulary twice and a configuration
// more often.
func TestHeadersCostTheirBytes(t *testing.T) {
	h := hubtest.New(t)
	files, all := map[string][]byte{"tokenizer.json": random(11, 3<<20), "config.json": random(12, 3000)}, int64(3<<20)
	for i, n := range []int{150_000, 151_000, 190_000, 20_000, 149_000} {
		data := append(binary.LittleEndian.AppendUint64(nil, uint64(n)), random(uint64(i), n+2<<20)...)
		files[fmt.Sprintf("model-%05d-of-000005.safetensors", i+1)] = data
		all += int64(n)
	}
	h.Add("org/model", files)
	r := repo(t, connect(t, h, nil), "org/model")
	for name, data := range files {
		if !strings.HasPrefix(name, "model") {
			continue
		}
		f, err := r.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		n := 8 + int(binary.LittleEndian.Uint64(data))
		for from, step := 0, 8; from < n; from, step = from+step, 32<<10 {
			span := [2]int{from, min(from+step, n)}
			p := make([]byte, span[1]-span[0])
			if _, err := f.(io.ReaderAt).ReadAt(p, int64(span[0])); err != nil || !bytes.Equal(p, data[span[0]:span[1]]) {
				t.Errorf("%s, bytes %d to %d: others, or %v", name, span[0], span[1], err)
			}
		}
	}
	for range 2 {
		if data, err := fs.ReadFile(r, "tokenizer.json"); err != nil || !bytes.Equal(data, files["tokenizer.json"]) {
			t.Errorf("the vocabulary: %v", err)
		}
	}
	before := h.Requests.Load()
	for range 4 {
		data, err := fs.ReadFile(r, "config.json")
		if err != nil || !bytes.Equal(data, files["config.json"]) {
			t.Errorf("the configuration: %v", err)
		}
		clear(data) // which is the reader's own
	}
	if n := h.Requests.Load() - before; n > 2 {
		t.Errorf("%d requests for a configuration", n)
	}
	if n, requests := h.Bytes.Load(), h.Requests.Load(); n > all+400_000 || requests > 20 {
		t.Errorf("%d bytes in %d requests for %d of headers and vocabulary", n, requests, all)
	}
}
