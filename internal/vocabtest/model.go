package vocabtest

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Piece is one token of a SentencePiece model.
type Piece struct {
	Text  string
	Score float32
	Type  int32
}

// SentencePiece is a SentencePiece model file with pieces of text, score and type.
func SentencePiece(algorithm uint64, fallback bool, pieces ...Piece) []byte {
	var raw []byte
	for _, p := range pieces {
		var m []byte
		m = protowire.AppendString(protowire.AppendTag(m, 1, protowire.BytesType), p.Text)
		m = protowire.AppendFixed32(protowire.AppendTag(m, 2, protowire.Fixed32Type), math.Float32bits(p.Score))
		m = protowire.AppendVarint(protowire.AppendTag(m, 3, protowire.VarintType), uint64(p.Type))
		raw = protowire.AppendBytes(protowire.AppendTag(raw, 1, protowire.BytesType), m)
	}
	var trainer []byte
	trainer = protowire.AppendVarint(protowire.AppendTag(trainer, 3, protowire.VarintType), algorithm)
	trainer = protowire.AppendVarint(protowire.AppendTag(trainer, 35, protowire.VarintType), protowire.EncodeBool(fallback))
	return protowire.AppendBytes(protowire.AppendTag(raw, 2, protowire.BytesType), trainer)
}
