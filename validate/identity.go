package validate

import (
	"fmt"
	"math"
	"reflect"
	"strings"

	"github.com/f190792d/mq/arch"
)

// identity compares what the key-values say with what the source says:
// hyperparameters, which a comparison of logits may hardly show, and the
// vocabulary.
func (v *validation) identity() {
	if v.source == nil {
		v.skip(Identity, "no source is given")
		return
	}
	if v.source.note != "" {
		v.add(Finding{Check: Identity, Severity: Warning, Message: "the source's vocabulary could not be read: " + v.source.note})
	}
	other, _ := v.source.kvs.String("general.architecture")
	if other != v.Arch {
		v.add(Finding{Check: Identity, Severity: Fail, Key: "general.architecture", Message: fmt.Sprintf("it is %q, the source is of %q", v.Arch, other)})
	} else if v.arch != nil {
		if expected, err := v.arch.FromGGUF(v.source.kvs); err == nil {
			v.sameHyper(v.hyper, expected)
		}
		if v.source.config != nil {
			v.sameConfig(v.hyper, *v.source.config)
		}
	}
	v.sameVocabulary()
	v.done(Identity, "hyperparameters and vocabulary compared with %s", v.Source)
}

// informative are the fields of [arch.Hyper] that change nothing of what is
// computed, or are compared elsewhere.
var informative = map[string]bool{"Class": true, "Arch": true, "HasHeadDim": true, "Tied": true, "DroppedLayers": true, "Vocab": true}

// sameHyper compares the hyperparameters that two headers give.
func (v *validation) sameHyper(got, want arch.Hyper) {
	differences(reflect.ValueOf(got), reflect.ValueOf(want), "", func(field string, a, b any) {
		severity := Fail
		if field == "Context" {
			severity = Warning // the reach that is claimed, not what is computed
		}
		v.add(Finding{Check: Identity, Severity: severity, Message: fmt.Sprintf("hyperparameter %s is %v, the source has %v", field, a, b)})
	})
}

// differences calls report for every field that differs.
func differences(a, b reflect.Value, prefix string, report func(field string, a, b any)) {
	for i := range a.NumField() {
		name := a.Type().Field(i).Name
		x, y := a.Field(i), b.Field(i)
		switch {
		case prefix == "" && informative[name]:
		case x.Kind() == reflect.Struct:
			differences(x, y, prefix+name+".", report)
		case x.Kind() == reflect.Float64 && near(x.Float(), y.Float()):
		case !reflect.DeepEqual(x.Interface(), y.Interface()):
			report(prefix+name, x.Interface(), y.Interface())
		}
	}
}

// near reports whether two numbers agree but for the rounding to float32.
func near(a, b float64) bool {
	return a == b || math.Abs(a-b) <= 1e-6*math.Max(math.Abs(a), math.Abs(b))
}

// sameConfig compares the file with config.json itself, read without the
// converter: the numbers that every decoder has.
func (v *validation) sameConfig(got, want arch.Hyper) {
	for _, f := range []struct {
		name      string
		got, want float64
	}{
		{"embedding_length", float64(got.Embed), float64(want.Embed)},
		{"attention.head_count", float64(got.Heads), float64(want.Heads)},
		{"attention.layer_norm_rms_epsilon", got.Eps, want.Eps},
		{"attention.layer_norm_epsilon", got.LayerEps, want.LayerEps},
		{"rope.freq_base", got.Rope.Base, want.Rope.Base},
		{"expert_count", float64(got.MoE.Experts), float64(want.MoE.Experts)},
		{"expert_used_count", float64(got.MoE.Used), float64(want.MoE.Used)},
	} {
		if f.want != 0 && !near(f.got, f.want) {
			v.add(Finding{Check: Identity, Severity: Fail, Key: v.Arch + "." + f.name, Message: fmt.Sprintf("it is %v, config.json says %v", f.got, f.want)})
		}
	}
}

// sameVocabulary compares the tokenizer's key-values. Flags, ids of special
// tokens and chat templates are often corrected by hand.
func (v *validation) sameVocabulary() {
	kvs := v.kvs
	if !v.source.kvs.Has(tokensKey) {
		return
	}
	for _, kv := range v.source.kvs {
		if !strings.HasPrefix(kv.Key, "tokenizer.") {
			continue
		}
		severity := Warning
		switch strings.TrimPrefix(kv.Key, "tokenizer.ggml.") {
		case "model", "pre", "tokens", "scores", "merges", "token_type":
			severity = Fail
		}
		value, ok := kvs.Get(kv.Key)
		if !ok {
			v.add(Finding{Check: Identity, Severity: severity, Key: kv.Key, Message: "it is missing; the source has it"})
		} else if where := unlike(value, kv.Value); where != "" {
			v.add(Finding{Check: Identity, Severity: severity, Key: kv.Key, Message: where})
		}
	}
}

// unlike says where two values differ, "" for nowhere.
func unlike(a, b any) string {
	if reflect.DeepEqual(a, b) {
		return ""
	}
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	if x.Kind() != reflect.Slice || x.Type() != y.Type() {
		return fmt.Sprintf("it is %s, the source has %s", brief(a), brief(b))
	}
	if x.Len() != y.Len() {
		return fmt.Sprintf("it has %d entries, the source has %d", x.Len(), y.Len())
	}
	for i := range x.Len() {
		if p, q := x.Index(i).Interface(), y.Index(i).Interface(); !reflect.DeepEqual(p, q) {
			return fmt.Sprintf("entry %d is %s, the source has %s", i, brief(p), brief(q))
		}
	}
	return ""
}

// brief writes a value in a few characters.
func brief(v any) string {
	text := fmt.Sprintf("%#v", v)
	if runes := []rune(text); len(runes) > 40 {
		return string(runes[:40]) + "…"
	}
	return text
}
