package ollama

import (
	"cmp"
	"path/filepath"
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
var parts = []rule{{"host", "_.:-", 350}, {"namespace", "_-", 80}, {"model", "_.-", 80}, {"tag", "_.-", 80}}

// A rule allows letters, digits and marks, none but "_" at the beginning.
type rule struct {
	what, marks string
	most        int // bytes
}

func (r rule) holds(value string) bool {
	foreign := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune(r.marks, c)
	}
	return value != "" && len(value) <= r.most && !strings.ContainsFunc(value, foreign) && !strings.ContainsAny(value[:1], ".:-")
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
		if !parts[i].holds(value) {
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
