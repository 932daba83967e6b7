package main

import (
	"os"

	"github.com/f190792d/mq/cmd/mq/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
