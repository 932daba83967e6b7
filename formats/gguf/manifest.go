package gguf

import (
	"bufio"
	"context"
	"io"
	"slices"
	"strings"

	"github.com/f190792d/mq/formats/fault"
)

// ReadManifest reads the lines of a manifest as gguf-hash writes them:
// the kind, the hash and the name, divided by spaces. Other lines are passed
// over. The name of the manifest is for messages.
func ReadManifest(r io.Reader, name string) ([]Digest, error) {
	var digests []Digest
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		kind, rest, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		value, file, ok := strings.Cut(strings.TrimSpace(rest), " ")
		for _, k := range hashKinds {
			if ok && kind == string(k.kind) {
				digests = append(digests, Digest{k.kind, strings.ToLower(value), strings.TrimSpace(file)})
			}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fault.Op("gguf").File(name).Corrupt("cannot read the manifest: %w", err)
	}
	if len(digests) == 0 {
		return nil, fault.Op("gguf").File(name).Corrupt("the manifest has no line with a hash")
	}
	return digests, nil
}

// Strongest returns the strongest kind of hash in a manifest.
func Strongest(manifest []Digest) HashKind {
	for _, kind := range []HashKind{SHA256, SHA1, XXH64} {
		if slices.ContainsFunc(manifest, func(d Digest) bool { return d.Kind == kind }) {
			return kind
		}
	}
	return UUID
}

// Status is the outcome of a check against a manifest.
type Status string

// The outcomes, spelled as gguf-hash prints them.
const (
	StatusOK       Status = "Ok"
	StatusMismatch Status = "Mismatch"
	StatusNotFound Status = "Not Found" // the manifest does not tell
)

// Verify hashes f, whose name in the manifest is given, and calls report with
// each digest and its outcome. It fails with fault.ErrCheck when a digest
// differs and when the manifest says nothing about the file or names a
// tensor that the file lacks.
func Verify(ctx context.Context, f *File, name string, manifest []Digest, kinds []HashKind, report func(Digest, Status)) error {
	type key struct {
		kind HashKind
		name string
	}
	want := map[key]string{}
	for _, d := range manifest {
		want[key{d.Kind, d.Name}] = d.Value
	}
	found, wrong := 0, ""
	err := Hash(ctx, f, name, kinds, false, func(d Digest) {
		value, ok := want[key{d.Kind, d.Name}]
		delete(want, key{d.Kind, d.Name})
		status := StatusNotFound
		if ok {
			found++
			if status = StatusOK; value != d.Value {
				status = StatusMismatch
				if wrong == "" {
					wrong = d.Name
				}
			}
		}
		report(d, status)
	})
	if err != nil {
		return err
	}
	for _, d := range manifest {
		_, left := want[key{d.Kind, d.Name}]
		if left && strings.HasPrefix(d.Name, name+":") && slices.Contains(kinds, d.Kind) {
			return fault.Op("gguf").File(name).Tensor(strings.TrimPrefix(d.Name, name+":")).Check("the manifest has it but the file lacks it")
		}
	}
	switch {
	case wrong != "":
		return fault.Op("gguf").File(wrong).Check("its data differ from the manifest")
	case found == 0:
		return fault.Op("gguf").File(name).Check("the manifest has no line for this file")
	}
	return nil
}
