package convert

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/f190792d/mq/formats/gguf"
	"github.com/f190792d/mq/formats/hf"
)

// TestTakesModelNamesApart compares names with what the reference makes of
// them, for several numbers of weights.
func TestTakesModelNamesApart(t *testing.T) {
	file, err := os.Open("testdata/modelids.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := 0
	for scanner := bufio.NewScanner(file); scanner.Scan(); lines++ {
		f := strings.Split(scanner.Text(), "\t")
		params, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		m := parseModelID(f[0], params)
		got := []string{title(m.name), m.organization, m.basename, m.finetune, m.version, m.sizeLabel}
		if d := cmp.Diff(f[2:8], got); d != "" {
			t.Errorf("%q with %d weights (-reference +mq):\n%s", f[0], params, d)
		}
	}
	if lines == 0 {
		t.Error("no names")
	}
}

func TestRoundsSizes(t *testing.T) {
	for weights, want := range map[int64]string{
		0: "0.00K", 999: "1.0K", 66_000: "66K", 134_515_008: "135M", 494_032_768: "494M", 1_235_814_400: "1.2B",
		8_030_261_248: "8.0B", 70_553_706_496: "71B", 671_026_419_200: "671B", 1_026_408_232_448: "1.0T", 1_000_000: "1000K",
	} {
		if got := rounded(weights); got != want {
			t.Errorf("%d weights: %s, want %s", weights, got, want)
		}
	}
}

func TestCountsExpertsOnce(t *testing.T) {
	s := countWeights([]gguf.TensorInfo{
		{Name: "token_embd.weight", Shape: []int64{100, 50}},
		{Name: "blk.0.ffn_up_exps.weight", Shape: []int64{100, 20, 8}},
		{Name: "blk.0.ffn_up_exps.bias", Shape: []int64{20, 8}},
	})
	if want := (sizes{total: 21160, shared: 5160, expert: 2000, experts: 8}); s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
	if s.label() != "8x7.2K" {
		t.Errorf("label %s", s.label())
	}
}

// TestReadsCardsAsTheReferenceDoes holds the corners of front matters.
func TestReadsCardsAsTheReferenceDoes(t *testing.T) {
	for matter, want := range map[string]map[string]any{
		"license: mit\nlicense: apache\n":  {"general.license": "apache"},
		"base_model: null\ndatasets: []\n": {"general.base_model.count": uint32(0), "general.dataset.count": uint32(0)},
		"base_model:\n- {name: A, version: v1}\n- org/B-7B\n": {
			"general.base_model.count": uint32(2), "general.base_model.0.name": "A", "general.base_model.0.version": "v1",
			"general.base_model.1.name": "B 7B", "general.base_model.1.organization": "Org",
			"general.base_model.1.repo_url": "https://huggingface.co/org/B-7B",
		},
	} {
		m := metadata{fields: map[string]string{}}
		fields, err := hf.ParseCard([]byte("---\n" + matter + "---\n"))
		if err != nil {
			t.Fatal(err)
		}
		m.fromCard(fields, 7e9)
		got := map[string]any{}
		for _, kv := range m.kvs() {
			got[kv.Key] = kv.Value
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q (-want +mq):\n%s", matter, d)
		}
	}
}

// TestOrganizationOfTheOriginalNameIsATitle: _name_or_path is an id.
func TestOrganizationOfTheOriginalNameIsATitle(t *testing.T) {
	m := metadata{fields: map[string]string{}}
	m.fromID(parseModelID("meta-llama/Foo-7B", 7e9))
	if got := m.fields["organization"]; got != "Meta Llama" {
		t.Errorf("organization %q", got)
	}
}

// TestSamplingLeavesOutWhatNoNumberHolds: generation_config.json may hold
// Python's constants, and one that is broken is not needed.
func TestSamplingLeavesOutWhatNoNumberHolds(t *testing.T) {
	for text, want := range map[string]gguf.KVs{
		`{"top_k": 40, "temperature": 0.6, "max_time": Infinity}`: {{Key: "general.sampling.top_k", Value: int32(40)}, {Key: "general.sampling.temp", Value: float32(0.6)}},
		`{"top_k": 1e12, "temperature": NaN, "top_p": -Infinity}`: nil,
		`{"temperature": 1e300, "top_k": "40"}`:                   nil,
		`{"penalty_repeat": null, "repetition_penalty": 1.1}`:     {{Key: "general.sampling.penalty_repeat", Value: float32(1.1)}},
	} {
		c, err := hf.ParseConfig([]byte(text), "generation_config.json")
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, sampling(c)); d != "" {
			t.Errorf("%s (-want +mq):\n%s", text, d)
		}
	}
}
