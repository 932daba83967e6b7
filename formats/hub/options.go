package hub

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/f190792d/mq/formats/fault"
)

// Options configures a client. The zero value reads public repositories of
// the public Hub and no cache.
type Options struct {
	Endpoint string // address of the Hub; empty: DefaultEndpoint
	Token    string // sent to the endpoint alone
	Offline  bool   // the cache only
	Cache    string // folder of the Hub's cache; empty: none
	// Unfinished is a folder that remembers uploads in parts, so that a push
	// which was stopped goes on; empty: none.
	Unfinished string
	Agent      string       // User-Agent
	HTTP       *http.Client // nil: one of its own

	Timeout     time.Duration // without a byte received; 0: 10 s
	Connections int           // reads at once; 0: 16
	Budget      int64         // bytes of files held in memory; 0: 128 MiB
	Attempts    int           // without any progress; 0: 5

	// Fetched, if not nil, is told of every piece received. It is called from
	// several goroutines.
	Fetched func(bytes int)
	// Waiting, if not nil, is told when the Hub asks for a pause.
	Waiting func(pause time.Duration, reason string)
}

// DefaultEndpoint is the public Hub.
const DefaultEndpoint = "https://huggingface.co"

// What a client does where its options say nothing, and what none says.
const (
	defaultTimeout     = 10 * time.Second
	defaultConnections = 16
	defaultBudget      = 128 << 20
	defaultAttempts    = 5

	mostDownloads = 8 // files that come into the cache at once, as of the Hub's own client
	mostParts     = 4 // of a file that are sent at once
)

// FromEnv reads the variables that the Hub's own client reads: HF_ENDPOINT,
// HF_TOKEN and its files, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE and their older
// names.
func FromEnv() (Options, error) { return fromEnv(os.Getenv, os.ReadFile) }

func fromEnv(env func(string) string, read func(string) ([]byte, error)) (Options, error) {
	o := Options{Endpoint: strings.TrimSuffix(strings.TrimSpace(env("HF_ENDPOINT")), "/")}
	if o.Endpoint != "" {
		u, err := url.Parse(o.Endpoint)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return o, fault.Op("hub").Invalid("HF_ENDPOINT is %q, not an http or https address", o.Endpoint)
		}
	}
	o.Offline = truthy(first(env("HF_HUB_OFFLINE"), env("TRANSFORMERS_OFFLINE")))
	home := expand(first(env("HF_HOME"), join(env("XDG_CACHE_HOME"), "huggingface"), join(userHome(env), ".cache", "huggingface")), env)
	o.Cache = expand(first(env("HF_HUB_CACHE"), env("HUGGINGFACE_HUB_CACHE"), join(home, "hub")), env)
	if seconds, err := time.ParseDuration(env("HF_HUB_DOWNLOAD_TIMEOUT") + "s"); err == nil && seconds > 0 {
		o.Timeout = seconds
	}
	if truthy(env("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
		return o, nil
	}
	o.Token = cleanToken(first(env("HF_TOKEN"), env("HUGGING_FACE_HUB_TOKEN")))
	if path := expand(first(env("HF_TOKEN_PATH"), join(home, "token")), env); o.Token == "" && path != "" {
		if data, err := read(path); err == nil {
			o.Token = cleanToken(string(data))
		}
	}
	if strings.ContainsFunc(o.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return o, fault.Op("hub").Invalid("the token of HF_TOKEN or its file contains characters that no token has")
	}
	return o, nil
}

func userHome(env func(string) string) string { return first(env("HOME"), env("USERPROFILE")) }

// expand replaces a leading ~ and the variables of a path, which no shell does
// in a container's environment and the Hub's own client does everywhere.
func expand(path string, env func(string) string) string {
	if rest, ok := strings.CutPrefix(path, "~"); ok && (rest == "" || os.IsPathSeparator(rest[0])) {
		path = first(join(userHome(env), rest), path)
	}
	return os.Expand(path, func(name string) string { return first(env(name), "$"+name) })
}

// cleanToken strips line ends, which editors leave in token files.
func cleanToken(s string) string {
	return strings.TrimSpace(strings.NewReplacer("\r", "", "\n", "").Replace(s))
}

func truthy(s string) bool {
	return slices.Contains([]string{"1", "ON", "YES", "TRUE"}, strings.ToUpper(s))
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// join joins a path below a folder that may be unknown.
func join(dir string, names ...string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(append([]string{dir}, names...)...)
}

func (o Options) endpoint() string { return first(o.Endpoint, DefaultEndpoint) }

func or[T int | int64 | time.Duration](v, standard T) T {
	if v > 0 {
		return v
	}
	return standard
}
