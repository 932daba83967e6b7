package tokenizer

import (
	"encoding/base64"
	"math"
	"strconv"
)

func encode64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func itoa(i int) string { return strconv.Itoa(i) }

func floatBits(f float32) uint32 { return math.Float32bits(f) }
