package gguf

import (
	"encoding/binary"
	"reflect"
)

// ValueType is the id of a key-value's type.
type ValueType uint32

// ArrayType is the id of arrays; the ids of scalars are those of valueTypes.
const ArrayType ValueType = 9

// valueType knows how values of one scalar type are spelled and read.
type valueType struct {
	name   string
	size   uint64 // bytes of one item; the least possible for strings
	scalar func(*decoder) any
	array  func(d *decoder, n uint64) any
}

// valueTypes is indexed by id. The row of ArrayType has a name only.
var valueTypes = [...]valueType{
	0:         {"u8", 1, scalarOf[uint8], arrayOf[uint8]},
	1:         {"i8", 1, scalarOf[int8], arrayOf[int8]},
	2:         {"u16", 2, scalarOf[uint16], arrayOf[uint16]},
	3:         {"i16", 2, scalarOf[int16], arrayOf[int16]},
	4:         {"u32", 4, scalarOf[uint32], arrayOf[uint32]},
	5:         {"i32", 4, scalarOf[int32], arrayOf[int32]},
	6:         {"f32", 4, scalarOf[float32], arrayOf[float32]},
	7:         {"bool", 1, scalarOf[bool], arrayOf[bool]},
	8:         {"str", 8, func(d *decoder) any { return d.str() }, (*decoder).strings},
	ArrayType: {name: "arr"},
	10:        {"u64", 8, scalarOf[uint64], arrayOf[uint64]},
	11:        {"i64", 8, scalarOf[int64], arrayOf[int64]},
	12:        {"f64", 8, scalarOf[float64], arrayOf[float64]},
}

// String returns the short name of the type, such as "u32".
func (t ValueType) String() string {
	if int64(t) < int64(len(valueTypes)) {
		return valueTypes[t].name
	}
	return "unknown"
}

func typeOf(value any) (t ValueType, isArray, ok bool) {
	switch value.(type) {
	case uint8:
		return 0, false, true
	case []uint8:
		return 0, true, true
	case int8:
		return 1, false, true
	case []int8:
		return 1, true, true
	case uint16:
		return 2, false, true
	case []uint16:
		return 2, true, true
	case int16:
		return 3, false, true
	case []int16:
		return 3, true, true
	case uint32:
		return 4, false, true
	case []uint32:
		return 4, true, true
	case int32:
		return 5, false, true
	case []int32:
		return 5, true, true
	case float32:
		return 6, false, true
	case []float32:
		return 6, true, true
	case bool:
		return 7, false, true
	case []bool:
		return 7, true, true
	case string:
		return 8, false, true
	case []string:
		return 8, true, true
	case Array:
		return ArrayType, true, true
	case uint64:
		return 10, false, true
	case []uint64:
		return 10, true, true
	case int64:
		return 11, false, true
	case []int64:
		return 11, true, true
	case float64:
		return 12, false, true
	case []float64:
		return 12, true, true
	}
	return 0, false, false
}

// fixed are the scalars whose items all take the same number of bytes.
type fixed interface {
	uint8 | int8 | uint16 | int16 | uint32 | int32 | uint64 | int64 | float32 | float64 | bool
}

func scalarOf[T fixed](d *decoder) any {
	var v T
	d.read(&v, binary.Size(v))
	return v
}

// arrayOf reads n items, whose bytes are known to be in the file.
func arrayOf[T fixed](d *decoder, n uint64) any {
	var zero T
	size := binary.Size(zero)
	items := make([]T, n)
	for rest := items; len(rest) > 0 && d.err == nil; {
		chunk := rest[:min(len(rest), bufferSize/size)]
		d.read(chunk, len(chunk)*size)
		rest = rest[len(chunk):]
	}
	return items
}

// arrayLen returns the number of items of an array.
func arrayLen(value any) int {
	switch v := value.(type) {
	case []string:
		return len(v)
	case Array:
		return len(v)
	}
	return reflect.ValueOf(value).Len()
}
