package hub

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/f190792d/mq/formats/fault"
)

// Name is a model repository of the Hub at a revision: a branch, a tag or a
// commit.
type Name struct {
	Owner, Model string
	Revision     string // empty: the main branch
}

// DefaultRevision is the branch of names without a revision.
const DefaultRevision = "main"

// ID returns OWNER/NAME.
func (n Name) ID() string { return n.Owner + "/" + n.Model }

// String returns OWNER/NAME, and @REVISION where one was given.
func (n Name) String() string {
	if n.Revision == "" {
		return n.ID()
	}
	return n.ID() + "@" + n.Revision
}

// place is where errors about the repository are.
func (n Name) place() fault.Place { return fault.Op("hub").Folder(n.String()) }

func (n Name) revision() string {
	if n.Revision == "" {
		return DefaultRevision
	}
	return n.Revision
}

// part is one half of a repository's name.
var part = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?$`)

// hosts are the names of the Hub that links have.
var hosts = []string{"huggingface.co", "www.huggingface.co", "hf.co"}

// Parse reads OWNER/NAME, hf.co/OWNER/NAME or the address of a page of the
// repository, each with @REVISION after it or with a revision in the
// address. endpoint, which may be empty, is another address of the Hub. It
// reports false where s is none of these, as a path usually is.
func Parse(s, endpoint string) (Name, bool) {
	rest, explicit := strings.CutPrefix(s, "hf://")
	if !explicit {
		rest, explicit = address(s, endpoint)
	}
	if !explicit {
		rest = s
	}
	rest, revision, pinned := strings.Cut(strings.TrimSuffix(rest, "/"), "@")
	parts := strings.Split(rest, "/")
	if len(parts) > 2 && explicit && !pinned {
		revision, pinned = pageRevision(parts[2], parts[3:])
		parts = parts[:2]
	}
	if explicit {
		revision = unescape(revision)
	}
	if len(parts) != 2 || pinned && !validRevision(revision) {
		return Name{}, false
	}
	for _, p := range parts {
		if !part.MatchString(p) || strings.Contains(p, "--") || strings.Contains(p, "..") {
			return Name{}, false
		}
	}
	return Name{parts[0], parts[1], revision}, true
}

// pageRevision returns the revision that a page of a repository shows, false
// where it shows none. The Hub's links escape the slashes of a branch; in the
// address of a folder, they may also stand as they are.
func pageRevision(page string, of []string) (string, bool) {
	switch page {
	case "tree":
		if len(of) > 0 && of[0] != DefaultRevision && !commitID.MatchString(of[0]) {
			return strings.Join(of, "/"), true
		}
	case "blob", "resolve", "raw", "blame", "commit", "commits":
	default:
		return "", false
	}
	return strings.Join(of[:min(1, len(of))], ""), true
}

// address cuts the Hub's own address off a link.
func address(s, endpoint string) (string, bool) {
	if endpoint != "" {
		if rest, ok := strings.CutPrefix(s, strings.TrimSuffix(endpoint, "/")+"/"); ok {
			return withoutQuery(rest), true
		}
	}
	bare := strings.TrimPrefix(strings.TrimPrefix(s, "https://"), "http://")
	for _, host := range hosts {
		if rest, ok := strings.CutPrefix(bare, host+"/"); ok {
			return withoutQuery(rest), true
		}
	}
	return "", false
}

func withoutQuery(s string) string {
	if at := strings.IndexAny(s, "?#"); at >= 0 {
		s = s[:at]
	}
	return s
}

func unescape(s string) string {
	if unescaped, err := url.PathUnescape(s); err == nil {
		return unescaped
	}
	return s
}

func validRevision(s string) bool {
	return s != "" && len(s) < 256 && !strings.Contains(s, "..") && !strings.ContainsAny(s, " \t\r\n\\?#:*[~^\x00")
}

// ParseName is [Parse] for an argument that must name a repository.
func ParseName(s, endpoint string) (Name, error) {
	n, ok := Parse(s, endpoint)
	if !ok {
		return Name{}, fault.Op("hub").Invalid("%q does not name a model repository: write OWNER/NAME, hf.co/OWNER/NAME or OWNER/NAME@REVISION", s)
	}
	return n, nil
}
