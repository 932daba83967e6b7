// Package fault classifies errors by what the user can do about them. The
// command line maps each class to one exit code; every other package only
// says which class an error belongs to.
package fault
