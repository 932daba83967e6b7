package cli

import (
	"bufio"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/f190792d/mq/cmd/mq/internal/flags"
	"github.com/f190792d/mq/formats/fault"
	"github.com/f190792d/mq/formats/tokenizer"
)

// tokenizeCommand prints the tokens of a text.
func (a *app) tokenizeCommand() *cobra.Command {
	var file, text, pre string
	var ids, bos, plain bool
	cmd := &cobra.Command{
		Use:   "tokenize MODEL -f TEXT",
		Short: "Print the tokens of a text under a model's vocabulary",
		Long: `Prints the ids and the bytes of the tokens of a text. A folder's vocabulary follows the
library that it is made for (normalization such as NFC included), a GGUF file's
llama.cpp. With --pre a folder's follows llama.cpp, too.`,
		Example: `  mq tokenize model.gguf -f text.txt --ids
  echo 'Hello' | mq tokenize ./Llama-3-8B -f -`,
		Args: flags.Args(1, 1, "one MODEL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			given := cmd.Flags().Changed("prompt")
			if (file == "") == !given {
				return fault.Invalid("tokenize: give a text, either with -f FILE (- for standard input) or with -p TEXT")
			}
			words, err := a.loadTokenizer(cmd.Context(), args[0], pre)
			if err != nil {
				return err
			}
			if !given {
				if text, err = a.ReadText(file); err != nil {
					return err
				}
			}
			tokens, err := words.Encode(cmd.Context(), text, tokenizer.Options{AddSpecial: bos, ParseSpecial: !plain})
			if err != nil {
				return err
			}
			return a.printTokens(words, tokens, ids)
		},
	}
	fs := cmd.Flags()
	fs.StringVarP(&file, "file", "f", "", "text file, - for standard input")
	fs.StringVarP(&text, "prompt", "p", "", "the text itself")
	registerPre(fs, &pre)
	fs.BoolVar(&ids, "ids", false, "print one id a line")
	fs.BoolVar(&bos, "bos", false, "add the tokens that the vocabulary wants around a text")
	fs.BoolVar(&plain, "no-special", false, "take special tokens in the text as plain text")
	flags.MayBeEmpty(fs, "prompt")
	flags.Excludes(fs, "json", "ids")
	return cmd
}

func (a *app) printTokens(words *tokenizer.Tokenizer, tokens []int32, ids bool) error {
	if a.JSON {
		a.Object(map[string]any{"ids": tokens, "count": len(tokens)})
		return nil
	}
	out := bufio.NewWriter(a.Out) // keeps the first error for Flush
	for _, id := range tokens {
		if ids {
			fmt.Fprintf(out, "%d\n", id)
		} else {
			fmt.Fprintf(out, "%d\t%q\n", id, words.TokenBytes(id))
		}
	}
	return out.Flush()
}
