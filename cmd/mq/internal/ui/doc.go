// Package ui is the terminal side of mq: data on stdout as text or JSON,
// progress and notes on stderr, a bar on a terminal only.
package ui
