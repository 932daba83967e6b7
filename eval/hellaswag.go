package eval

import (
	"context"
	"strconv"
	"strings"

	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/progress"
	"github.com/f190792d/mq/formats/tokenizer"
)

// Hellaswag scores common-sense endings (Zellers et al. 2019,
// arXiv:1905.07830) from the text file that llama-perplexity reads: six lines
// for each task, its context, the number of the right ending and the four
// endings. limit tasks are drawn at random with llama-perplexity's seed; 0
// takes all, in the same random order.
func Hellaswag(ctx context.Context, m Brancher, t *tokenizer.Tokenizer, text string, limit int, step progress.Result[Score]) (Score, error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	const perTask = 6
	if text == "" || len(lines)%perTask != 0 {
		return Score{}, fault.Op("eval").Corrupt("hellaswag: %d lines are not a multiple of the %d lines of a task", len(lines), perTask)
	}
	left := make([]int, len(lines)/perTask)
	for i := range left {
		left[i] = i
	}
	if limit <= 0 || limit > len(left) {
		limit = len(left)
	}
	random := newTwister(1)
	var tasks []choice
	for range limit {
		at := random.below(uint32(len(left)))
		n := left[at]
		left = append(left[:at], left[at+1:]...)
		task := lines[n*perTask : (n+1)*perTask]
		gold, err := strconv.Atoi(strings.TrimSpace(task[1]))
		if err != nil || gold < 0 || gold > 3 {
			return Score{}, fault.Op("eval").Corrupt("hellaswag: line %d: %q is not the number of an ending", n*perTask+2, task[1])
		}
		var sentences []string
		for _, ending := range task[2:] {
			sentences = append(sentences, task[0]+" "+ending)
		}
		c, err := newChoice(ctx, t, "hellaswag: line "+strconv.Itoa(n*perTask+1), sentences, func(i int) bool { return i == gold })
		if err != nil {
			return Score{}, err
		}
		tasks = append(tasks, c)
	}
	return answerAll(ctx, m, tasks, step)
}
