// Package budget chooses the type of every tensor so that a file has a given
// size and its model changes as little as possible.
//
// NewProfile measures on sampled rows what each type would do to each tensor:
// the squared error as a share of the signal, columns weighted by an
// importance matrix where there is one. To first order errors of different
// tensors add up in the divergence of the model's predictions, each with a
// factor of its own, its sensitivity. Factors come from running the model with
// groups of tensors rounded (Groups, Profile.Calibrate), or else from a table
// by the tensors' kinds. Choose then solves for the best mixture, a
// multiple-choice knapsack problem. A profile can be saved, so that another
// budget costs nothing.
package budget
