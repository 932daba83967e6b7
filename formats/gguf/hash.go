package gguf

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/f190792d/mq/formats/fault"
)

// HashKind names a hash as the manifests of gguf-hash spell it.
type HashKind string

// The kinds of hashes, the weakest first. All are taken of tensor data alone,
// without padding, so that key-values may change. A UUID is a name for the
// whole model, version 5 in the namespace of llama.cpp; tensors have none.
const (
	UUID   HashKind = "uuid"
	XXH64  HashKind = "xxh64"
	SHA1   HashKind = "sha1"
	SHA256 HashKind = "sha256"
)

// hashKinds are all kinds in the order of a manifest's lines.
var hashKinds = []struct {
	kind HashKind
	make func() hash.Hash
}{
	{XXH64, func() hash.Hash { return xxhash.New() }},
	{SHA1, sha1.New},
	{SHA256, sha256.New},
	{UUID, newUUID},
}

// Digest is the hash of a tensor, or of all tensors in the order of the file.
type Digest struct {
	Kind  HashKind
	Value string // in hexadecimal
	Name  string // FILE:TENSOR, or FILE for all tensors
}

// String returns the digest as a line of a manifest, without its end.
func (d Digest) String() string { return fmt.Sprintf("%-8s  %s  %s", d.Kind, d.Value, d.Name) }

// Hash calls emit with the digests of f in the order of a manifest: those of
// each tensor, unless whole is set, then those of the model. The name stands
// for the file in the digests.
func Hash(ctx context.Context, f *File, name string, kinds []HashKind, whole bool, emit func(Digest)) error {
	h, err := newHasher(kinds)
	if err != nil {
		return err
	}
	buf := make([]byte, 1<<20)
	for _, t := range f.Tensors() {
		for i := range h.tensor {
			h.tensor[i].Reset()
		}
		for off := int64(0); off < t.Size(); {
			if err := ctx.Err(); err != nil {
				return err
			}
			b := buf[:min(int64(len(buf)), t.Size()-off)]
			if _, err := f.ReadTensorAt(ctx, t, b, off); err != nil {
				return err
			}
			h.write(b, !whole)
			f.Release(t, off, int64(len(b)))
			off += int64(len(b))
		}
		if !whole {
			for i, kind := range h.kinds {
				if kind != UUID {
					emit(Digest{kind, hex.EncodeToString(h.tensor[i].Sum(nil)), name + ":" + t.Name})
				}
			}
		}
	}
	for i, kind := range h.kinds {
		value := hex.EncodeToString(h.model[i].Sum(nil))
		if kind == UUID {
			value = uuid5(h.model[i].Sum(nil))
		}
		emit(Digest{kind, value, name})
	}
	return nil
}

// hasher runs several hashes over a model and over its tensors.
type hasher struct {
	kinds         []HashKind
	model, tensor []hash.Hash
}

func newHasher(kinds []HashKind) (*hasher, error) {
	h := &hasher{}
	for _, k := range hashKinds {
		if slices.Contains(kinds, k.kind) {
			h.kinds = append(h.kinds, k.kind)
			h.model = append(h.model, k.make())
			h.tensor = append(h.tensor, k.make())
		}
	}
	for _, kind := range kinds {
		if !slices.Contains(h.kinds, kind) {
			return nil, fault.Op("gguf").Invalid("there is no hash %q: take xxh64, sha1, sha256 or uuid", kind)
		}
	}
	return h, nil
}

func (h *hasher) write(b []byte, tensors bool) {
	for i, kind := range h.kinds {
		h.model[i].Write(b)
		if tensors && kind != UUID {
			h.tensor[i].Write(b)
		}
	}
}

// uuidNamespace is the one that gguf-hash uses:
// ef001206-dadc-5f6d-a15f-3359e577d4e5.
var uuidNamespace = []byte{0xef, 0x00, 0x12, 0x06, 0xda, 0xdc, 0x5f, 0x6d, 0xa1, 0x5f, 0x33, 0x59, 0xe5, 0x77, 0xd4, 0xe5}

func newUUID() hash.Hash {
	h := sha1.New()
	h.Write(uuidNamespace)
	return h
}

// uuid5 spells a SHA-1 as a UUID of version 5 (RFC 9562, section 5.5).
func uuid5(sum []byte) string {
	u := sum[:16]
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
