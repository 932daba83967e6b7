package hub

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

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
		"https://huggingface.co/a/b/tree/main/onnx":                    {"a", "b", "main"},
		"https://huggingface.co/a/b/tree/fix/names":                    {"a", "b", "fix/names"},
		"https://huggingface.co/a/b/resolve/fix%2Fnames/config.json":   {"a", "b", "fix/names"},
		"https://huggingface.co/a/b/commit/0123abcd":                   {"a", "b", "0123abcd"},
		"https://huggingface.co/a/b/commits/v%401":                     {"a", "b", "v@1"},
		"https://huggingface.co/a/b/discussions/3":                     {"a", "b", ""},
		"hf://a/b@refs%2Fpr%2F1":                                       {"a", "b", "refs/pr/1"},
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
		"https://huggingface.co/a/b/tree/../../c", "https://huggingface.co/a/b/resolve/..%2F..%2Fc/x", "a/b@fix%2Fnames?",
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
		{map[string]string{"HOME": "/h", "HF_HOME": "~/y"}, Options{Cache: "/h/y/hub"}},
		{map[string]string{"HOME": "/h", "XDG_CACHE_HOME": "$DISK/x", "DISK": "/d"}, Options{Cache: "/d/x/huggingface/hub"}},
		{map[string]string{"HOME": "/h", "HUGGINGFACE_HUB_CACHE": "~/${ABSENT}~", "HF_TOKEN_PATH": "${AT}", "AT": "/t"}, Options{Token: "hf_path", Cache: "/h/$ABSENT~"}},
		{map[string]string{"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_CACHE": "~other/c"}, Options{Cache: "~other/c"}},
		{map[string]string{"TRANSFORMERS_OFFLINE": "1"}, Options{Offline: true}},
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
	h, files := hubtest.New(t), model()
	for name, data := range files { // it reads them byte by byte
		files[name] = data[:min(len(data), 300<<10)]
	}
	h.Add("org/model", files)
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
	h.Fault = func(r *http.Request) hubtest.Fault {
		// The small files are asked for together: it is this one that must wait.
		if strings.HasSuffix(r.URL.Path, "/config.json") && refused.Add(1) == 1 {
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
