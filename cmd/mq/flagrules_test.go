package main

import (
	"strings"
	"testing"
)

// TestFlagsThatSayNothingAreErrors: a value that is empty or 0 is not the same
// as none, a flag that changes nothing is a mistake, and numbers have ranges.
func TestFlagsThatSayNothingAreErrors(t *testing.T) {
	const stories = "../../testdata/stories-llama"
	for line, want := range map[string]string{
		"convert STORIES -t ''":                                           "--type: a value is missing",
		"convert STORIES -t q8_0,":                                        "--type: a value is missing",
		"convert STORIES -o ''":                                           "--output: a value is missing",
		"convert STORIES --part ''":                                       "--part: a value is missing",
		"convert STORIES --model-name ''":                                 "--model-name: a value is missing",
		"convert STORIES --imatrix ''":                                    "--imatrix: a value is missing",
		"convert STORIES --tensor-type ''":                                "--tensor-type: a value is missing",
		"convert STORIES --max-memory ''":                                 "--max-memory: a value is missing",
		"convert STORIES --target-bpw 0":                                  "--target-bpw 0: want a number from 0.1 to 64",
		"convert STORIES --target-bpw NaN":                                "--target-bpw NaN",
		"convert STORIES --target-bpw -3":                                 "--target-bpw -3",
		"convert STORIES --target-size 0":                                 "--target-size 0",
		"convert STORIES --imatrix-from x --imatrix-chunks 0":             "--imatrix-chunks 0: want a number above zero",
		"convert STORIES --imatrix-chunks 3":                              "no effect without --imatrix-from",
		"convert STORIES --save-types x":                                  "no effect without --target-bpw or --target-size",
		"convert STORIES --include-weights x":                             "no effect without --imatrix or --imatrix-from",
		"eval STORIES -f x --temp 1":                                      "--temp has no effect without --generate",
		"eval STORIES -f x --seed 2":                                      "--seed has no effect without --temp",
		"eval STORIES --generate x --top-k 3":                             "--top-k has no effect without --temp",
		"eval STORIES -f x --hellaswag --stride 4":                        "--stride has no effect together with --hellaswag",
		"convert STORIES --base y -t q8_0":                                "--type has no effect together with --base",
		"convert STORIES --base y --q8_0":                                 "--q8_0 has no effect together with --base",
		"convert STORIES --base y --provenance":                           "--provenance has no effect together with --base",
		"convert STORIES --base y --resume":                               "--resume has no effect together with --base",
		"convert STORIES --leave-output-tensor --output-tensor-type q8_0": "no effect together",
		"tokenize FILE -p x --ids --json":                                 "--ids has no effect together with --json",
		"inspect FILE --full --json":                                      "--full has no effect together with --json",
		"eval STORIES -f x --tasks 2":                                     "--tasks has no effect without --hellaswag or --multiple-choice or --winogrande",
		"eval STORIES --generate x --chunks 3":                            "--chunks has no effect together with --generate",
		"eval STORIES --generate x --temp -1":                             "--temp -1: want a number from 0 to 100",
		"eval STORIES --generate x --top-p 2":                             "--top-p 2: want a number from 0 to 1",
		"eval STORIES --generate x -n 0":                                  "-n 0",
		"eval STORIES -f x --chunks 0":                                    "--chunks 0: want a number above zero",
		"eval STORIES -f x --stride -4":                                   "--stride -4: want 0 or more",
		"eval STORIES -f x --base y --min-top1 95":                        "--min-top1 95: want a number from 0 to 1",
		"eval STORIES -f x --base y --max-kld -1":                         "--max-kld -1: want a number of 0 or more",
		"eval STORIES -f x --max-ppl 0.5":                                 "--max-ppl 0.5: want a number of 1 or more",
		"validate FILE --min-top1 0.5":                                    "no effect without --against",
		"validate FILE --against STORIES --min-top1 95":                   "--min-top1 95: want a number from 0 to 1",
		"validate FILE --against STORIES --imatrix x":                     "no effect without --rederive",
		"validate FILE --no-logits":                                       "no effect without --against",
		"validate FILE --report ''":                                       "--report: a value is missing",
		"imatrix --in-file x --chunks 3 -o y":                             "no effect without --file",
		"imatrix STORIES -f x --chunks 0":                                 "--chunks 0: want a number above zero",
		"split FILE --max-tensors 0":                                      "--max-tensors 0: want a number above zero",
		"split FILE --max-size ''":                                        "--max-size: a value is missing",
		"hash FILE --check x --no-layer":                                  "no effect together",
		"hash FILE --kind ''":                                             "--kind: a value is missing",
		"tokenize FILE -f ''":                                             "--file: a value is missing",
		"convert STORIES --refine-tokens 3":                               "no effect without --refine",
		"convert STORIES -t q8_0 --refine ''":                             "--refine: a value is missing",
		"convert STORIES -t q8_0 --part 1/2 --refine x":                   "--part has no effect together with --refine",
	} {
		args := strings.Fields(strings.NewReplacer("STORIES", stories, "FILE", "x.gguf").Replace(line))
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "''", "")
		}
		if code, _, stderr := mq(t, args...); code != 2 || !strings.Contains(stderr, want) {
			t.Errorf("mq %s: exit %d, %q does not say %q", line, code, stderr, want)
		}
	}
}
