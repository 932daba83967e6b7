// Package tiny makes checkpoints for tests out of the architecture table: a
// small random one of every class, and full-size ones that are headers alone.
package tiny
