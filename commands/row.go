package commands

import (
	"context"
	"fmt"

	"github.com/igny8/igny8/domain/es"
)

// LoadRow is an aggregate's row folded from its stream as the store has it now,
// for answers that must not lag behind. Its kind needs a Shape of rows R; what
// does not exist, or was purged, is es.NotFound.
func LoadRow[R any](ctx context.Context, b *Bus, kind es.AnyKind, account, id es.ID) (R, error) {
	var row R
	st, err := b.load(ctx, es.StreamID{Account: account, Kind: kind.KindName(), ID: id}, kind)
	if err != nil {
		return row, busy(err)
	}
	if st.revision == 0 || st.row == nil {
		return row, es.Refuse(es.NotFound, "", "There is no such %s.", noun(kind.KindName()))
	}
	row, ok := st.row.(R)
	if !ok {
		return row, fmt.Errorf("a %s has rows of %T, not of %T", kind.KindName(), st.row, row)
	}
	return row, nil
}
