package hub

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/internal/hubtest"
)

func random(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 7))
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return p
}

// model is a repository with small and large files.
func model() map[string][]byte {
	return map[string][]byte{
		"config.json":                      []byte(`{"architectures": ["LlamaForCausalLM"]}`),
		"model-00001-of-00002.safetensors": random(1, 5<<20+123),
		"model-00002-of-00002.safetensors": random(2, 3<<20),
		"1_Pooling/config.json":            []byte(`{}`),
		"empty.txt":                        {},
	}
}

func connect(t testing.TB, h *hubtest.Hub, change func(*Options)) *Client {
	t.Helper()
	o := Options{Endpoint: h.URL(), Timeout: 2 * time.Second}
	if change != nil {
		change(&o)
	}
	c, err := NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	c.backoff = time.Millisecond
	return c
}

func repo(t testing.TB, c *Client, name string) *Repo {
	t.Helper()
	n, err := ParseName(name, c.o.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Repo(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func TestNamesAreParsed(t *testing.T) {
	for s, want := range map[string]Name{
		"meta-llama/Llama-3.2-1B":                                      {"meta-llama", "Llama-3.2-1B", ""},
		"hf.co/Qwen/Qwen3-8B":                                          {"Qwen", "Qwen3-8B", ""},
		"https://huggingface.co/Qwen/Qwen3-8B":                         {"Qwen", "Qwen3-8B", ""},
		"https://huggingface.co/Qwen/Qwen3-8B/":                        {"Qwen", "Qwen3-8B", ""},
		"https://huggingface.co/Qwen/Qwen3-8B/tree/refs%2Fpr%2F1":      {"Qwen", "Qwen3-8B", "refs/pr/1"},
		"https://hf.co/Qwen/Qwen3-8B/blob/main/config.json?download=1": {"Qwen", "Qwen3-8B", "main"},
		"Qwen/Qwen3-8B@v1.0":                                           {"Qwen", "Qwen3-8B", "v1.0"},
		"hf://Qwen/Qwen3-8B@main":                                      {"Qwen", "Qwen3-8B", "main"},
		"http://127.0.0.1:99/a/b":                                      {"a", "b", ""},
	} {
		if got, ok := Parse(s, "http://127.0.0.1:99"); !ok || got != want {
			t.Errorf("Parse(%q) = %+v, %v, want %+v", s, got, ok, want)
		}
	}
	for _, s := range []string{
		"", "model", "./a/b", "/a/b", "../a/b", "a/b/c", "a//b", "a/b@", "a/b@x y", "a/-b", "a/b..c", "a/b--c", "models/x.gguf/", "a\\b", "a/b.",
		"https://example.com/a/b", "hf.co/a", "https://huggingface.co/a/b/tree",
	} {
		if got, ok := Parse(s, ""); ok && s != "models/x.gguf/" {
			t.Errorf("Parse(%q) = %+v", s, got)
		}
	}
}

func TestEnvironmentIsThatOfTheHubsClient(t *testing.T) {
	files := map[string]string{"/h/.cache/huggingface/token": "hf_file\r\n", "/t": " hf_path\n"}
	read := func(path string) ([]byte, error) {
		if text, ok := files[filepath.ToSlash(path)]; ok {
			return []byte(text), nil
		}
		return nil, fs.ErrNotExist
	}
	for _, c := range []struct {
		env  map[string]string
		want Options
	}{
		{map[string]string{"HOME": "/h"}, Options{Token: "hf_file", Cache: "/h/.cache/huggingface/hub"}},
		{map[string]string{"HOME": "/h", "XDG_CACHE_HOME": "/x"}, Options{Cache: "/x/huggingface/hub"}},
		{map[string]string{"HOME": "/h", "HF_HOME": "/y", "HF_TOKEN": "hf_a\n"}, Options{Token: "hf_a", Cache: "/y/hub"}},
		{map[string]string{"HF_HUB_CACHE": "/c", "HUGGINGFACE_HUB_CACHE": "/d", "HF_TOKEN_PATH": "/t"}, Options{Token: "hf_path", Cache: "/c"}},
		{map[string]string{"HOME": "/h", "HF_HUB_OFFLINE": "yes", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}, Options{Offline: true, Cache: "/h/.cache/huggingface/hub"}},
		{map[string]string{"HF_ENDPOINT": "https://mirror.example/", "HF_HUB_DOWNLOAD_TIMEOUT": "3"}, Options{Endpoint: "https://mirror.example", Timeout: 3 * time.Second}},
	} {
		got, err := fromEnv(func(key string) string { return c.env[key] }, read)
		got.Cache = filepath.ToSlash(got.Cache)
		if err != nil || got.Token != c.want.Token || got.Cache != c.want.Cache || got.Offline != c.want.Offline || got.Endpoint != c.want.Endpoint || got.Timeout != c.want.Timeout {
			t.Errorf("%v: %+v, %v, want %+v", c.env, got, err, c.want)
		}
	}
	if _, err := fromEnv(func(key string) string { return map[string]string{"HF_ENDPOINT": "ftp://x"}[key] }, read); !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("an endpoint by ftp: %v", err)
	}
	_, err := fromEnv(func(key string) string { return map[string]string{"HF_TOKEN": "hf_a b"}[key] }, read)
	if err == nil || strings.Contains(err.Error(), "hf_a") {
		t.Errorf("a token with a space: %v", err)
	}
}

func TestRepositoryIsAFileSystem(t *testing.T) {
	h := hubtest.New(t)
	h.Add("org/model", model())
	if err := fstest.TestFS(repo(t, connect(t, h, nil), "org/model"), "config.json", "1_Pooling/config.json", "model-00002-of-00002.safetensors"); err != nil {
		t.Fatal(err)
	}
}

// readers read one file at random places at once and compare.
func readers(t *testing.T, r *Repo, name string, want []byte, seed uint64) error {
	t.Helper()
	f, err := r.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	at := f.(io.ReaderAt)
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			for range 12 {
				off := random.IntN(len(want))
				p := make([]byte, random.IntN(1<<20))
				n, err := at.ReadAt(p, int64(off))
				if err != nil && err != io.EOF {
					errs[i] = err
					return
				}
				if expect := min(len(p), len(want)-off); n != expect || !bytes.Equal(p[:n], want[off:off+n]) {
					errs[i] = fault.Check("%d bytes at %d: %d read, or others", len(p), off, n)
					return
				}
			}
			off := 0 // and once from front to back
			for p := make([]byte, 300_000); off < len(want); {
				n, err := at.ReadAt(p, int64(off))
				if err != nil && err != io.EOF || !bytes.Equal(p[:n], want[off:off+n]) {
					errs[i] = fault.Check("%d bytes at %d: %d read, %v", len(p), off, n, err)
					return
				}
				off += n
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func TestReadsGiveTheFilesBytes(t *testing.T) {
	for name, change := range map[string]func(*hubtest.Hub){
		"redirected":   func(*hubtest.Hub) {},
		"from the Hub": func(h *hubtest.Hub) { h.Unredirect = true },
		"as Xet":       func(h *hubtest.Hub) { h.Xet = true },
		"expiring":     func(h *hubtest.Hub) { h.Expiry = 30 * time.Millisecond; h.Delay = 2 * time.Millisecond },
		"ranges ignored": func(h *hubtest.Hub) {
			h.Fault = func(*http.Request) hubtest.Fault { return hubtest.Fault{IgnoreRange: true} }
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := hubtest.New(t)
			change(h)
			files := model()
			h.Add("org/model", files)
			r := repo(t, connect(t, h, nil), "org/model")
			const big = "model-00001-of-00002.safetensors"
			if err := readers(t, r, big, files[big], 3); err != nil {
				t.Error(err)
			}
			data, err := fs.ReadFile(r, "config.json")
			if err != nil || !bytes.Equal(data, files["config.json"]) {
				t.Errorf("config.json: %q, %v", data, err)
			}
		})
	}
}

// TestFaultsDoNotChangeBytes reads through cuts, stalls and refusals at random
// places.
func TestFaultsDoNotChangeBytes(t *testing.T) {
	rounds := 100
	if testing.Short() {
		rounds = 12
	}
	files := model()
	const big = "model-00001-of-00002.safetensors"
	for seed := range rounds {
		h := hubtest.New(t)
		random, mu := rand.New(rand.NewPCG(uint64(seed), 1)), sync.Mutex{}
		h.Fault = func(*http.Request) hubtest.Fault {
			mu.Lock()
			defer mu.Unlock()
			switch random.IntN(20) {
			case 0, 1, 2, 3, 4, 5:
				return hubtest.Fault{CutAfter: 1 + random.Int64N(1<<20)}
			case 6, 7:
				return hubtest.Fault{Status: []int{500, 502, 503, 504, 408}[random.IntN(5)]}
			case 8:
				return hubtest.Fault{Stall: time.Duration(random.IntN(500)) * time.Millisecond}
			case 9, 10:
				return hubtest.Fault{Status: http.StatusForbidden}
			}
			return hubtest.Fault{}
		}
		h.Add("org/model", files)
		c := connect(t, h, func(o *Options) { o.Timeout, o.Attempts, o.Budget = 250*time.Millisecond, 14, 4<<20 })
		if err := readers(t, repo(t, c, "org/model"), big, files[big], uint64(seed)); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		h.Server.Close()
		h.Storage.Close()
	}
}

func TestPausesAreThoseOfTheServer(t *testing.T) {
	h := hubtest.New(t)
	h.Add("org/model", model())
	var refused atomic.Int32
	h.Fault = func(*http.Request) hubtest.Fault {
		if refused.Add(1) == 1 {
			return hubtest.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"0"}}}
		}
		return hubtest.Fault{}
	}
	start := time.Now()
	if _, err := fs.ReadFile(repo(t, connect(t, h, nil), "org/model"), "config.json"); err != nil || time.Since(start) < 900*time.Millisecond {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}

func TestTokenGoesToTheEndpointAlone(t *testing.T) {
	h := hubtest.New(t)
	h.Token = "hf_secret"
	r := h.Add("org/model", model())
	r.Gated = true
	c := connect(t, h, func(o *Options) { o.Token = "hf_secret" })
	if _, err := fs.ReadFile(repo(t, c, "org/model"), "model-00002-of-00002.safetensors"); err != nil {
		t.Fatal(err)
	}
	if saw := h.StorageSaw(); saw != nil {
		t.Errorf("the storage host saw %q", saw)
	}
}

func TestUnencryptedRedirectsAreRefused(t *testing.T) {
	c, err := NewClient(Options{Endpoint: "https://hub.example"})
	if err != nil {
		t.Fatal(err)
	}
	u := *c.endpoint
	u.Scheme = "http"
	if resp, err := c.send(t.Context(), http.MethodGet, &u, nil, nil); !errors.Is(err, fault.ErrCorrupt) {
		if err == nil {
			resp.Body.Close()
		}
		t.Errorf("%v", err)
	}
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	h := hubtest.New(t)
	h.Token = "hf_good"
	h.Add("org/open", model())
	h.Add("org/gated", model()).Gated = true
	h.Add("org/private", model()).Private = true
	h.Add("org/disabled", model()).Disabled = true
	read := func(token, name, file string) error {
		c := connect(t, h, func(o *Options) { o.Token = token })
		n, err := ParseName(name, "")
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Repo(t.Context(), n)
		if err != nil {
			return err
		}
		defer r.Close()
		_, err = fs.ReadFile(r, file)
		return err
	}
	for _, c := range []struct{ token, name, want string }{
		{"", "org/absent", "no such repository, or it is private"},
		{"", "org/private", "no such repository, or it is private"},
		{"", "org/gated", "accept its terms"},
		{"", "org/disabled", "taken it down"},
		{"hf_bad", "org/open", "does not accept the token"},
		{"hf_good", "org/absent", "no such repository, or the token may not read it"},
		{"", "org/open@nothing", "no such revision"},
	} {
		err := read(c.token, c.name, "config.json")
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "org/") || !errors.Is(err, fault.ErrInvalid) {
			t.Errorf("%s with %q: %v", c.name, c.token, err)
		}
		if err != nil && c.token != "" && strings.Contains(err.Error(), c.token) {
			t.Errorf("the token is in %q", err)
		}
	}
	if err := read("hf_good", "org/gated", "config.json"); err != nil {
		t.Error(err)
	}
	h.Server.Close()
	if err := read("", "org/open", "config.json"); !errors.Is(err, fault.ErrIO) || !strings.Contains(err.Error(), "no connection") {
		t.Errorf("without a server: %v", err)
	}
}

