package projections

// The moments at which a test can freeze a runner.
const (
	BeforeBegin  = string(beforeBegin)
	BeforeCommit = string(beforeCommit)
	BeforeLease  = string(beforeLease)
)

// Pause calls f, before the runner runs, at each of its moments.
func (r *Runner) Pause(f func(at string, key Key)) {
	r.pause = func(at moment, key Key) { f(string(at), key) }
}
