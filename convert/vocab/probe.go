package vocab

// probe is text on which ways of cutting differ: contractions, numbers, white
// space, punctuation, scripts. It has no marks and no capitals outside ASCII,
// where llama.cpp knowingly departs from some files.
const (
	hangul = "한국어 가나다 "
	probe  = "I'm sure they'll've SAID it's DON'T 'Re we'D; HTTPServer camelCase XMLhttp\n" +
		"  two   three\t\ttabs \n\n\n  \r\n end.  \u00a0\u3000x\n" +
		"3 33 333 3333 33333 1234567 3.14 1,000,000 x2y 0x1F ½ ²\n" +
		"a+b==c != {d}[e] (f) <g/> $h #i @j ~k `l` ^m | n_o \\p \"q\" 'r' ... !!! ///\n\n" +
		"path/to/file.txt http://a.b/c?d=e&f \"quoted\"!\n/next \n\n" +
		"нещо на български 你好，世界。日本語テキスト " + hangul + "ไทย ελληνικά\n" +
		"🚀 ✅ 🦙🦙 — – … «x» “y” ¿z? ™ © €5 £6  "
)
