// Package brief shortens tests in short runs, which look for races and the
// like: these are the same in every family, type and text.
package brief

import "testing"

// Of is one in so many of a list in short runs, and all of it otherwise.
func Of[T any](list []T, every int) []T {
	if !testing.Short() {
		return list
	}
	var some []T
	for i := 0; i < len(list); i += every {
		some = append(some, list[i])
	}
	return some
}
