package postgres

import (
	"fmt"
	"strings"

	"github.com/igny8/igny8/domain/es"
)

// The arguments of append_events, in order.
const (
	aAccount = iota
	aKind
	aStream
	aExpected
	eAppend
	eAccount
	eKind
	eStream
	eRevision
	eID
	eType
	eSite
	eSector
	eActor
	eCorrelation
	eCausation
	eCommand
	eRequest
	eHash
	eData
	eSalt
	uAppend
	uIndex
	uTake
	uScope
	uKey
	cAppend
	cIndex
	cCounter
	cDelta
	cLimit
	kScope
	kAccount
	argumentCount
)

func argumentTypes() [argumentCount]uint32 {
	return [argumentCount]uint32{
		aAccount: oidUUID, aKind: oidText, aStream: oidUUID, aExpected: oidInt8,
		eAppend: oidInt4, eAccount: oidUUID, eKind: oidText, eStream: oidUUID, eRevision: oidInt8,
		eID: oidUUID, eType: oidText, eSite: oidUUID, eSector: oidUUID, eActor: oidText,
		eCorrelation: oidUUID, eCausation: oidUUID, eCommand: oidUUID, eRequest: oidText,
		eHash: oidBytes, eData: oidBytes, eSalt: oidBytes,
		uAppend: oidInt4, uIndex: oidInt4, uTake: oidBool, uScope: oidText, uKey: oidBytes,
		cAppend: oidInt4, cIndex: oidInt4, cCounter: oidInt4, cDelta: oidInt8, cLimit: oidInt8,
		kScope: oidText, kAccount: oidUUID,
	}
}

func callStatement() string {
	params := make([]string, argumentCount)
	for i := range params {
		params[i] = fmt.Sprintf("$%d", i+1)
	}
	return "SELECT append, outcome, n, m, at FROM append_events(" + strings.Join(params, ", ") + ")"
}

// arguments is a batch as append_events takes it. It is used again for the
// next batch, so that its buffers are.
type arguments struct {
	columns  [argumentCount]column
	counters map[string]int
}

func newArguments() *arguments {
	args := &arguments{counters: map[string]int{}}
	for i, elem := range argumentTypes() {
		args.columns[i] = newColumn(elem)
	}
	return args
}

// encode gives the arguments of a batch; they are valid until the next call.
func (args *arguments) encode(batch []*request) [][]byte {
	for i := range args.columns {
		args.columns[i].reset()
	}
	clear(args.counters)
	for i, r := range batch {
		args.add(i+1, &r.append)
	}
	values := make([][]byte, argumentCount)
	for i := range args.columns {
		values[i] = args.columns[i].encoded()
	}
	return values
}

func (args *arguments) add(number int, a *es.Append) {
	c := &args.columns
	c[aAccount].bytes(a.Stream.Account[:])
	c[aKind].text(a.Stream.Kind)
	c[aStream].bytes(a.Stream.ID[:])
	c[aExpected].int8(a.Expected)
	for i := range a.Events {
		args.addEvent(number, &a.Events[i])
	}
	for i, claim := range a.Claims {
		if claim.Op == es.CountClaim {
			args.addCount(number, i, a.Stream.Account, claim)
			continue
		}
		c[uAppend].int4(number)
		c[uIndex].int4(i)
		c[uTake].bool(claim.Op == es.TakeClaim)
		c[uScope].text(claim.Scope)
		c[uKey].bytes(claim.Key)
	}
}

func (args *arguments) addEvent(number int, e *es.NewEvent) {
	c := &args.columns
	c[eAppend].int4(number)
	c[eAccount].bytes(e.Stream.Account[:])
	c[eKind].text(e.Stream.Kind)
	c[eStream].bytes(e.Stream.ID[:])
	c[eRevision].int8(e.Revision)
	c[eID].bytes(e.ID[:])
	c[eType].text(e.Type)
	c[eSite].id(e.Site)
	c[eSector].id(e.Sector)
	c[eActor].text(e.Actor.String())
	c[eCorrelation].id(e.Correlation)
	c[eCausation].id(e.Causation)
	c[eCommand].id(e.Command)
	c[eRequest].text(e.Request)
	c[eHash].bytes(e.DataHash[:])
	c[eData].bytes(e.Data)
	c[eSalt].bytes(e.Salt)
}

func (args *arguments) addCount(number, index int, account es.ID, claim es.ClaimChange) {
	c := &args.columns
	counter, known := args.counters[claim.Scope]
	if !known {
		counter = len(args.counters) + 1
		args.counters[claim.Scope] = counter
		c[kScope].text(claim.Scope)
		c[kAccount].bytes(account[:])
	}
	c[cAppend].int4(number)
	c[cIndex].int4(index)
	c[cCounter].int4(counter)
	c[cDelta].int8(claim.Delta)
	c[cLimit].int8(claim.Limit)
}
