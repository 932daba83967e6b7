// Package memory keeps a run within a budget.
package memory
