package hub

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/internal/hubtest"
)

var pushed = Name{Owner: "org", Model: "m"}

// pushing is a Hub with an empty repository, and a commit of a file that it
// takes in six parts.
func pushing(t *testing.T) (*hubtest.Hub, Commit, []byte) {
	t.Helper()
	h := hubtest.New(t)
	h.Token, h.PartSize = "hf_secret", 1<<20
	h.Add("org/m", map[string][]byte{})
	weights := random(12, 5<<20+77)
	path := filepath.Join(t.TempDir(), "m.gguf")
	if err := os.WriteFile(path, weights, 0o600); err != nil {
		t.Fatal(err)
	}
	return h, Commit{Files: []Upload{{Path: "m.gguf", File: path}, {Path: "README.md", Data: []byte("# m\n")}}}, weights
}

func writer(t *testing.T, h *hubtest.Hub, unfinished string) *Client {
	t.Helper()
	return connect(t, h, func(o *Options) {
		o.Token, o.Unfinished, o.Timeout, o.Attempts = "hf_secret", unfinished, 300*time.Millisecond, 3
	})
}

// onPut makes faults of the uploads, by their number.
func onPut(h *hubtest.Hub, fault func(n int32) hubtest.Fault) {
	var puts atomic.Int32
	h.Fault = func(r *http.Request) hubtest.Fault {
		if r.Method != http.MethodPut {
			return hubtest.Fault{}
		}
		return fault(puts.Add(1))
	}
}

func TestUploadsSurviveWhatStorageDoes(t *testing.T) {
	for name, f := range map[string]hubtest.Fault{
		"cut": {CutAfter: 300_000}, "silent": {Stall: 2 * time.Second}, "unavailable": {Status: http.StatusServiceUnavailable},
		"expired": {Status: http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			h, commit, weights := pushing(t)
			onPut(h, func(n int32) hubtest.Fault {
				if n == 2 {
					return f
				}
				return hubtest.Fault{}
			})
			most := int64(0)
			commit.Progress = func(r progress.Report) { most = max(most, r.Done) }
			p, err := writer(t, h, t.TempDir()).Push(t.Context(), pushed, commit)
			if err != nil || p.Sent != 1 {
				t.Fatalf("%+v, %v", p, err)
			}
			if head := h.Repo("org/m").Head(); !bytes.Equal(head["m.gguf"], weights) {
				t.Error("the content is another")
			}
			if most != int64(len(weights)) {
				t.Errorf("%d bytes were reported of %d", most, len(weights))
			}
		})
	}
}

// TestStoppedPushGoesOn: what was sent is not sent again, by another process
// either, as long as the Hub takes the rest.
func TestStoppedPushGoesOn(t *testing.T) {
	for name, spoil := range map[string]func(h *hubtest.Hub){
		"":           func(*hubtest.Hub) {},
		"forgotten":  func(h *hubtest.Hub) { h.Forget() },
		"incomplete": func(h *hubtest.Hub) { h.Incomplete = 1 },
	} {
		h, commit, weights := pushing(t)
		unfinished := filepath.Join(t.TempDir(), "uploads")
		onPut(h, func(n int32) hubtest.Fault {
			if n > 4 {
				return hubtest.Fault{Status: http.StatusBadGateway}
			}
			return hubtest.Fault{}
		})
		if _, err := writer(t, h, unfinished).Push(t.Context(), pushed, commit); !errors.Is(err, fault.ErrIO) {
			t.Fatal(err)
		}
		info, err := os.Stat(unfinished)
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("what was begun is open to others: %v", err)
		}
		h.Fault = nil
		before := h.Received.Load()
		spoil(h)
		p, err := writer(t, h, unfinished).Push(t.Context(), pushed, commit)
		if err != nil || p.Sent != 1 || !bytes.Equal(h.Repo("org/m").Head()["m.gguf"], weights) {
			t.Fatalf("%s: %+v, %v", name, p, err)
		}
		if again := h.Received.Load() - before; name == "" && again != int64(len(weights))-before {
			t.Errorf("%d bytes were sent, then %d of %d", before, again, len(weights))
		}
		if left, _ := os.ReadDir(unfinished); len(left) > 0 {
			t.Errorf("%s: %d notes are left", name, len(left))
		}
	}
}

func TestNothingNewIsNoCommit(t *testing.T) {
	h, commit, _ := pushing(t)
	h.Ignored = []string{"junk.txt"}
	commit.Message = "Add it"
	commit.Files = append(commit.Files, Upload{Path: "junk.txt", Data: []byte("x")})
	for i, sent := range []int{1, 0} {
		p, err := writer(t, h, "").Push(t.Context(), pushed, commit)
		if err != nil || p.Sent != sent || (p.Commit == "") != (i > 0) || len(p.Ignored) != 1 {
			t.Errorf("%+v, %v", p, err)
		}
	}
	if log := h.Repo("org/m").Log(); len(log) != 2 || log[1] != "Add it" {
		t.Errorf("%q", log)
	}
	commit.Files[1].Data, commit.PullRequest = []byte("# n\n"), true
	p, err := writer(t, h, "").Push(t.Context(), pushed, commit)
	if r := h.Repo("org/m"); err != nil || p.PullRequest == "" || string(r.Head()["README.md"]) != "# m\n" || string(r.Proposed["README.md"]) != "# n\n" {
		t.Errorf("a pull request: %+v, %v", p, err)
	}
}

func TestRefusedUploadsAreExplained(t *testing.T) {
	h, commit, _ := pushing(t)
	onPut(h, func(int32) hubtest.Fault { return hubtest.Fault{Status: http.StatusForbidden} })
	if _, err := writer(t, h, "").Push(t.Context(), pushed, commit); !errors.Is(err, fault.ErrIO) || !strings.Contains(err.Error(), "storage refuses") {
		t.Errorf("refused for ever: %v", err)
	}
	requests := h.Requests.Load()
	for name, n := range map[string]Name{"no such repository": {Owner: "org", Model: "absent"}} {
		if _, err := writer(t, h, "").Push(t.Context(), n, commit); !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if more := h.Requests.Load() - requests; more != 1 {
		t.Errorf("%d requests", more)
	}
	offline := connect(t, h, func(o *Options) { o.Token, o.Offline = "hf_secret", true })
	if _, err := offline.Push(t.Context(), pushed, commit); !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), "HF_HUB_OFFLINE") {
		t.Errorf("offline: %v", err)
	}
}

// TestTokensStayOutOfMessages, even where a server repeats them.
func TestTokensStayOutOfMessages(t *testing.T) {
	c, err := NewClient(Options{Token: "hf_secret"})
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range []int{400, 401, 403, 404, 409, 500} {
		h := http.Header{"X-Error-Message": {"bad token hf_secret of Bearer hf_secret"}}
		if err := c.refused(&status{code, h}, pushed.place()); strings.Contains(err.Error(), "hf_secret") {
			t.Errorf("%d: %v", code, err)
		}
	}
}
