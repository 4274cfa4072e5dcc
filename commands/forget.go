package commands

import "github.com/igny8/igny8/domain/es"

// Forget drops what is kept in memory of an account's streams, in which personal
// fields are open: call it in every process when one of its people was erased.
// They are read anew when they are needed. The zero id drops all accounts'.
func (b *Bus) Forget(account es.ID) { b.states.dropAccount(account) }

func (s *states) dropAccount(account es.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, el := range s.byID {
		if id.Account == account || account == (es.ID{}) {
			s.order.Remove(el)
			delete(s.byID, id)
		}
	}
}
