package vault

import (
	"context"
	"fmt"

	"github.com/igny8/igny8/domain/es"
)

// SealBytes encrypts data under a subject's key, bound to a purpose; the key is
// made when there is none. It refuses an erased subject (es.Conflict,
// "erased"). An account's own data has the account's id as its subject.
func (v *Vault) SealBytes(ctx context.Context, account, subject es.ID, purpose string, data []byte) ([]byte, error) {
	keys, err := v.sealingKeys(ctx, account, []es.ID{subject})
	if err != nil {
		return nil, fmt.Errorf("sealing %s: %w", purpose, err)
	}
	key := keys[subject]
	if key == nil {
		return nil, es.Refuse(es.Conflict, es.Erased, "This person's data was erased, and nothing can be added to it.")
	}
	return encrypt(key.aead, data, bytesPurpose(account, subject, purpose)), nil
}

// OpenBytes decrypts what SealBytes gave for the same account, subject and
// purpose. Once the subject was erased it gives es.Gone, "erased".
func (v *Vault) OpenBytes(ctx context.Context, account, subject es.ID, purpose string, sealed []byte) ([]byte, error) {
	keys, err := v.keys(ctx, account, []es.ID{subject})
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", purpose, err)
	}
	key := keys[subject]
	if key == nil {
		return nil, es.Refuse(es.Gone, es.Erased, "This was erased.")
	}
	data, err := decrypt(key.aead, sealed, bytesPurpose(account, subject, purpose))
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", purpose, err)
	}
	return data, nil
}

func bytesPurpose(account, subject es.ID, purpose string) []byte {
	return fmt.Appendf(nil, "bytes %s %s %s", account, subject, purpose)
}
