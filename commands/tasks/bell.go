package tasks

// Bell wakes the workers of a process.
type Bell struct{ waiting, cancelled chan struct{} }

// NewBell makes one for all workers of a process, who share its rings.
func NewBell() *Bell {
	return &Bell{waiting: make(chan struct{}, 1), cancelled: make(chan struct{}, 1)}
}

// Ring tells that tasks wait, and with a payload that some are cancelled. It
// returns at once.
func (b *Bell) Ring(payload string) {
	signal(b.waiting)
	if payload != "" {
		signal(b.cancelled)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
