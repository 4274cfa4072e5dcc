package jwt

import (
	"crypto/sha256"
	"strconv"
	"testing"
	"time"

	"github.com/igny8/igny8/commands/identity"
	"github.com/igny8/igny8/domain/es"
)

func TestAVerifiedTokenIsRememberedUntilItExpiresAndNeverTooMany(t *testing.T) {
	t.Parallel()
	v, now := newVerified(), time.Unix(1000, 0)
	who := identity.Bearer{User: es.ID{1}, Role: es.Editor}
	sum := sha256.Sum256([]byte("token"))
	if _, ok := v.get(sum, now); ok {
		t.Fatal("it knows what it never saw")
	}
	v.put(sum, who, now.Add(time.Minute))
	if got, ok := v.get(sum, now.Add(59*time.Second)); !ok || got != who {
		t.Errorf("it forgot: %+v, %t", got, ok)
	}
	if _, ok := v.get(sum, now.Add(time.Minute)); ok {
		t.Error("it remembers an expired token")
	}
	for i := range 3 * mostVerified {
		v.put(sha256.Sum256([]byte(strconv.Itoa(i))), who, now)
	}
	if len(v.all) > mostVerified {
		t.Errorf("it remembers %d", len(v.all))
	}
}
