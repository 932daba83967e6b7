package pickle

import (
	"github.com/f190792d/mq/formats/dtype"
	"github.com/f190792d/mq/formats/fault"
)

// storage is a file of the archive; tensor is a view of one.
type (
	storage struct {
		dtype dtype.DType // Invalid for bytes without a type
		key   string
		count int64 // elements
	}
	tensor struct {
		storage       *storage
		dtype         dtype.DType
		start         int64 // elements
		shape, stride []int64
	}
)

// storages are the classes of typed storages, dtypes the types of untyped ones.
var (
	storages = map[string]dtype.DType{
		"DoubleStorage": dtype.F64, "FloatStorage": dtype.F32, "HalfStorage": dtype.F16, "BFloat16Storage": dtype.BF16,
		"LongStorage": dtype.I64, "IntStorage": dtype.I32, "ShortStorage": dtype.I16, "CharStorage": dtype.I8,
		"ByteStorage": dtype.U8, "BoolStorage": dtype.Bool, "ComplexFloatStorage": dtype.C64,
	}
	dtypes = map[string]dtype.DType{
		"float64": dtype.F64, "float32": dtype.F32, "float16": dtype.F16, "bfloat16": dtype.BF16,
		"float8_e4m3fn": dtype.F8E4M3, "float8_e5m2": dtype.F8E5M2, "float8_e8m0fnu": dtype.F8E8M0,
		"float8_e4m3fnuz": dtype.F8E4M3FNUZ, "float8_e5m2fnuz": dtype.F8E5M2FNUZ,
		"int64": dtype.I64, "int32": dtype.I32, "int16": dtype.I16, "int8": dtype.I8,
		"uint64": dtype.U64, "uint32": dtype.U32, "uint16": dtype.U16, "uint8": dtype.U8,
		"bool": dtype.Bool, "complex64": dtype.C64,
	}
	// callables are what REDUCE may apply; none of them runs code.
	callables = map[name]func(m *machine, args tuple) (any, error){
		{"collections", "OrderedDict"}:         orderedDict,
		{"torch._utils", "_rebuild_tensor_v2"}: rebuildTensor,
		{"torch._utils", "_rebuild_tensor_v3"}: rebuildTensor,
		{"torch._utils", "_rebuild_parameter"}: rebuildParameter,
	}
)

func known(n name) bool {
	_, callable := callables[n]
	_, isStorage := storages[n.name]
	_, isType := dtypes[n.name]
	return callable || n.module == "torch" && (isStorage || isType) ||
		n.module == "torch.storage" && n.name == "UntypedStorage"
}

func (m *machine) global(n name) error {
	if !known(n) {
		return fault.Unsupported("it calls for %s.%s, which tensors do not need; nothing was run; save the weights as safetensors", clip(n.module), clip(n.name))
	}
	return m.push(n)
}

func global(m *machine) error {
	module, err := m.line()
	if err != nil {
		return err
	}
	attribute, err := m.line()
	if err != nil {
		return err
	}
	return m.global(name{module, attribute})
}

func stackGlobal(m *machine) error {
	attribute, err := m.pop()
	if err != nil {
		return err
	}
	module, err := m.pop()
	if err != nil {
		return err
	}
	a, ok := attribute.(string)
	b, ok2 := module.(string)
	if !ok || !ok2 {
		return m.bad("a name is not a string")
	}
	return m.global(name{b, a})
}

// persistent reads ("storage", class, key, location, count).
func persistent(m *machine) error {
	v, err := m.pop()
	if err != nil {
		return err
	}
	id, _ := v.(tuple)
	if len(id) != 5 || id[0] != "storage" {
		return m.bad("a persistent id is not that of a storage")
	}
	class, ok := id[1].(name)
	key, ok2 := id[2].(string)
	count, ok3 := id[4].(int64)
	if !ok || !ok2 || !ok3 || count < 0 || class.module == "torch._utils" {
		return m.bad("a persistent id is not that of a storage")
	}
	if err := m.charge(64); err != nil {
		return err
	}
	return m.push(&storage{storages[class.name], key, count})
}

func reduce(m *machine) error {
	v, err := m.pop()
	if err != nil {
		return err
	}
	f, err := m.pop()
	if err != nil {
		return err
	}
	args, ok := v.(tuple)
	n, ok2 := f.(name)
	if !ok || !ok2 {
		return m.bad("it calls something that cannot be called")
	}
	call := callables[n]
	if call == nil {
		return fault.Unsupported("it calls %s.%s, which tensors do not need; nothing was run", n.module, n.name)
	}
	if err := m.charge(256); err != nil {
		return err
	}
	result, err := call(m, args)
	return then(err, func() error { return m.push(result) })
}

// build drops the state of an object: a state dictionary's _metadata.
func build(m *machine) error {
	if _, err := m.pop(); err != nil {
		return err
	}
	v, err := m.top()
	if err != nil {
		return err
	}
	if _, ok := v.(*dict); !ok {
		return m.bad("it gives state to something that is not a dictionary")
	}
	return nil
}

func orderedDict(m *machine, args tuple) (any, error) {
	if len(args) != 0 {
		return nil, m.bad("OrderedDict has arguments")
	}
	return new(dict), nil
}

func rebuildParameter(m *machine, args tuple) (any, error) {
	if len(args) == 0 {
		return nil, m.bad("a parameter has no tensor")
	}
	t, ok := args[0].(*tensor)
	if !ok {
		return nil, m.bad("a parameter has no tensor")
	}
	return t, nil
}

// rebuildTensor takes (storage, start, shape, stride, requires_grad, hooks and,
// in version 3, the type).
func rebuildTensor(m *machine, args tuple) (any, error) {
	if len(args) < 6 {
		return nil, m.bad("a tensor has too few arguments")
	}
	s, ok := args[0].(*storage)
	start, ok2 := args[1].(int64)
	shape, ok3 := naturals(args[2])
	stride, ok4 := naturals(args[3])
	if !ok || !ok2 || !ok3 || !ok4 || start < 0 || len(shape) != len(stride) {
		return nil, m.bad("a tensor's arguments are wrong")
	}
	t := &tensor{s, s.dtype, start, shape, stride}
	if len(args) > 6 {
		if n, ok := args[6].(name); ok {
			t.dtype = dtypes[n.name]
		}
	}
	if t.dtype == dtype.Invalid {
		return nil, m.bad("a tensor has no type")
	}
	return t, m.charge(16 * len(shape))
}

func naturals(v any) ([]int64, bool) {
	items, ok := v.(tuple)
	if !ok || len(items) > 64 {
		return nil, false
	}
	out := make([]int64, len(items))
	for i, item := range items {
		n, ok := item.(int64)
		if !ok || n < 0 {
			return nil, false
		}
		out[i] = n
	}
	return out, true
}
