package hf

import "testing"

func TestTextIsTheLanguageModelsPartOfAConfiguration(t *testing.T) {
	for _, test := range []struct {
		config  string
		want    int64
		wrapped bool
	}{
		{`{"vocab_size": 7}`, 7, false},
		{`{"vocab_size": 7, "text_config": {"vocab_size": 8}}`, 8, true},
		{`{"vocab_size": 7, "llm_config": {"vocab_size": 8}}`, 8, true},
		{`{"vocab_size": 7, "lm_config": {"vocab_size": 8}}`, 8, true},
		{`{"vocab_size": 7, "language_config": {"vocab_size": 8}, "text_config": null}`, 8, true},
		{`{"thinker_config": {"vocab_size": 7, "text_config": {"vocab_size": 8}}}`, 8, true},
		{`{"vocab_size": 7, "text_config": "none", "thinker_config": {}}`, 7, false},
	} {
		config, err := ParseConfig([]byte(test.config), "config.json")
		if err != nil {
			t.Fatal(err)
		}
		text, wrapped := config.Text()
		if got, err := text.Int("vocab_size"); got != test.want || wrapped != test.wrapped || err != nil {
			t.Errorf("%s: vocab_size %d, wrapped %v, %v", test.config, got, wrapped, err)
		}
	}
}

func TestTextNamesItsKeysInFull(t *testing.T) {
	config, err := ParseConfig([]byte(`{"thinker_config": {"text_config": {"vocab_size": "many"}}}`), "config.json")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := config.Text()
	const want = `hf: config.json: key "thinker_config.text_config.vocab_size" holds "many", want an integer`
	if _, err := text.Int("vocab_size"); err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}
