package quantize

import "github.com/f190792d/mq/formats/gguf"

// A rule gives the tensors of some roles another type than the recipe's
// default, where its condition holds. The first rule that holds decides.
type rule struct {
	roles role
	holds condition // nil: always
	to    gguf.Type
}

// A site is what the rules know of one tensor and of the model around it.
type site struct {
	role  role
	shape []int64
	model *model

	i, n    int  // layer (or running number) of the tensor, of how many
	imatrix bool // an importance matrix is at hand
}

type condition func(*site) bool

// mixtures are the rules of every recipe that has some, after commonRules.
// They follow llama.cpp v0.5.0, which tuned them on perplexity: the value
// projection and the second matrix of the feed-forward network suffer most.
var mixtures = map[string][]rule{
	"IQ1_S":   lowBits(gguf.TypeQ2_K, rule{attnOutput, nil, gguf.TypeIQ2_XXS}),
	"IQ1_M":   lowBits(gguf.TypeQ2_K, rule{attnOutput, nil, gguf.TypeIQ2_XXS}),
	"IQ2_XXS": lowBits(gguf.TypeQ2_K),
	"IQ2_XS":  lowBits(gguf.TypeQ2_K),
	"IQ2_S":   lowBits(gguf.TypeIQ3_S, rule{attnOutput, nil, gguf.TypeIQ3_S}),
	"IQ2_M":   lowBits(gguf.TypeIQ3_S, rule{attnOutput, nil, gguf.TypeIQ3_S}),

	"TQ1_0": {{tokenEmbd, nil, gguf.TypeQ4_K}},
	"TQ2_0": {{tokenEmbd, nil, gguf.TypeQ4_K}},
	"Q2_0":  {{tokenEmbd, nil, gguf.TypeQ4_K}},

	"Q2_K_S": {
		{valueLike, groups4, gguf.TypeQ4_K},
		{ffnDown, first(8), gguf.TypeQ4_K},
	},
	"Q2_K": {
		{valueLike, groups4, gguf.TypeQ4_K},
		{valueLike, nil, gguf.TypeQ3_K},
		{ffnDown, nil, gguf.TypeQ3_K},
		{attnOutput, both(unless(falcon), experts8), gguf.TypeQ5_K},
		{attnOutput, unless(falcon), gguf.TypeQ3_K},
	},
	"IQ3_XXS": {
		{tokenEmbd, nil, gguf.TypeIQ3_S},
		{valueLike, groups4, gguf.TypeQ4_K},
		{valueLike, unless(weighted), gguf.TypeIQ3_S},
		{attnQ | attnK, nil, gguf.TypeIQ2_S},
		{ffnDown, both(unless(weighted), first(8)), gguf.TypeQ4_K},
		{ffnDown, unless(weighted), gguf.TypeQ3_K},
		{attnOutput, both(unless(falcon), experts8), gguf.TypeQ5_K},
		{attnOutput, unless(falcon), gguf.TypeIQ3_S},
	},
	"IQ3_XS": {
		{valueLike, groups4, gguf.TypeQ4_K},
		{attnQ | attnK, nil, gguf.TypeIQ3_XXS},
		{ffnGate | ffnUp, middle, gguf.TypeIQ3_XXS},
		{attnOutput, both(unless(falcon), experts8), gguf.TypeQ5_K},
	},
	"IQ3_S": {
		{valueLike, groups4, gguf.TypeQ4_K},
		{attnOutput, both(unless(falcon), experts8), gguf.TypeQ5_K},
	},
	"IQ3_M": {
		{valueLike, nil, gguf.TypeQ4_K},
		{ffnDown, first(8), gguf.TypeQ4_K},
		{ffnDown, both(experts8, moreBits), gguf.TypeQ4_K},
		{attnOutput, both(unless(falcon), experts8), gguf.TypeQ5_K},
		{attnOutput, unless(falcon), gguf.TypeQ4_K},
	},
	"Q3_K_S": {
		{attnOutput, both(unless(falcon), experts8), gguf.TypeQ5_K},
	},
	"Q3_K_M": {
		{valueLike, below(2), gguf.TypeQ5_K},
		{valueLike, nil, gguf.TypeQ4_K},
		{ffnDown, first(16), gguf.TypeQ5_K},
		{ffnDown, unless(falcon), gguf.TypeQ4_K},
		{ffnDown, moreBits, gguf.TypeQ4_K},
		{attnOutput, both(unless(falcon), experts8), gguf.TypeQ5_K},
		{attnOutput, unless(falcon), gguf.TypeQ4_K},
	},
	"Q3_K_L": {
		{valueLike, nil, gguf.TypeQ5_K},
		{ffnDown | attnOutput, falcon, gguf.TypeQ4_K},
		{ffnDown, nil, gguf.TypeQ5_K},
		{attnOutput, unless(experts8), gguf.TypeQ5_K},
	},
	"IQ4_XS": nonLinear4,
	"IQ4_NL": nonLinear4,
	"Q4_0":   {{ffnDown, both(weighted, first(8)), gguf.TypeQ4_1}},
	"Q5_0":   {{ffnDown, both(weighted, first(8)), gguf.TypeQ5_1}},
	"Q4_K_S": {
		{valueLike, below(4), gguf.TypeQ5_K},
		{ffnDown, both(unless(falcon), first(8)), gguf.TypeQ5_K},
		{attnOutput, both(unless(falcon), experts8), gguf.TypeQ5_K},
	},
	"Q4_K_M": {
		{valueLike, moreBits, gguf.TypeQ6_K},
		{ffnDown, both(unless(falcon), moreBits), gguf.TypeQ6_K},
		{ffnDown, both(falcon, first(16)), gguf.TypeQ6_K},
		{ffnDown, both(falcon, moreBits), gguf.TypeQ5_K},
		{attnOutput, both(unless(falcon), experts8), gguf.TypeQ5_K},
	},
	"Q5_K_M": {
		{valueLike | ffnDown, moreBits, gguf.TypeQ6_K},
	},
	"MXFP4_MOE": {
		{anyRole, stacked, gguf.TypeMXFP4},
		{anyRole, nil, gguf.TypeQ8_0},
	},
}

