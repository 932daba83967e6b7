package atomicfile

import "testing"

func TestNamesThatWindowsTakesForSomethingElse(t *testing.T) {
	for _, name := range []string{"nul", "NUL.gguf", "com1.q8.gguf", "Lpt9", "CON .gguf", "m.gguf.", "m ", "a:b.gguf", "a?.gguf", "m*.gguf", "<m>", "a|b", `"m"`, "a\nb"} {
		if windowsRule(name) == "" {
			t.Errorf("%q is allowed", name)
		}
	}
	for _, name := range []string{"m.gguf", ".m.gguf.mq-tmp", "console.gguf", "com10.gguf", "Llama-3-8B-4.5bpw.gguf", "m (1).gguf", "модель.gguf", "LPT.gguf"} {
		if rule := windowsRule(name); rule != "" {
			t.Errorf("%q: %s", name, rule)
		}
	}
}
