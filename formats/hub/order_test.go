package hub

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/f190792d/mq/formats/ahead"
	"github.com/f190792d/mq/internal/hubtest"
)

// asked are the bytes of which a server was asked.
type asked struct {
	mu    sync.Mutex
	more  *sync.Cond
	spans map[string][][2]int64 // by the path of the address
}

func watch(h *hubtest.Hub) *asked {
	a := &asked{spans: map[string][][2]int64{}}
	a.more = sync.NewCond(&a.mu)
	h.Unredirect = true
	h.Fault = func(r *http.Request) hubtest.Fault {
		var from, to int64
		_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to)
		a.mu.Lock()
		defer a.mu.Unlock()
		a.spans[r.URL.Path] = append(a.spans[r.URL.Path], [2]int64{from, to})
		a.more.Broadcast()
		return hubtest.Fault{}
	}
	return a
}

// await reports whether a byte of a file is asked for, sooner or later.
func (a *asked) await(path string, at int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	late := false
	defer time.AfterFunc(10*time.Second, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		late = true
		a.more.Broadcast()
	}).Stop()
	for {
		for _, s := range a.spans[path] {
			if s[0] <= at && at <= s[1] {
				return true
			}
		}
		if late {
			return false
		}
		a.more.Wait()
	}
}

// TestNoTensorIsWaitedFor reads tensors of two files in an order that is not
// that of the files, large and small ones. The first byte of each is on its way
// before it is asked for, and no byte comes twice.
func TestNoTensorIsWaitedFor(t *testing.T) {
	const begin = 200 << 10 // behind what the look at the header reads
	h := hubtest.New(t)
	sizes := []int64{3<<20 + 4097, 4096, 2<<20 + 11, 600, 5<<20 + 1, 700 << 10}
	var content []byte
	var tensors []ahead.Stretch
	for i, n := 0, int64(begin); i < len(sizes); i++ {
		for _, file := range []string{"a.safetensors", "b.safetensors"} {
			tensors = append(tensors, ahead.Stretch{File: file, Offset: n, Size: sizes[i]})
		}
		n += sizes[i]
	}
	last := tensors[len(tensors)-1]
	content = random(5, int(last.Offset+last.Size))
	h.Add("org/model", map[string][]byte{"a.safetensors": content, "b.safetensors": content})
	a := watch(h)
	r := repo(t, connect(t, h, func(o *Options) { o.Budget = 32 << 20 }), "org/model")
	var order []ahead.Stretch
	for i := range tensors {
		order = append(order, tensors[(5*i+3)%len(tensors)])
	}
	r.ReadAhead(order)
	for i, s := range order {
		path := "/org/model/resolve/" + r.Commit + "/" + s.File
		if !a.await(path, s.Offset) {
			t.Errorf("tensor %d, at %d of %s, was not on the way when it was to be read", i, s.Offset, s.File)
		}
		f, err := r.Open(s.File)
		if err != nil {
			t.Fatal(err)
		}
		for off := s.Offset; off < s.Offset+s.Size; off += 1 << 20 {
			p := make([]byte, min(1<<20, s.Offset+s.Size-off))
			if _, err := f.(io.ReaderAt).ReadAt(p, off); err != nil || !bytes.Equal(p, content[off:off+int64(len(p))]) {
				t.Fatalf("%s at %d: other bytes, or %v", s.File, off, err)
			}
		}
	}
	if got, want := h.Bytes.Load(), 2*(last.Offset+last.Size-begin); got != want {
		t.Errorf("%d bytes were fetched for %d", got, want)
	}
	if n := h.Requests.Load(); n > 30 {
		t.Errorf("%d requests for %d tensors", n, len(order))
	}
}

