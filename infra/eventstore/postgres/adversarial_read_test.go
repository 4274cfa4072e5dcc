package postgres_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/eventstore/postgres"
	database "github.com/igny8/igny8/infra/postgres"
)

// readUntilDone follows the log and writes "POSITION ID" for each event to a
// file. Killed, it goes on behind the last whole line.
func readUntilDone(ctx context.Context, db *database.DB, path string) error {
	file, seen, err := openSeen(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	log := postgres.NewLog(db.Pool(database.RoleProjector))
	defer log.Close()
	for ctx.Err() == nil {
		page, err := log.Read(ctx, seen, es.Filter{}, 1+rand.N(500))
		switch {
		case errors.Is(err, context.Canceled):
			return nil
		case err != nil:
			continue // Postgres is being killed
		}
		if err := writeSeen(file, page.Events); err != nil {
			return err
		}
		if page.Through == seen {
			_, _ = log.Wait(ctx, seen)
		}
		seen = page.Through
	}
	return nil
}

func writeSeen(file *os.File, events []es.Recorded) error {
	var lines bytes.Buffer
	for _, e := range events {
		if es.HashData(e.Salt, e.Data) != e.DataHash {
			return fmt.Errorf("the data at position %d is not what was hashed", e.Position)
		}
		fmt.Fprintln(&lines, e.Position, e.ID)
	}
	_, err := file.Write(lines.Bytes())
	return err
}

// openSeen opens a reader's file behind its last whole line, and gives the
// position in it.
func openSeen(path string) (file *os.File, seen int64, err error) {
	file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, 0, err
	}
	content, err := io.ReadAll(file)
	if err != nil {
		return nil, 0, err
	}
	whole := content[:bytes.LastIndexByte(content, '\n')+1]
	if len(whole) > 0 {
		last := whole[bytes.LastIndexByte(whole[:len(whole)-1], '\n')+1:]
		if _, err := fmt.Fscan(bytes.NewReader(last), &seen); err != nil {
			return nil, 0, err
		}
	}
	if err := file.Truncate(int64(len(whole))); err != nil {
		return nil, 0, err
	}
	_, err = file.Seek(int64(len(whole)), io.SeekStart)
	return file, seen, err
}

// seenLine is what a reader saw at one position.
type seenLine struct {
	position int64
	id       string
}

func readSeen(path string) ([]seenLine, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	var lines []seenLine
	for scan := bufio.NewScanner(file); scan.Scan(); {
		var line seenLine
		if _, err := fmt.Sscan(scan.Text(), &line.position, &line.id); err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}
