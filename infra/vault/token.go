package vault

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"

	"github.com/igny8/igny8/domain/es"
)

// bound is what a sealed field belongs to. All of it goes into the encryption
// as additional data; all but the account is in the token too, so that a token
// can be opened where only its account is known.
type bound struct {
	account  es.ID
	stream   es.ID
	subject  es.ID
	revision int64
	typ      string // "identity.user.registered.v1"; it begins with the stream's kind
	field    string
}

var errToken = errors.New("not a sealed field")

// head is the token's part in the clear.
func (b bound) head() []byte {
	out := make([]byte, 0, 48+len(b.typ)+len(b.field))
	out = append(out, b.subject[:]...)
	out = append(out, b.stream[:]...)
	out = binary.AppendVarint(out, b.revision)
	out = appendText(out, b.typ)
	return appendText(out, b.field)
}

// data is the additional data: the account and the head, which is injective
// because its texts carry their lengths.
func (b bound) data() []byte { return append(b.account[:], b.head()...) }

// fits says whether a token's binding is the one expected; what is zero in
// want is not known there and fits anything.
func (b bound) fits(want bound) bool {
	return b.account == want.account &&
		(want.stream == es.ID{} || b.stream == want.stream) &&
		(want.subject == es.ID{} || b.subject == want.subject) &&
		(want.revision == 0 || b.revision == want.revision) &&
		(want.typ == "" || b.typ == want.typ) &&
		(want.field == "" || b.field == want.field)
}

func formatToken(b bound, sealed []byte) string {
	return es.SealedPrefix + base64.RawURLEncoding.EncodeToString(append(b.head(), sealed...))
}

// parseToken reads a token found in an account. Nothing it says is proven until
// the rest was decrypted with data().
func parseToken(account es.ID, token string) (b bound, sealed []byte, err error) {
	text, ok := strings.CutPrefix(token, es.SealedPrefix)
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if !ok || err != nil || len(raw) < 32 {
		return bound{}, nil, errToken
	}
	b.account = account
	copy(b.subject[:], raw)
	copy(b.stream[:], raw[16:])
	revision, n := binary.Varint(raw[32:])
	if n <= 0 {
		return bound{}, nil, errToken
	}
	b.revision, raw = revision, raw[32+n:]
	if b.typ, raw, ok = cutText(raw); !ok {
		return bound{}, nil, errToken
	}
	if b.field, raw, ok = cutText(raw); !ok {
		return bound{}, nil, errToken
	}
	return b, raw, nil
}

func appendText(out []byte, text string) []byte {
	out = binary.AppendUvarint(out, uint64(len(text)))
	return append(out, text...)
}

func cutText(raw []byte) (text string, rest []byte, ok bool) {
	n, size := binary.Uvarint(raw)
	if size <= 0 || n > uint64(len(raw)-size) { //nolint:gosec // G115: size is at most len(raw).
		return "", nil, false
	}
	end := size + int(n) //nolint:gosec // G115: n is at most len(raw).
	return string(raw[size:end]), raw[end:], true
}
