package lora

import (
	"context"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/f190792d/mq/convert/unpack"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/hf"
)

// change is what an adapter does to one tensor of the model.
type change struct {
	name string // of the tensor, as the adapter calls it
	key  string // what patterns match; empty for the module
	stacked

	a, b      hf.Tensor // [rank, in] and [out, rank]
	magnitude hf.Tensor // of DoRA, [out]
	low       bool      // a and b are there
	embedding bool      // a is [rank, rows] and b [columns, rank]
	turned    bool      // the tensor is stored [in, out]
	dora      bool
	scale     float32

	whole   hf.Tensor // takes the place of the tensor
	replace bool

	base   hf.Tensor // takes the place of the tensor before the rest
	rebase bool

	bias      hf.Tensor // is added to a bias, times scale
	shiftBias bool
}

// kinds are the ends of the names of an adapter's tensors; what precedes them
// is a module.
var kinds = []struct {
	suffix string
	of     string // ending of the name of the tensor that changes
	set    func(c *change, t hf.Tensor)
}{
	{".lora_A.weight", ".weight", func(c *change, t hf.Tensor) { c.a = t }},
	{".lora_B.weight", ".weight", func(c *change, t hf.Tensor) { c.b, c.low = t, true }},
	{".lora_embedding_A", ".weight", func(c *change, t hf.Tensor) { c.a, c.embedding = t, true }},
	{".lora_embedding_B", ".weight", func(c *change, t hf.Tensor) { c.b, c.low = t, true }},
	{".lora_magnitude_vector", ".weight", func(c *change, t hf.Tensor) { c.magnitude, c.dora = t, true }},
	{".lora_magnitude_vector.weight", ".weight", func(c *change, t hf.Tensor) { c.magnitude, c.dora = t, true }},
	{".lora_B.bias", ".bias", func(c *change, t hf.Tensor) { c.bias, c.shiftBias = t, true }},
	{".modules_to_save.weight", ".weight", func(c *change, t hf.Tensor) { c.whole, c.replace = t, true }},
	{".modules_to_save.bias", ".bias", func(c *change, t hf.Tensor) { c.whole, c.replace = t, true }},
	{".base_layer.bias", ".bias", func(c *change, t hf.Tensor) { c.whole, c.replace = t, true }},
	{".base_layer.weight", ".weight", func(c *change, t hf.Tensor) { c.base, c.rebase = t, true }},
	{".weight", ".weight", func(c *change, t hf.Tensor) { c.whole, c.replace = t, true }},
	{".bias", ".bias", func(c *change, t hf.Tensor) { c.whole, c.replace = t, true }},
}