func TestChangedContentIsFound(t *testing.T) {
	h := hubtest.New(t)
	files := model()
	origin := h.Add("org/model", files)
	r := repo(t, connect(t, h, nil), "org/model")
	const big = "model-00001-of-00002.safetensors"

	h.Fault = func(*http.Request) hubtest.Fault { return hubtest.Fault{Flip: true} }
	for _, name := range []string{"config.json", big} {
		if _, err := fs.ReadFile(r, name); !errors.Is(err, fault.ErrCorrupt) || !strings.Contains(err.Error(), "hash") {
			t.Errorf("%s with a wrong byte: %v", name, err)
		}
	}
	h.Fault = nil
	origin.Commit(map[string][]byte{"config.json": []byte("{}"), big: random(9, 5<<20+123)})
	if data, err := fs.ReadFile(r, big); err != nil || !bytes.Equal(data, files[big]) {
		t.Errorf("a later commit shows: %v", err)
	}
	r = repo(t, connect(t, h, nil), "org/model")
	origin.Rewrite(big, random(10, 5<<20+123))
	if _, err := fs.ReadFile(r, big); !errors.Is(err, fault.ErrCorrupt) || !strings.Contains(err.Error(), "changed") {
		t.Errorf("rewritten history: %v", err)
	}
}

