package kernel

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// heldBy are the tests that compare a kernel with what specifies it, on samples and
// on arbitrary values; some are those of the package that quantizes blocks with it.
var heldBy = map[string][2]string{
	"load":              {"TestLoadPutsGroupsInLanes", "FuzzRows"},
	"weigh":             {"TestWeighEqualsItsSpecification", "FuzzRows"},
	"searchMin":         {"TestSearchMinEqualsItsSpecification", "FuzzSearches"},
	"searchMinAbsolute": {"TestSearchMinEqualsItsSpecification", "FuzzSearches"},
	"searchScale":       {"TestSearchScaleEqualsItsSpecification", "FuzzSearches"},
	"searchPositive":    {"TestSearchPositiveEqualsItsSpecification", "FuzzSearches"},
	"descend":           {"TestDescendEqualsItsSpecification", "FuzzSearches"},
	"settle":            {"TestGroupsSettleWhereDescentEnds", "FuzzSearches"},
	"searchNonLinear":   {"TestSearchNonLinearEqualsItsSpecification", "FuzzSearches"},
	"nonLinearLevels":   {"TestNonLinearLevelsEqualTheirSpecification", "FuzzRows"},
	"divide":            {"TestRoundingEqualsItsSpecification", "FuzzRows"},
	"multiply":          {"TestRoundingEqualsItsSpecification", "FuzzRows"},
	"halfUp":            {"TestRunsEqualTheirSpecification", "FuzzRows"},
	"away":              {"TestRunsEqualTheirSpecification", "FuzzRows"},
	"extremes":          {"TestRunsEqualTheirSpecification", "FuzzRows"},
	"bounds":            {"TestRunsEqualTheirSpecification", "FuzzRows"},
	"packBits":          {"TestPackBitsEqualsItsSpecification", "FuzzRows"},
	"packPairs":         {"TestPackPairsEqualsItsSpecification", "FuzzRows"},
	"packSix":           {"TestPackSixEqualsItsSpecification", "FuzzRows"},
	"greatest16":        {"TestGreatestBitsEqualTheirSpecification", "FuzzRows"},
	"greatest32":        {"TestGreatestBitsEqualTheirSpecification", "FuzzRows"},
	"whole":             {"TestWholeBlocksEqualTheirSpecification", "FuzzWholeBlocks"},
	"mxfp4":             {"TestWholeBlocksEqualTheirSpecification", "FuzzWholeBlocks"},
	"nvfp4":             {"TestWholeBlocksEqualTheirSpecification", "FuzzWholeBlocks"},
	"magnitudes16":      {"TestGreatestEqualsItsSpecification", "FuzzRows"},
	"magnitudes32":      {"TestGreatestEqualsItsSpecification", "FuzzRows"},
	"importance":        {"TestImportanceEqualsItsSpecification", "FuzzRows"},
	"prepare":           {"TestPrepareEqualsItsSpecification", "FuzzRows"},
	"spreadTries":       {"TestTriesSpreadAsSpecified", "FuzzNearest"},
	"bestTries":         {"TestKernelsFindTheNearestCode", "FuzzNearest"},
	"oneShift":          {"TestTernaryEqualsItsSpecification", "FuzzTernary"},
	"twoShifts":         {"TestTernaryEqualsItsSpecification", "FuzzTernary"},
	"round":             {"TestKernelsFindTheNearestCode", "FuzzNearest"},
	"try":               {"TestKernelsFindTheNearestCode", "FuzzNearest"},
	"nearest":           {"TestKernelsFindTheNearestCode", "FuzzNearest"},
	"sumTernary":        {"TestKernelsFindTheNearestCode", "FuzzNearest"},
	"sumOctal":          {"TestKernelsFindTheNearestCode", "FuzzNearest"},
	"nearTernary":       {"TestFewFindTheFirstOfTheNearest", "FuzzFew"},
	"fewTernary":        {"TestFewFindTheFirstOfTheNearest", "FuzzFew"},
}

func TestVariantsHaveEveryKernel(t *testing.T) {
	for _, v := range variants() {
		if v.name == pure.name {
			continue
		}
		var missing []string
		fields := reflect.TypeOf(v)
		for i := range fields.NumField() {
			if name := fields.Field(i).Name; lacksAny(reflect.ValueOf(v).Field(i)) {
				missing = append(missing, name)
			}
		}
		if missing != nil {
			t.Errorf("%s lacks the kernels %q", v.name, missing)
		}
	}
}

