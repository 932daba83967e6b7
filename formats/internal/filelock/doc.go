// Package filelock marks open files as held by this process, until it closes
// them or ends.
package filelock
