package commands

import (
	"encoding/binary"
	"errors"
	"time"
)

// packedSize is a remembered command in a snapshot: its id, its revision and
// its time in microseconds since 1970.
const packedSize = 16 + 8 + 8

func pack(commands []remembered) []byte {
	packed := make([]byte, 0, len(commands)*packedSize)
	for _, c := range commands {
		packed = append(packed, c.command[:]...)
		packed = binary.BigEndian.AppendUint64(packed, uint64(c.revision)) //nolint:gosec // G115: never negative.
		packed = binary.BigEndian.AppendUint64(packed, uint64(c.at.UnixMicro()))
	}
	return packed
}

func unpack(packed []byte) ([]remembered, error) {
	if len(packed)%packedSize != 0 {
		return nil, errors.New("the remembered commands are cut off")
	}
	commands := make([]remembered, 0, len(packed)/packedSize)
	for ; len(packed) > 0; packed = packed[packedSize:] {
		var c remembered
		copy(c.command[:], packed)
		c.revision = int64(binary.BigEndian.Uint64(packed[16:]))                 //nolint:gosec // G115: as it was packed.
		c.at = time.UnixMicro(int64(binary.BigEndian.Uint64(packed[24:]))).UTC() //nolint:gosec // G115: as it was packed.
		commands = append(commands, c)
	}
	return commands, nil
}