// TestWhatWasReadLeaves reads a repository larger than the memory in the order
// that was said: no more is held of it than is read ahead.
func TestWhatWasReadLeaves(t *testing.T) {
	const size = 24 << 20
	h := hubtest.New(t)
	data := random(10, size)
	h.Add("org/model", map[string][]byte{"m.safetensors": data})
	r := repo(t, connect(t, h, func(o *Options) { o.Budget = 16 << 20 }), "org/model")
	const begin = headSize
	r.ReadAhead([]ahead.Stretch{{File: "m.safetensors", Offset: begin, Size: size - begin}})
	f, err := r.Open("m.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 300<<10)
	for off := int64(begin); off < size; off += int64(len(p)) {
		n := min(len(p), int(size-off))
		if _, err := f.(io.ReaderAt).ReadAt(p[:n], off); err != nil || !bytes.Equal(p[:n], data[off:off+int64(n)]) {
			t.Fatalf("at %d: other bytes, or %v", off, err)
		}
		r.memory.mu.Lock()
		held := r.memory.used + int64(len(r.memory.spare))*blockSize
		r.memory.mu.Unlock()
		if held > r.memory.budget/2 {
			t.Fatalf("%d bytes are held at %d", held, off)
		}
	}
	if got := h.Bytes.Load(); got != size-begin {
		t.Errorf("%d bytes were fetched for %d", got, size-begin)
	}
}

// TestWhatIsReadAgainStays reads a repository larger than the memory twice, the
// second time in pieces that lie otherwise: what there was room for comes once.
func TestWhatIsReadAgainStays(t *testing.T) {
	const begin, size, room = headSize, 24 << 20, 14 << 20
	h := hubtest.New(t)
	data := random(10, size)
	h.Add("org/model", map[string][]byte{"m.safetensors": data})
	r := repo(t, connect(t, h, func(o *Options) { o.Budget = 16 << 20 }), "org/model")
	r.KeepRead(room)
	f, err := r.Open("m.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []int64{5<<20 + 77, 3<<20 + 5} {
		var order []ahead.Stretch
		for off := int64(begin); off < size; off += step {
			order = append(order, ahead.Stretch{File: "m.safetensors", Offset: off, Size: min(step, size-off)})
		}
		r.ReadAhead(order)
		for _, s := range order {
			p := make([]byte, s.Size)
			if _, err := f.(io.ReaderAt).ReadAt(p, s.Offset); err != nil || !bytes.Equal(p, data[s.Offset:][:s.Size]) {
				t.Fatalf("at %d: other bytes, or %v", s.Offset, err)
			}
		}
	}
	once := int64(size - begin)
	if got, most := h.Bytes.Load(), 2*once-room+2*blockSize; got > most {
		t.Errorf("%d bytes were fetched for %d, twice, of which %d could stay", got, once, room)
	}
	if r.memory.kept > room || r.memory.used > r.memory.budget {
		t.Errorf("%d bytes are kept, %d held beside them", r.memory.kept, r.memory.used)
	}
}

// TestDescriptionsComeTogether reads one small file: the others and the head of
// the weights are on their way, and come once.
func TestDescriptionsComeTogether(t *testing.T) {
	h := hubtest.New(t)
	files := map[string][]byte{
		"config.json": random(1, 500), "generation_config.json": random(2, 100), "tokenizer_config.json": random(3, 3000),
		"model.safetensors": random(4, 300<<10), "onnx/config.json": random(5, 200), "logo.png": random(6, 200),
	}
	h.Add("org/model", files)
	a := watch(h)
	r := repo(t, connect(t, h, nil), "org/model")
	if _, err := fs.ReadFile(r, "config.json"); err != nil {
		t.Fatal(err)
	}
	together := []string{"generation_config.json", "tokenizer_config.json", "model.safetensors"}
	for _, name := range together {
		if !a.await("/org/model/resolve/"+r.Commit+"/"+name, 0) {
			t.Errorf("%s was not asked for", name)
		}
	}
	for _, name := range together[:2] {
		if data, err := fs.ReadFile(r, name); err != nil || !bytes.Equal(data, files[name]) {
			t.Errorf("%s: other bytes, or %v", name, err)
		}
	}
	if n := h.Resolves.Load(); n != 4 {
		t.Errorf("%d requests for 4 files", n)
	}
}

// TestWhatIsLeftOutOfAnOrderIsNotFetched reads every other tensor, as a run
// does that goes on.
func TestWhatIsLeftOutOfAnOrderIsNotFetched(t *testing.T) {
	const size, count = 2<<20 + 77, 10
	h := hubtest.New(t)
	data := random(7, size*count)
	h.Add("org/model", map[string][]byte{"m.safetensors": data})
	r := repo(t, connect(t, h, nil), "org/model")
	var order []ahead.Stretch
	for i := int64(1); i < count; i += 2 {
		order = append(order, ahead.Stretch{File: "m.safetensors", Offset: i * size, Size: size})
	}
	r.ReadAhead(order)
	f, err := r.Open("m.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range order {
		p := make([]byte, s.Size)
		if _, err := f.(io.ReaderAt).ReadAt(p, s.Offset); err != nil || !bytes.Equal(p, data[s.Offset:][:size]) {
			t.Fatalf("at %d: other bytes, or %v", s.Offset, err)
		}
	}
	if got := h.Bytes.Load(); got != int64(len(order))*size {
		t.Errorf("%d bytes were fetched for %d", got, len(order)*size)
	}
}

// TestSamplesCostLittle reads rows here and there, some of them again.
func TestSamplesCostLittle(t *testing.T) {
	const samples, size = 40, 10_000
	h := hubtest.New(t)
	data := random(9, 64<<20)
	h.Add("org/model", map[string][]byte{"m.safetensors": data})
	r := repo(t, connect(t, h, nil), "org/model")
	f, err := r.Open("m.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	ctx := ahead.Scattered(t.Context())
	for i := range 2 * samples {
		off := int64(1<<20 + i%samples*7919*150)
		p := make([]byte, size)
		if _, err := f.(*file).ReadAtContext(ctx, p, off); err != nil || !bytes.Equal(p, data[off:off+size]) {
			t.Fatalf("at %d: other bytes, or %v", off, err)
		}
	}
	if n := h.Bytes.Load(); n > samples*2*pieceSize {
		t.Errorf("%d bytes were fetched for %d samples of %d", n, samples, size)
	}
}
