package tenancy

import "github.com/igny8/igny8/domain/es"

// Branch is what belongs to a site, or to a sector of it.
type Branch struct {
	Tenant es.Tenant // Sector zero: the whole site
	Kinds  []string
	// Deletion picks what was deleted under that id; zero picks what lives.
	Deletion es.ID
	// AtLeast is the position that the answer must reflect.
	AtLeast int64
}

// Leaf is one aggregate of a branch.
type Leaf struct {
	Kind string
	ID   es.ID
}
