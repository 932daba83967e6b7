package eval

import (
	"context"
	"strconv"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/formats/tokenizer"
)

// Winogrande scores sentences with a blank (Sakaguchi et al. 2019,
// arXiv:1907.10641) from the CSV file that llama-perplexity reads: index,
// sentence with _, two choices, 1 or 2 for the right one. The sentence may
// stand in quotes. limit tasks are drawn at random with llama-perplexity's
// seed; 0 takes all in order.
func Winogrande(ctx context.Context, m Brancher, t *tokenizer.Tokenizer, text string, limit int, step progress.Result[Score]) (Score, error) {
	var tasks []blank
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		b, err := parseBlank(ctx, t, line, "winogrande: line "+strconv.Itoa(i+1))
		if err != nil {
			return Score{}, err
		}
		tasks = append(tasks, b)
	}
	if limit > 0 && limit < len(tasks) {
		var drawn []blank
		for _, i := range newTwister(1).sample(len(tasks), limit) {
			drawn = append(drawn, tasks[i])
		}
		tasks = drawn
	}
	var sum tally
	for i, b := range tasks {
		logprobs, err := b.logprobs(ctx, m)
		if err != nil {
			return Score{}, err
		}
		answer := 2
		if b.value(0, logprobs[0]) > b.value(1, logprobs[1]) {
			answer = 1
		}
		sum.done++
		sum.answers += 2
		if b.right(answer - 1) {
			sum.right++
		}
		if step != nil {
			step(reached("tasks", i+1, len(tasks)), sum.score())
		}
	}
	return sum.score(), nil
}

// blank is a sentence with a gap and two ways to fill it.
type blank struct {
	choice
	filled [2]int // tokens up to the end of the filled gap
}

// parseBlank reads one line.
func parseBlank(ctx context.Context, t *tokenizer.Tokenizer, line, label string) (blank, error) {
	fields := splitQuoted(strings.TrimSuffix(line, "\r"))
	if len(fields) != 5 {
		return blank{}, fault.Op("eval").Corrupt("%s: %d fields should be 5", label, len(fields))
	}
	sentence := strings.TrimSuffix(strings.TrimPrefix(fields[1], `"`), `"`)
	before, after, ok := strings.Cut(sentence, "_")
	answer, err := strconv.Atoi(strings.TrimSpace(fields[4]))
	if !ok || err != nil || answer < 1 || answer > 2 {
		return blank{}, fault.Op("eval").Corrupt("%s: a sentence with a blank _ and an answer 1 or 2 are needed", label)
	}
	c, err := newChoice(ctx, t, label, []string{before + fields[2] + after, before + fields[3] + after}, func(i int) bool { return i == answer-1 })
	if err != nil {
		return blank{}, err
	}
	b := blank{choice: c}
	for i := range b.filled {
		tokens, err := t.Encode(ctx, before+fields[2+i], tokenizer.Options{AddSpecial: true})
		if err != nil {
			return blank{}, err
		}
		b.filled[i] = min(max(len(tokens), b.prefix), len(b.sentences[i])-1)
	}
	return b, nil
}

// splitQuoted splits at the first four commas outside quotes.
func splitQuoted(line string) []string {
	var fields []string
	quoted, start := false, 0
	for i := 0; i < len(line) && len(fields) < 4; i++ {
		switch {
		case line[i] == '"':
			quoted = !quoted
		case line[i] == ',' && !quoted:
			fields = append(fields, line[start:i])
			start = i + 1
		}
	}
	return append(fields, line[start:])
}

// trailing is the number of tokens after the prefix from which on the choice
// itself is not scored, only what follows it.
const trailing = 3

// value scores one way to fill the gap: the mean over the tokens after it, or
// over all after the prefix where few follow. The last token, a full stop,
// is left out where others remain.
func (b blank) value(i int, logprobs []float64) float64 {
	from := b.prefix
	if len(b.sentences[0])-b.prefix > trailing && len(b.sentences[1])-b.prefix > trailing {
		from = b.filled[i]
	}
	tokens := logprobs[from-b.prefix:]
	if len(tokens) > 1 {
		tokens = tokens[:len(tokens)-1]
	}
	return mean(tokens)
}
