package pipeline

import (
	"fmt"

	"github.com/f190792d/mq/eval"
)

// closeEmbeddings are the words for a cosine of at least so much.
var closeEmbeddings = []struct {
	cosine        float64
	news, meaning string
}{
	{0.99, "agrees with the source", "one can hardly tell the two apart"},
	{0.95, "agrees with the source", "texts that lie close to each other may change places"},
	{0.8, "is near the source", "searches will find other texts; more bits or an importance matrix keep them nearer"},
	{-2, "has the source's parts, but gives other embeddings",
		"a trained model wants more bits or an importance matrix; random or hardly trained weights give such figures in any type of few bits"},
}

// verdictOf says how the embeddings of an output compare with the source's.
func verdictOf(c eval.Closeness) Verdict {
	v := Verdict{Figures: fmt.Sprintf("cosine of the embedding %.6f, of %d positions at least %.6f", c.Cosine, c.Tokens, c.MinCosine)}
	for _, row := range closeEmbeddings {
		if c.Cosine >= row.cosine {
			v.News, v.Meaning = row.news, row.meaning
			break
		}
	}
	return v
}
