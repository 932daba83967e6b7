package kernel

// lanes8 is how many questions the assembly answers at a time.
const lanes8 = 8

// MaxQuestions is how many questions may be asked: a multiple of that.
const MaxQuestions = 256

// Questions choose codes of lists for many groups, each at one scale; see Grid.
//
// The assembly knows the order of the fields up to chunk.
type Questions struct {
	weights, values [8][lanes8]float32 //nolint:unused,nolintlint // the assembly writes and reads it
	chunk           [8][lanes8]uint16  //nolint:unused,nolintlint

	n     int
	asked [MaxQuestions]question
	codes [MaxQuestions]uint32
}

// The assembly knows the order of the fields.
type question struct {
	values, list uint32 // where they begin
	scale        float32
	last         int32 // number of the last code of the list
}

type answerKernel func(scratch, x, w *float32, few *uint16, questions *uint32, octets int, codes *uint32)

// Ask asks for the code of the values from a place on, of the list that begins in few after its
// length. It returns the number of the question, or false where there are too many.
func (q *Questions) Ask(values int, list int, few []uint16, scale float32) (number int, ok bool) {
	if q.n == MaxQuestions {
		return 0, false
	}
	number = q.n
	q.asked[number] = question{uint32(values), uint32(list) + 1, scale, int32(few[list]) - 1}
	q.n++
	return number, true
}

// Answer chooses, for all questions, the first of the codes with the least Σw(scale·q-x)²,
// added in order, and ends them. Codes as many as the longest list has and ListRoom follow the last
// list. The answers are valid until the next ones.
func (q *Questions) Answer(ternary bool, x, w []float32, few []uint16) []uint32 {
	n := q.n
	q.n = 0
	if n == 0 {
		return nil
	}
	answer, values := active.nearest[1], 4
	if ternary {
		answer, values = active.nearest[0], 8
	}
	for i := n; i%lanes8 != 0; i++ {
		q.asked[i] = q.asked[n-1]
	}
	for _, a := range q.asked[:n] {
		_, _ = x[int(a.values)+values-1], w[int(a.values)+values-1]
	}
	answer(&q.weights[0][0], &x[0], &w[0], &few[0], &q.asked[0].values, (n+lanes8-1)/lanes8, &q.codes[0])
	for i, a := range q.asked[:n] {
		if q.codes[i] > 0xffff {
			q.codes[i] = uint32(few[a.list]) // no sum is finite
		}
	}
	return q.codes[:n]
}
