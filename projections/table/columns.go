package table

type column struct{ Column }

func columnsOf[R any](string) []column { return nil }
