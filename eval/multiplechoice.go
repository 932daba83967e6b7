package eval

import (
	"context"
	"encoding/binary"
	"strconv"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/formats/tokenizer"
)

// MultipleChoice scores questions with any number of answers (ARC, MMLU,
// TruthfulQA …) from the binary file that llama-perplexity reads: the number
// of tasks, the position of each, and the tasks: a question, its answers with
// labels, and a second set of answers that is not used. limit tasks are drawn
// at random with llama-perplexity's seed; 0 takes all in order.
func MultipleChoice(ctx context.Context, m Brancher, t *tokenizer.Tokenizer, data []byte, limit int, step progress.Result[Score]) (Score, error) {
	r := &taskReader{data: data}
	n := int(r.uint32())
	if r.broken || n == 0 || n > len(data)/4-1 {
		return Score{}, fault.Op("eval").Corrupt("multiple-choice: the file does not hold the number of tasks that it claims")
	}
	positions := make([]int, n)
	for i := range positions {
		positions[i] = int(r.uint32())
	}
	start := r.at
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	drawn := limit > 0 && limit < n
	if drawn {
		order = newTwister(1).sample(n, limit)
	}
	var tasks []choice
	r.at = start
	for _, i := range order {
		if drawn {
			r.at = positions[i]
		}
		label := "multiple-choice: task " + strconv.Itoa(i+1)
		c, err := r.task(ctx, t, label)
		if err != nil {
			return Score{}, err
		}
		tasks = append(tasks, c)
	}
	return answerAll(ctx, m, tasks, step)
}

// taskReader reads little-endian numbers and strings.
type taskReader struct {
	data   []byte
	at     int
	broken bool // the data ended too early
}

// bytes returns the next n bytes.
func (r *taskReader) bytes(n int) []byte {
	if r.broken || r.at < 0 || n < 0 || r.at > len(r.data) || n > len(r.data)-r.at {
		r.broken = true
		return nil
	}
	r.at += n
	return r.data[r.at-n : r.at]
}

func (r *taskReader) uint32() uint32 {
	if b := r.bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *taskReader) string() string { return string(r.bytes(int(r.uint32()))) }

// answers reads a set of answers with their labels.
func (r *taskReader) answers() (texts []string, labels []bool) {
	n := int(r.uint32())
	if n > 100 {
		r.broken = true
		return nil, nil
	}
	for range n {
		texts = append(texts, r.string())
	}
	for range n {
		labels = append(labels, r.uint32() == 1)
	}
	return texts, labels
}

// task reads a question with both sets of answers.
func (r *taskReader) task(ctx context.Context, t *tokenizer.Tokenizer, label string) (choice, error) {
	question := r.string()
	answers, labels := r.answers()
	r.answers()
	if r.broken {
		return choice{}, fault.Op("eval").Corrupt("%s: the data end within it", label)
	}
	if question == "" || len(answers) == 0 {
		return choice{}, fault.Op("eval").Corrupt("%s: it has no question or no answers", label)
	}
	var sentences []string
	for _, a := range answers {
		if a == "" {
			return choice{}, fault.Op("eval").Corrupt("%s: an answer is empty", label)
		}
		sentences = append(sentences, question+" "+a)
	}
	return newChoice(ctx, t, label, sentences, func(i int) bool { return labels[i] })
}
