package decode

import (
	"context"
	"regexp"
	"strconv"

	"github.com/f190792d/mq/formats/hf"
)

// Where a tensor lies in a parameter of all experts: it is all of it, or a
// matrix of one expert's.
var (
	joint = regexp.MustCompile(`^(.*)\.([^.]+?)(_blocks)?$`)
	lone  = regexp.MustCompile(`^(.*)\.(\d+)\.(gate_proj|up_proj|down_proj|w1|w2|w3)\.weight$`)
)

// experts adds scale·B·A of each expert to its matrix: A of a parameter has the
// experts one below the other, B has them in turn.
type experts struct {
	t, a, b                     hf.Tensor
	count, rank, expert, before int64 // before are the rows of the parameter before those of the tensor
	turned                      bool
	scale                       float64
}

// expertsOf finds the factors of the parameter that a tensor is part of.
func expertsOf(t hf.Tensor, adapter hf.Adapter, base Base) (*experts, bool) {
	if len(parametersOf(adapter)) == 0 {
		return nil, false
	}
	x := &experts{t: t}
	var module, parameter string
	var want [2]int64 // rows and columns of a parameter
	if m := joint.FindStringSubmatch(t.Name); m != nil && len(t.Shape) == 3 {
		module, parameter, want = m[1], m[2], [2]int64{t.Shape[1], t.Shape[2]}
	} else if m := lone.FindStringSubmatch(t.Name); m != nil && len(t.Shape) == 2 {
		module, parameter, want = m[1], "gate_up_proj", [2]int64{2 * t.Shape[0], t.Shape[1]}
		x.expert, _ = strconv.ParseInt(m[2], 10, 64)
		switch m[3] {
		case "up_proj", "w3":
			x.before = t.Shape[0]
		case "down_proj", "w2":
			parameter, want[0] = "down_proj", t.Shape[0]
		}
	} else {
		return nil, false
	}
	config, name := adapter.Config(), renamed(module+"."+parameter)
	rank := setting(config, "r", "rank_pattern", name)
	x.rank, x.scale = int64(rank), scaleOf(adapter, name)
	for range 8 { // parameters of one module are wrapped one around the other
		a, ok := ofAdapter(adapter, module, ".lora_A.weight")
		b, _ := ofAdapter(adapter, module, ".lora_B.weight")
		module += ".base_layer"
		if !ok || len(a.Shape) != 2 || len(b.Shape) != 2 || x.rank < 1 || a.Shape[0]%x.rank != 0 || a.Shape[0] != b.Shape[1] {
			continue
		}
		x.a, x.b, x.count = a, b, a.Shape[0]/x.rank
		straight := want == [2]int64{b.Shape[0], a.Shape[1]}
		x.turned = want == [2]int64{a.Shape[1], b.Shape[0]} && len(t.Shape) == 3 && (!straight || base.Turned(t.Name))
		if (straight || x.turned) && (len(t.Shape) == 2 && x.expert < x.count || len(t.Shape) == 3 && t.Shape[0] == x.count) {
			return x, true
		}
	}
	return nil, false
}

// parametersOf are the ends of the names of the parameters that an adapter
// changes.
func parametersOf(adapter hf.Adapter) (names []string) {
	v, _ := adapter.Config().Value("target_parameters")
	list, _ := v.([]any)
	for _, item := range list {
		if name, ok := item.(string); ok {
			names = append(names, name)
		}
	}
	return names
}

// rows reads whole rows of the tensor.
func (x *experts) rows(ctx context.Context, dst []float32, first, n int64) error {
	each, cols := x.t.Shape[len(x.t.Shape)-2], x.t.Shape[len(x.t.Shape)-1]
	w, err := floatsOf(ctx, x.t, first*cols, n*cols)
	if err != nil {
		return err
	}
	for n > 0 { // the rows of one expert at a time
		expert, row := x.expert+first/each, first%each
		some := min(n, each-row)
		if err := x.add(ctx, dst[:some*cols], w[:some*cols], expert, row+x.before); err != nil {
			return err
		}
		dst, w, first, n = dst[some*cols:], w[some*cols:], first+some, n-some
	}
	return nil
}

// add adds what one expert's factors give some rows.
func (x *experts) add(ctx context.Context, dst, w []float32, expert, row int64) error {
	in, cols := x.a.Shape[1], x.t.Shape[len(x.t.Shape)-1]
	a, err := floatsOf(ctx, x.a, expert*x.rank*in, x.rank*in)
	if err != nil {
		return err
	}
	from, outs := row, int64(len(dst))/cols
	if x.turned {
		from, outs = 0, x.b.Shape[0]
	}
	b, err := floatsOf(ctx, x.b, from*x.rank*x.count, outs*x.rank*x.count)
	if err != nil {
		return err
	}
	for i := range dst {
		o, k := int64(i)/cols, int64(i)%cols
		if x.turned {
			o, k = k, row+o
		}
		sum := 0.0
		for r := range x.rank {
			sum += float64(b[(o*x.rank+r)*x.count+expert]) * float64(a[r*in+k])
		}
		dst[i] = float32(float64(w[i]) + x.scale*sum)
	}
	return nil
}
