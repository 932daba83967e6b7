package validate

import (
	"github.com/f190792d/mq/eval"
	"github.com/f190792d/mq/validate/proof"
)

// Closeness is how the embeddings of the model in the file compare with its
// source's on a text.
type Closeness struct {
	eval.Closeness
	Limits struct {
		MinCosine float64 `json:"min_cosine"`
	} `json:"limits"`
}

// judgeEmbeddings holds embeddings to the limit of the file's coarsest matrix,
// or to that which the caller has given.
func (v *validation) judgeEmbeddings(found eval.Closeness) {
	c := &Closeness{Closeness: found}
	limits := proof.For(proof.CoarsestBits(v.infos))
	if v.Limits.MinCosine != nil {
		limits.Cosine = *v.Limits.MinCosine
	}
	c.Limits.MinCosine = limits.Cosine
	for _, sentence := range limits.ExplainEmbeddings(found) {
		v.add(Finding{Check: Logits, Severity: Fail, Message: sentence})
	}
	v.Embeddings = c
	v.done(Logits, "the cosine of the embedding and the source's is %.6f, at least %.6f at any of %d positions, the largest difference %.3g",
		c.Cosine, c.MinCosine, c.Tokens, c.MaxDifference)
}
