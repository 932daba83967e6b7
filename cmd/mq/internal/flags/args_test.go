package flags

import (
	"testing"

	"github.com/spf13/cobra"
)

func TestArgsSayWhatIsTakenAndWhereTheRestGoes(t *testing.T) {
	for _, test := range []struct {
		least, most int
		flags, args []string
		want        string
	}{
		{1, 1, nil, []string{"a"}, ""},
		{0, 1, nil, nil, ""},
		{1, -1, nil, []string{"a", "b", "c"}, ""},
		{1, 1, []string{"output", "type"}, nil, "quantize takes one GGUF file, got none"},
		{1, 1, []string{"output", "type"}, []string{"a", "b", "Q4_K_M"}, "quantize takes one GGUF file, got 3 arguments; the output is given with -o, the type with -t"},
		{1, 1, []string{"output"}, []string{"a", "b"}, "quantize takes one GGUF file, got 2 arguments; the output is given with -o"},
		{2, -1, nil, []string{"a"}, `quantize takes one GGUF file, got "a"`},
	} {
		cmd := &cobra.Command{Use: "quantize FILE"}
		for _, name := range test.flags {
			cmd.Flags().String(name, "", "")
		}
		got := ""
		if err := Args(test.least, test.most, "one GGUF file")(cmd, test.args); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%d to %d, %q: %q, want %q", test.least, test.most, test.args, got, test.want)
		}
	}
}