func TestCancelEndsReads(t *testing.T) {
	h := hubtest.New(t)
	h.Add("org/model", model())
	r := repo(t, connect(t, h, nil), "org/model")
	h.Fault = func(*http.Request) hubtest.Fault { return hubtest.Fault{Stall: 800 * time.Millisecond} }
	f, err := r.Open("model-00001-of-00002.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	p := make([]byte, 2<<20)
	_, err = f.(interface {
		ReadAtContext(ctx context.Context, p []byte, off int64) (int, error)
	}).ReadAtContext(ctx, p, 1<<20)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 500*time.Millisecond {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}

func TestMemoryStaysWithinTheBudget(t *testing.T) {
	h := hubtest.New(t)
	files := map[string][]byte{"model.safetensors": random(4, 64<<20)}
	h.Add("org/model", files)
	r := repo(t, connect(t, h, func(o *Options) { o.Budget = 16 << 20 }), "org/model")
	if err := readers(t, r, "model.safetensors", files["model.safetensors"], 5); err != nil {
		t.Fatal(err)
	}
	if n := len(r.memory.blocks); n > 16+4 {
		t.Errorf("%d blocks are held under a budget of 16", n)
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
	const experts, size = 20_000, 1000
	h := hubtest.New(t)
	data := random(6, 3*experts*size)
	h.Add("org/model", map[string][]byte{"model.safetensors": data})
	r := repo(t, connect(t, h, nil), "org/model")
	f, err := r.Open("model.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, size)
	for kind := range 3 {
		for e := range experts {
			off := int64((3*e + kind) * size)
			if _, err := f.(io.ReaderAt).ReadAt(p, off); err != nil || !bytes.Equal(p, data[off:off+size]) {
				t.Fatalf("expert %d: %v", e, err)
			}
		}
	}
	if n := h.Requests.Load(); n > 60 {
		t.Errorf("%d requests", n)
	}
}

// TestHeadersCostTheirBytes reads the headers of a set, some of which are
// longer than the first look at a file, and a vocabulary twice.
func TestHeadersCostTheirBytes(t *testing.T) {
	h := hubtest.New(t)
	files, all := map[string][]byte{"tokenizer.json": random(11, 3<<20)}, int64(3<<20)
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
		for _, span := range [][2]int{{0, 8}, {8, n}} {
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
	if n, requests := h.Bytes.Load(), h.Requests.Load(); n > all+400_000 || requests > 20 {
		t.Errorf("%d bytes in %d requests for %d of headers and vocabulary", n, requests, all)
	}
}

func TestCacheKeepsAndServesSnapshots(t *testing.T) {
	h := hubtest.New(t)
	files := model()
	h.Add("org/model", files)
	dir := t.TempDir()
	c := connect(t, h, func(o *Options) { o.Cache = dir })
	r := repo(t, c, "org/model")
	all := func(string) bool { return true }
	if _, ok := r.Snapshot(all); ok {
		t.Error("an empty cache has a snapshot")
	}
	h.Fault = cutting(200_000) // a download goes on behind a cut
	kept, err := r.Keep(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join(kept, filepath.FromSlash(name))); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	if got, ok := r.Snapshot(all); !ok || got != kept {
		t.Errorf("Snapshot = %q, %v", got, ok)
	}
	before := h.Bytes.Load()
	if _, err := r.Keep(t.Context(), all); err != nil || h.Bytes.Load() != before {
		t.Errorf("a complete snapshot was fetched again: %v", err)
	}
	offline, err := NewClient(Options{Cache: dir, Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	if got, commit, ok := offline.Cached(r.Name); !ok || got != kept || commit != r.Commit {
		t.Errorf("Cached = %q, %q, %v", got, commit, ok)
	}
	if _, err := offline.Repo(t.Context(), Name{Owner: "org", Model: "other"}); !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("offline: %v", err)
	}
	leftovers, _ := filepath.Glob(filepath.Join(dir, "*", "blobs", "*incomplete*"))
	if len(leftovers) != 0 {
		t.Errorf("left behind: %v", leftovers)
	}
}

// cutting cuts each answer after n bytes.
func cutting(n int64) func(*http.Request) hubtest.Fault {
	return func(*http.Request) hubtest.Fault { return hubtest.Fault{CutAfter: n} }
}

func TestPushUploadsAndCommits(t *testing.T) {
	for name, part := range map[string]int64{"whole": 0, "parts": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			h := hubtest.New(t)
			h.Token, h.PartSize = "hf_w", part
			c := connect(t, h, func(o *Options) { o.Token = "hf_w" })
			n := Name{Owner: "tester", Model: "model-GGUF"}
			for range 2 { // the second finds it
				if err := c.Create(t.Context(), n, false); err != nil {
					t.Fatal(err)
				}
			}
			weights := random(11, 5<<20+77)
			path := filepath.Join(t.TempDir(), "m.gguf")
			if err := os.WriteFile(path, weights, 0o600); err != nil {
				t.Fatal(err)
			}
			var puts atomic.Int32
			h.Fault = func(r *http.Request) hubtest.Fault {
				if r.Method == http.MethodPut && puts.Add(1) == 1 {
					return hubtest.Fault{Status: http.StatusBadGateway}
				}
				return hubtest.Fault{}
			}
			commit := Commit{Message: "Add", Files: []Upload{{Path: "m.gguf", File: path}, {Path: "README.md", Data: []byte("# m\n")}}}
			pushed, err := c.Push(t.Context(), n, commit)
			if err != nil || pushed.Sent != 1 || pushed.Commit == "" {
				t.Fatalf("%+v, %v", pushed, err)
			}
			head := h.Repo("tester/model-GGUF").Head()
			if !bytes.Equal(head["m.gguf"], weights) || string(head["README.md"]) != "# m\n" || head[".gitattributes"] == nil {
				t.Errorf("the repository holds %d files", len(head))
			}
			if pushed, err = c.Push(t.Context(), n, commit); err != nil || pushed.Sent != 0 {
				t.Errorf("a second push sent %d files, %v", pushed.Sent, err)
			}
			if _, err := connect(t, h, nil).Push(t.Context(), n, commit); !errors.Is(err, fault.ErrInvalid) {
				t.Errorf("without a token: %v", err)
			}
		})
	}
}
