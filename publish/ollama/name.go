package ollama

import (
	"cmp"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/f190792d/mq/formats/fault"
)

// Name is the full name of a model: HOST/NAMESPACE/MODEL:TAG.
type Name struct{ Host, Namespace, Model, Tag string }

// What a name has where nothing is said.
const (
	DefaultHost      = "registry.ollama.ai"
	DefaultNamespace = "library"
	DefaultTag       = "latest"
)

// parts are the rules of the four parts of a name.
var parts = []struct {
	what    string
	pattern *regexp.Regexp
}{
	{"host", regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,349}$`)},
	{"namespace", regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_-]{0,79}$`)},
	{"model", regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}$`)},
	{"tag", regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}$`)},
}

// ParseName reads [[HOST/]NAMESPACE/]MODEL[:TAG].
func ParseName(s string) (Name, error) {
	n := Name{Host: DefaultHost, Namespace: DefaultNamespace, Tag: DefaultTag}
	rest := s
	if at := strings.LastIndexByte(rest, ':'); at > strings.LastIndexByte(rest, '/') {
		rest, n.Tag = rest[:at], rest[at+1:]
	}
	switch fields := strings.Split(rest, "/"); len(fields) {
	case 1:
		n.Model = fields[0]
	case 2:
		n.Namespace, n.Model = fields[0], fields[1]
	case 3:
		n.Host, n.Namespace, n.Model = fields[0], fields[1], fields[2]
	default:
		return Name{}, fault.Op("ollama").Invalid("%q is not the name of a model: write [[HOST/]NAMESPACE/]MODEL[:TAG]", s)
	}
	for i, value := range []string{n.Host, n.Namespace, n.Model, n.Tag} {
		if !parts[i].pattern.MatchString(value) {
			return Name{}, fault.Op("ollama").Invalid("%q is not the name of a model: the %s %q is empty, too long, or has a character that names do not have", s, parts[i].what, value)
		}
	}
	return n, nil
}

// String returns the shortest name that reads as n; the tag is always there.
func (n Name) String() string {
	s := n.Model + ":" + n.Tag
	if n.Host != DefaultHost {
		return n.Host + "/" + n.Namespace + "/" + s
	}
	if n.Namespace != DefaultNamespace {
		return n.Namespace + "/" + s
	}
	return s
}

// file is where the manifest lies, below the folder of manifests. A colon,
// which a host may have, is no part of a file's name on Windows; Ollama writes
// it all the same.
func (n Name) file() string {
	return filepath.Join(cmp.Or(n.Host, DefaultHost), n.Namespace, n.Model, n.Tag)
}