// lacksAny reports whether a function is missing.
func lacksAny(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Func:
		return v.IsNil()
	case reflect.Array:
		for i := range v.Len() {
			if lacksAny(v.Index(i)) {
				return true
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if lacksAny(v.Field(i)) {
				return true
			}
		}
	}
	return false
}

func TestEveryKernelHasADifferentialTestAndAFuzzTest(t *testing.T) {
	var tests []byte
	for _, pattern := range []string{"*_test.go", "../*_test.go", "../block/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no tests at %s: %v", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			tests = append(tests, text...)
		}
	}
	fields := reflect.TypeFor[variant]()
	for i := range fields.NumField() {
		f := fields.Field(i)
		if kind := f.Type.Kind(); kind == reflect.String || kind == reflect.Int {
			continue
		}
		for _, test := range heldBy[f.Name] {
			if test == "" || !bytes.Contains(tests, []byte("func "+test+"(")) {
				t.Errorf("kernel %s is held by no test %q", f.Name, test)
			}
		}
		if _, ok := heldBy[f.Name]; !ok {
			t.Errorf("kernel %s is held by no test", f.Name)
		}
	}
}

// FuzzRows runs what takes groups one by one on arbitrary finite values.
func FuzzRows(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Add(bytes.Repeat([]byte{0, 0, 0x80, 0x3f, 0, 0, 0x80, 0xbf}, 300))
	f.Add(bytes.Repeat([]byte{1, 0, 0, 0x80, 0xff, 0xff, 0x7f, 0x7f}, 40))
	f.Add(bytes.Repeat([]byte{7, 0, 0x20, 0x3f, 0xff, 0xff, 0x7f, 0x3f, 3, 0, 0x10, 0xbe, 0, 0, 0, 0x3e}, 50))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 {
			return
		}
		const n = 32
		x, w := make([]float32, n*Lanes), make([]float32, n*Lanes)
		for i := range x {
			var word [8]byte
			copy(word[:], data[8*i%len(data):])
			x[i] = finite(binary.LittleEndian.Uint32(word[:]))
			w[i] = Abs(finite(binary.LittleEndian.Uint32(word[4:])))
		}
		held := active
		defer func() { active = held }()
		for _, v := range variants() {
			active = v
			checkRows(t, x, w, n)
		}
	})
}

func checkRows(t *testing.T, x, w []float32, n int) {
	t.Helper()
	got := new(Scratch)
	got.Load(x, n)
	got.LoadWeights(w, n)
	for i := range n {
		for j := range Lanes {
			if !same(got.X[i*Lanes+j], x[j*n+i]) {
				t.Fatalf("%s: value %d of group %d is %v, want %v", active.name, i, j, got.X[i*Lanes+j], x[j*n+i])
			}
		}
	}
	for how := range active.weigh {
		weighed, want := *got, *got
		weighed.Weigh(Weighing(how), n)
		want.weigh(Weighing(how), n)
		equalTiles(t, active.name+" weighing", n, Lanes, &weighed.W, &want.W)
	}
	scale, greatest := make([]float32, Lanes), make([]float32, Lanes)
	low, high := make([]float32, Lanes), make([]float32, Lanes)
	Extremes(scale, x, n)
	sixteens := make([]float32, 2*Lanes)
	Extremes(sixteens, x, 16)
	for j, top := range sixteens {
		if run := x[16*j:][:16]; !same(top, Extreme(run)) {
			t.Fatalf("%s: the extreme of %v is %v", active.name, run, top)
		}
	}
	Greatest(greatest, x, n)
	Bounds(low, high, x)
	for j := range Lanes {
		run := x[j*n:][:n]
		l, h := bounds(run)
		if !same(scale[j], Extreme(run)) || !same(greatest[j], Magnitude(run)) || !same(low[j], l) || !same(high[j], h) {
			t.Fatalf("%s: extremes of %v are %v, %v, %v, %v", active.name, run, scale[j], greatest[j], low[j], high[j])
		}
	}
	checkRounding(t, x, low, n)
	checkPacking(t, x)
	split := func() Signed {
		return Signed{Magnitude: make([]float32, len(x)), Root: make([]float32, len(x)), Minus: make([]uint8, len(x)/8)}
	}
	for _, even := range []bool{false, true} {
		got, want := split(), split()
		top, reach := got.Prepare(x, w, even)
		wantTop, wantReach := want.prepare(x, w, even)
		if top != wantTop || reach != wantReach || !bytes.Equal(got.Minus, want.Minus) || !slices.EqualFunc(got.Magnitude, want.Magnitude, same) || !slices.EqualFunc(got.Root, want.Root, same) {
			t.Fatalf("%s: %v and weights %v are taken apart otherwise than specified", active.name, x, w)
		}
	}
	weighed, want := make([]float32, len(x)), make([]float32, len(x))
	Importance(weighed, x, w, w[0])
	importance(want, x, w, w[0])
	if !slices.EqualFunc(weighed, want, same) {
		t.Fatalf("%s: importances of %v are %v, specified is %v", active.name, x, weighed, want)
	}
}

