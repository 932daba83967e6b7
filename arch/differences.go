package arch

import (
	"fmt"
	"math"
	"reflect"
)

// rounding is how far a number may be from another, relative to its size, that
// went through a file's float32.
const rounding = 1e-6

// Differences names the fields in which two models differ but for the rounding
// of numbers, each as one text such as "Layers[3].Mixer.Mask.Window: 0, not
// 4096": what a has, not b.
func Differences(a, b Model) []string {
	var d differences
	d.values("", reflect.ValueOf(a), reflect.ValueOf(b))
	return d
}

type differences []string

func (d *differences) add(path string, a, b reflect.Value) {
	show := func(v reflect.Value) any {
		if v.Kind() == reflect.Pointer && !v.IsNil() || v.Kind() == reflect.Interface && !v.IsNil() {
			return "some " + v.Elem().Type().String()
		}
		if word := wordOf(v); word != "" {
			return word
		}
		return v.Interface()
	}
	*d = append(*d, fmt.Sprintf("%s: %v, not %v", path, show(a), show(b)))
}

func (d *differences) values(path string, a, b reflect.Value) {
	if a.Type() != b.Type() {
		*d = append(*d, fmt.Sprintf("%s: %s, not %s", path, a.Type(), b.Type()))
		return
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Interface:
		if a.IsNil() || b.IsNil() {
			if a.IsNil() != b.IsNil() {
				d.add(path, a, b)
			}
			return
		}
		d.values(path, a.Elem(), b.Elem())
	case reflect.Struct:
		for i := range a.NumField() {
			name := a.Type().Field(i).Name
			if path != "" {
				name = path + "." + name
			}
			d.values(name, a.Field(i), b.Field(i))
		}
	case reflect.Slice:
		if a.Len() != b.Len() {
			*d = append(*d, fmt.Sprintf("%s: %d of them, not %d", path, a.Len(), b.Len()))
			return
		}
		for i := range a.Len() {
			d.values(fmt.Sprintf("%s[%d]", path, i), a.Index(i), b.Index(i))
		}
	case reflect.Float64:
		x, y := a.Float(), b.Float()
		if x != y && !(math.Abs(x-y) <= rounding*max(math.Abs(x), math.Abs(y))) {
			d.add(path, a, b)
		}
	default:
		if !a.Equal(b) {
			d.add(path, a, b)
		}
	}
}
