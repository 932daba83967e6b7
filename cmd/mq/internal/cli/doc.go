// Package cli is the command line of mq: one file per command, one switch
// from errors to exit codes.
package cli
