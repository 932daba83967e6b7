// Package fault is the errors of mq. Each belongs to a class, by what the user
// can do about it, and says in fields which file, tensor or key it is about
// and which rule is broken; the message is one sentence made from them. The
// command line maps each class to one exit code.
package fault