// changes reads what an adapter does, from its configuration and the names and
// shapes of its tensors; the tensors of the model tell what holds a parameter.
func changes(ctx context.Context, tensors []unpack.Tensor, m Model, from hf.Adapter) ([]*change, error) {
	config := from.Config()
	if kind, err := config.StringOr("peft_type", "LORA"); err != nil || kind != "LORA" {
		return nil, fault.Op("lora").Folder(from.Name()).Unsupported("adapter_config.json: an adapter of type %q; only LORA can be merged", kind)
	}
	if err := alone(from); err != nil {
		return nil, err
	}
	var list []*change
	byName := map[string]*change{}
	var odd []string
	for _, t := range from.Tensors() {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		name := strings.TrimPrefix(t.Name, "base_model.model.")
		at := slices.IndexFunc(kinds, func(k struct {
			suffix string
			of     string
			set    func(*change, hf.Tensor)
		}) bool {
			return strings.HasSuffix(name, k.suffix)
		})
		if at < 0 || strings.Contains(name, ".token_adapter.") {
			odd = append(odd, t.Name)
			continue
		}
		name = strings.TrimSuffix(name, kinds[at].suffix) + kinds[at].of
		c := byName[name]
		if c == nil {
			c = &change{name: name}
			byName[name] = c
			list = append(list, c)
		}
		kinds[at].set(c, t)
	}
	if odd != nil {
		return nil, fault.Op("lora").Folder(from.Name()).Unsupported("tensors of the adapter that are not part of LoRA, DoRA or whole modules: %s", strings.Join(odd[:min(len(odd), 8)], ", "))
	}
	list, err := parameters(list, tensors, from, m)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		if err := c.complete(from); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// beyond are settings of adapters that are more than their factors say, unless
// they have the value that is usual or none.
var beyond = []struct{ key, says string }{
	{"alora_invocation_tokens", "it acts only after some tokens, which no weights can say"},
	{"layer_replication", "it repeats layers of its base; save the model that PEFT makes of both"},
}

// residual begin the names of ways to start factors that take these off the
// base, which is thus another model than the one that is called so.
var residual = []string{"pissa", "olora", "corda", "loftq", "lora_ga"}

// alone refuses adapters whose factors are not all that they change.
func alone(from hf.Adapter) error {
	wrong := func(key, says string) error {
		return fault.Op("lora").Folder(from.Name()).Unsupported("adapter_config.json has %q: %s", key, says)
	}
	for _, b := range beyond {
		switch v, _ := from.Config().Value(b.key); list := v.(type) {
		case nil:
		case []any:
			if len(list) > 0 {
				return wrong(b.key, b.says)
			}
		default:
			return wrong(b.key, b.says)
		}
	}
	const start = "init_lora_weights"
	v, _ := from.Config().Value(start)
	if way, ok := v.(string); ok && slices.ContainsFunc(residual, func(r string) bool { return strings.HasPrefix(strings.ToLower(way), r) }) {
		return wrong(start, way+" takes the first factors off the weights of the base; save the adapter with path_initial_model_for_weight_conversion, as one of the base itself")
	}
	return nil
}

// complete checks that the parts of a change fit together and finds its scale.
func (c *change) complete(from hf.Adapter) error {
	wrong := func(format string, args ...any) error {
		return fault.Op("lora").Folder(from.Name()).Tensor(c.name).Corrupt(format, args...)
	}
	config := from.Config()
	if c.replace {
		return nil
	}
	if !c.low && c.rebase {
		c.whole, c.replace = c.base, true
		return nil
	}
	if !c.low && !c.shiftBias || c.low && (c.a.Name == "" || c.b.Name == "") {
		return wrong("the adapter has only one of the two factors")
	}
	rank, err := c.setting(config, "r", "rank_pattern")
	if err != nil {
		return err
	}
	if c.low {
		if len(c.a.Shape) != 2 || len(c.b.Shape) != 2 || c.a.Shape[0] != c.b.Shape[1] || c.a.Shape[0] < 1 {
			return wrong("factors of shape %v and %v do not fit", c.a.Shape, c.b.Shape)
		}
		if float64(c.a.Shape[0]) != rank*float64(max(c.experts, 1)) {
			return wrong("factors of rank %d, but adapter_config.json says %v", c.a.Shape[0], rank)
		}
	}
	alpha, err := c.setting(config, "lora_alpha", "alpha_pattern")
	if err != nil {
		return err
	}
	stabilized, err := config.BoolOr("use_rslora", false)
	if err != nil {
		return err
	}
	if stabilized {
		rank = math.Sqrt(rank)
	}
	if rank <= 0 {
		return wrong("invalid rank %v", rank)
	}
	c.scale = float32(alpha / rank * from.Strength)
	if c.dora && from.Strength != 1 {
		return wrong("an adapter with magnitudes (DoRA) has one strength, 1")
	}
	if c.turned, err = config.BoolOr("fan_in_fan_out", false); err == nil && c.dora && (c.embedding || c.turned) {
		return fault.Op("lora").Folder(from.Name()).Tensor(c.name).Unsupported("magnitudes of columns, of an embedding or of a matrix that lies the other way round (DoRA); merge it with PEFT's merge_and_unload and convert that")
	}
	return err
}

// setting reads a number that patterns may set for single modules: they match
// the end of a module's name, from a dot on.
func (c *change) setting(config hf.Config, key, patterns string) (float64, error) {
	usual := 8.0
	if config.Has(key) {
		var err error
		if usual, err = config.Float(key); err != nil {
			return 0, err
		}
	}
	set, ok := config.Sub(patterns)
	if !ok {
		return usual, nil
	}
	module := c.key
	if module == "" {
		module = c.name[:strings.LastIndexByte(c.name, '.')]
	}
	var keys []string
	for pattern := range set.Values() {
		if re, err := regexp.Compile(`^(?:.*\.)?(?:` + pattern + `)$`); err == nil && re.MatchString(module) {
			keys = append(keys, pattern)
		}
	}
	if keys == nil {
		return usual, nil
	}
	// The library takes the first; the order of a JSON object is not kept here,
	// so that several must agree.
	value, err := get(set, keys[0])
	for _, other := range keys[1:] {
		if v, e := get(set, other); e != nil || v != value {
			return 0, fault.Op("lora").Tensor(c.name).Unsupported("several patterns of %q match it, with different values", patterns)
		}
	}
	return value, err
}

// get reads a number under a key that may have dots.
func get(c hf.Config, key string) (float64, error) { return c.Float(key) }