// nonLinear4 are the rules of both 4-bit non-linear types.
var nonLinear4 = []rule{
	{valueLike, groups4, gguf.TypeQ5_K},
	{ffnDown, both(unless(weighted), first(8)), gguf.TypeQ5_K},
	{attnOutput, both(unless(falcon), experts8), gguf.TypeQ5_K},
}

// commonRules come before the rules of every recipe that does not stand alone:
// with eight experts these two projections are a small part of the file.
var commonRules = []rule{
	{valueLike | attnK, experts8, gguf.TypeQ8_0},
}

// lowBits are the rules of a 1- or 2-bit recipe.
func lowBits(better gguf.Type, more ...rule) []rule {
	return append([]rule{
		{tokenEmbd, nil, better},
		{valueLike, either(groups4, experts4), gguf.TypeQ4_K},
		{valueLike, nil, better},
		{attnK, experts8, gguf.TypeQ4_K},
		{ffnDown, first(8), better},
		{attnOutput, experts8, gguf.TypeQ5_K},
	}, more...)
}

// The conditions.

func first(part int) condition        { return func(s *site) bool { return s.i < s.n/part } }
func below(i int) condition           { return func(s *site) bool { return s.i < i } }
func middle(s *site) bool             { return s.i >= s.n/8 && s.i < 7*s.n/8 }
func groups4(s *site) bool            { return s.model.groups >= 4 }
func experts4(s *site) bool           { return s.model.experts >= 4 }
func experts8(s *site) bool           { return s.model.experts == 8 }
func falcon(s *site) bool             { return s.model.arch == "falcon" }
func weighted(s *site) bool           { return s.imatrix }
func unless(c condition) condition    { return func(s *site) bool { return !c(s) } }
func either(a, b condition) condition { return func(s *site) bool { return a(s) || b(s) } }
func both(a, b condition) condition   { return func(s *site) bool { return a(s) && b(s) } }

// moreBits picks the first and last eighth of the layers and every third
// between them.
func moreBits(s *site) bool {
	return s.i < s.n/8 || s.i >= 7*s.n/8 || (s.i-s.n/8)%3 == 2
}

// stacked reports whether a tensor holds several matrices: the experts, but also the
// projections of latent attention, which only bailingmoe3 is spared.
func stacked(s *site) bool {
	if len(s.shape) < 3 || s.shape[2] <= 1 {
		return false
	}
	return s.model.arch != "bailingmoe3" || s.role&(ffnUp|ffnGate|ffnDown) != 0
}

// mix returns the type that the recipe's rules give the tensor at s, before
// its shape is considered.
func (r Recipe) mix(s *site) gguf.Type {
	if s.role == output {
		if len(s.shape) > 0 && s.shape[0]%int64(r.Default.BlockLen()) != 0 || falcon(s) {
			return gguf.TypeQ8_0
		}
		return r.output
	}
	if !r.alone {
		if to, ok := decide(commonRules, s); ok {
			return to
		}
	}
	to, ok := decide(mixtures[r.Name], s)
	if !ok {
		to = r.Default
	}
	// With eight query heads to a value head attn_v is small beside the rest.
	if s.role&valueLike != 0 && s.model.is70B && !r.alone && (to == gguf.TypeQ3_K || to == gguf.TypeQ4_K) {
		return gguf.TypeQ5_K
	}
	return to
}

func decide(rules []rule, s *site) (gguf.Type, bool) {
	for _, r := range rules {
		if r.roles&s.role != 0 && (r.holds == nil || r.holds(s)) {
			return r.to, true
		}
	}
	return 0, false
}

// fitting returns the type that rows of ne0 elements get where want was
// asked for: itself, its fallback, or F16 where they do not fit that either.
// It reports false where no fallback is defined.
func fitting(want gguf.Type, ne0 int64) (gguf.Type, bool) {
	if ne0%int64(want.BlockLen()) == 0 {
		return want, true
	}
	typ, ok := ByID(want)
	if !ok || typ.Fallback == gguf.TypeF32 {
		return want, false
	}
	if ne0%int64(typ.Fallback.BlockLen()) != 0 {
		return gguf.TypeF16, true
	}
	return typ.Fallback, true
}
