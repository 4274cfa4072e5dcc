package readapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"github.com/igny8/igny8/domain/es"
)

const (
	consistencyHeader = "X-Consistency-Token"
	macSize           = 16
)

// signer makes what a client carries but must not change: cursors and tokens.
type signer struct{ key []byte }

func (s signer) mac(purpose, bound string, payload []byte) []byte {
	h := hmac.New(sha256.New, s.key)
	for _, part := range [][]byte{[]byte(purpose), []byte(bound), payload} {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write(part)
	}
	return h.Sum(nil)[:macSize]
}

func (s signer) sign(purpose, bound string, payload []byte) string {
	return base64.RawURLEncoding.EncodeToString(append(s.mac(purpose, bound, payload), payload...))
}

func (s signer) open(purpose, bound, text string) ([]byte, bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < macSize {
		return nil, false
	}
	payload := raw[macSize:]
	return payload, hmac.Equal(raw[:macSize], s.mac(purpose, bound, payload))
}

// token names a position to the account that may wait for it.
func (s signer) token(account es.ID, position int64) string {
	return s.sign("consistency", account.String(), binary.AppendVarint(nil, position))
}

// position is what a token of the account names.
func (s signer) position(account es.ID, token string) (int64, bool) {
	payload, ok := s.open("consistency", account.String(), token)
	if !ok {
		return 0, false
	}
	position, n := binary.Varint(payload)
	return position, n == len(payload) && position >= 0
}

// Sign makes an opaque text of payload that only the account can bring back,
// for the purpose it was made for.
func (a *API) Sign(purpose string, account es.ID, payload []byte) string {
	return a.signer.sign("x-"+purpose, account.String(), payload)
}

// Verify is the payload of a text that Sign made for the account and purpose;
// false for any other text.
func (a *API) Verify(purpose string, account es.ID, text string) ([]byte, bool) {
	return a.signer.open("x-"+purpose, account.String(), text)
}
