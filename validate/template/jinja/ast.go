package jinja

// An expr is an expression, a node a statement or text.
type (
	expr any
	node any
)

type (
	constant  struct{ value any }
	name      struct{ name string }
	attribute struct {
		of   expr
		name string
	}
	item    struct{ of, key expr }
	slicing struct{ from, to, step expr } // nil where left out
	listOf  struct{ items []expr }
	tupleOf struct{ items []expr }
	dictOf  struct{ keys, values []expr }
	unary   struct {
		op string
		of expr
	}
	binary struct {
		op   string
		a, b expr
	}
	comparison struct {
		first expr
		ops   []string
		rest  []expr
	}
	choice struct{ test, then, otherwise expr }
	call   struct {
		of   expr
		args arguments
	}
	filter struct {
		of   expr // nil: the body of a block
		name string
		args arguments
	}
	test struct {
		of   expr
		name string
		args arguments
	}
)

// arguments are those of a call: args, then *list and **dict.
type arguments struct {
	args       []expr
	names      []string
	values     []expr
	list, dict expr
}

type (
	text  struct{ text string }
	print struct {
		line int
		of   expr
	}
	branch struct {
		line       int
		test       expr
		then, also []node // also: elif and else
	}
	loop struct {
		line            int
		target          []string
		unpack          bool
		over, filter    expr
		body, otherwise []node
		recursive       bool
	}
	set struct {
		line   int
		target []string
		unpack bool
		field  string // of a namespace
		value  expr
	}
	setBlock struct {
		line   int
		name   string
		field  string
		filter expr
		body   []node
	}
	with struct {
		line   int
		names  []string
		values []expr
		body   []node
	}
	macro struct {
		line     int
		name     string
		params   []string
		defaults []expr // of the last parameters
		body     []node
		uses     map[string]bool // varargs, kwargs, caller
	}
	callBlock struct {
		line  int
		macro *macro
		call  expr
	}
	filterBlock struct {
		line   int
		filter expr
		body   []node
	}
	generation struct{ body []node }
	control    struct {
		line  int
		leave bool // break, not continue
	}
)