// checkPacking compares what packs bits of levels.
func checkPacking(t *testing.T, x []float32) {
	t.Helper()
	var levels [256]uint8
	for i := range levels {
		levels[i] = uint8(math.Float32bits(x[i]) >> 24)
	}
	checkPackSix(t, &levels)
	checkPackPairs(t, &levels)
	for _, bit := range []int{2, 4} {
		var got, want [32]uint8
		PackBits(&got, &levels, bit)
		inGo(func() { PackBits(&want, &levels, bit) })
		if got != want {
			t.Fatalf("%s: bits %d of %v are %x, specified are %x", active.name, bit, levels, got, want)
		}
	}
}

// checkRounding compares levels of scales that suit the values.
func checkRounding(t *testing.T, x, low []float32, n int) {
	t.Helper()
	scale, offset := make([]float32, Lanes), make([]float32, Lanes)
	for j := range scale {
		scale[j], offset[j] = Extreme(x[j*n:][:n])/31, -low[j]
	}
	got, want := make([]uint8, len(x)), make([]uint8, len(x))
	for _, c := range []Rounding{{0, 3}, {0, 31}, {-32, 31}, {-128, 127}} {
		c.Divide(got, x, n, scale, offset)
		c.divide(want, x, n, scale, offset)
		if !bytes.Equal(got, want) {
			t.Fatalf("%s: %v of %v by %v gives %v, specified is %v", active.name, c, x, scale, got, want)
		}
		c.Multiply(got, x, n, scale, offset)
		c.multiply(want, x, n, scale, offset)
		if !bytes.Equal(got, want) {
			t.Fatalf("%s: %v of %v times %v gives %v, specified is %v", active.name, c, x, scale, got, want)
		}
		if c.High-c.Low > math.MaxInt8 {
			continue // HalfUp has signed bytes
		}
		c.HalfUp(got, x, scale, offset)
		c.halfUp(want, x, scale, offset)
		if !bytes.Equal(got, want) {
			t.Fatalf("%s: %v of %v times %v, half up, gives %v, specified is %v", active.name, c, x, scale, got, want)
		}
	}
	Away(got, x, scale)
	away(want, x, scale)
	if !bytes.Equal(got, want) {
		t.Fatalf("%s: %v times %v, away from zero, gives %v, specified is %v", active.name, x, scale, got, want)
	}
	NonLinearLevels(got, n/2, x, scale)
	putNonLinearLevels(want, n/2, x, scale)
	if !bytes.Equal(got[:len(x)/2], want[:len(x)/2]) {
		t.Fatalf("%s: levels of %v times %v are %v, specified is %v", active.name, x, scale, got, want)
	}
	src := make([]byte, 4*len(x))
	for i, v := range x {
		binary.NativeEndian.PutUint32(src[4*i:], math.Float32bits(v))
	}
	for _, size := range []int{2, 4} {
		got, seen := GreatestBits(src, size)
		var want uint32
		for i := 0; i < seen; i += size {
			if size == 2 {
				want = max(want, uint32(binary.NativeEndian.Uint16(src[i:])&0x7fff))
			} else {
				want = max(want, binary.NativeEndian.Uint32(src[i:])&0x7fffffff)
			}
		}
		if got != want {
			t.Fatalf("%s: greatest bits of %v are %#x, want %#x", active.name, x, got, want)
		}
	}
}

// inGo runs f without assembly.
func inGo(f func()) {
	held := active
	defer func() { active = held }()
	active = pure
	f()
}
