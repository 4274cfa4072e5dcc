package uploads_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"
	"testing/iotest"

	"github.com/google/uuid"

	"github.com/igny8/igny8/domain/es"
	"github.com/igny8/igny8/infra/postgres"
	"github.com/igny8/igny8/infra/postgres/pgtest"
	. "github.com/igny8/igny8/infra/uploads"
)

func id() es.ID { return uuid.Must(uuid.NewV7()) }

func random(n int64) io.Reader {
	return io.LimitReader(rand.NewChaCha8([32]byte{1}), n)
}

func TestAFileComesBackByteForByteAtEverySize(t *testing.T) {
	t.Parallel()
	s := New(pgtest.New(t).Postgres.Pool(postgres.RoleApp))
	account := id()
	for _, size := range []int64{0, 1, 1<<20 - 1, 1 << 20, 1<<20 + 1, 3<<20 + 7} {
		file := id()
		if n, err := s.Save(t.Context(), account, file, "export.csv", iotest.HalfReader(random(size))); err != nil || n != size {
			t.Fatalf("saved %d bytes of %d: %v", n, size, err)
		}
		r, name, n, err := s.Open(t.Context(), account, file)
		if err != nil || name != "export.csv" || n != size {
			t.Fatalf("%d bytes: opened %q of %d bytes: %v", size, name, n, err)
		}
		got, want := sha256.New(), sha256.New()
		if _, err := io.Copy(got, r); err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(want, random(size))
		if !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
			t.Errorf("%d bytes came back changed", size)
		}
	}
}

func TestAFileIsItsAccountsOwn(t *testing.T) {
	t.Parallel()
	s := New(pgtest.New(t).Postgres.Pool(postgres.RoleApp))
	account, file := id(), id()
	if _, err := s.Save(t.Context(), account, file, "x", random(10)); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := s.Open(t.Context(), id(), file); es.ClassOf(err) != es.NotFound {
		t.Errorf("another account opens it: %v", err)
	}
	if err := s.Delete(t.Context(), id(), file); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := s.Open(t.Context(), account, file); err != nil {
		t.Errorf("another account deleted it: %v", err)
	}
}

func TestAnUploadThatIsCutOffIsNotThere(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t).Postgres
	s := New(db.Pool(postgres.RoleApp))
	account, file := id(), id()
	cut := errors.New("cut")
	for _, broken := range []io.Reader{
		io.MultiReader(random(2<<20), iotest.ErrReader(cut)),
		io.MultiReader(random(2<<20+5), iotest.ErrReader(io.ErrUnexpectedEOF)),
	} {
		if _, err := s.Save(t.Context(), account, file, "x", broken); err == nil {
			t.Fatal("a file that was cut off was saved")
		}
		if _, _, _, err := s.Open(t.Context(), account, file); es.ClassOf(err) != es.NotFound {
			t.Errorf("part of a file can be opened: %v", err)
		}
	}
	var rows int
	if err := db.Pool(postgres.RoleOwner).QueryRow(t.Context(), `SELECT count(*) FROM upload_chunks`).Scan(&rows); err != nil || rows != 0 {
		t.Errorf("%d chunks are left: %v", rows, err)
	}
}

func TestExpiredFilesAreForgottenAndNoOthers(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t).Postgres
	s := New(db.Pool(postgres.RoleApp))
	account, old, young := id(), id(), id()
	for _, file := range []es.ID{old, young} {
		if _, err := s.Save(t.Context(), account, file, "x", random(10)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Pool(postgres.RoleOwner).Exec(t.Context(), `UPDATE uploads SET expires_at = now() WHERE id = $1`, old); err != nil {
		t.Fatal(err)
	}
	if n, err := DeleteExpired(t.Context(), db.Pool(postgres.RoleProjector), 10); err != nil || n != 1 {
		t.Errorf("%d were forgotten: %v", n, err)
	}
	if _, _, _, err := s.Open(t.Context(), account, old); es.ClassOf(err) != es.NotFound {
		t.Errorf("an expired file opens: %v", err)
	}
	if _, _, _, err := s.Open(t.Context(), account, young); err != nil {
		t.Errorf("a file was forgotten before its time: %v", err)
	}
}

// watched measures the heap while it is read from.
type watched struct {
	io.Reader
	peak uint64
}

func (w *watched) Read(p []byte) (int, error) {
	var now runtime.MemStats
	runtime.ReadMemStats(&now)
	w.peak = max(w.peak, now.HeapAlloc)
	return w.Reader.Read(p[:min(len(p), 1<<19)])
}

func TestALargeFileNeedsLittleMemory(t *testing.T) { //nolint:paralleltest // it measures the whole heap.
	s := New(pgtest.New(t).Postgres.Pool(postgres.RoleApp))
	file := &watched{Reader: random(96 << 20)}
	if _, err := s.Save(t.Context(), id(), id(), "x", file); err != nil {
		t.Fatal(err)
	}
	if file.peak > 32<<20 {
		t.Errorf("saving 96 MB took %d bytes of heap", file.peak)
	}
}
