package billing

// The operations that have a price from the start.
const (
	Clustering   = "clustering"
	Ideas        = "ideas"
	Content      = "content"
	ImagePrompts = "image_prompts"
	Linking      = "linking"
	Optimization = "optimization"
	ImageBasic   = "image_basic"
	ImagePremium = "image_premium"
)

// SeedCost is a price that is there from the start.
type SeedCost struct {
	Operation string
	CostTerms
}

// SeedCosts are the prices that are there from the start; an operator may change
// them afterwards. Text goes by tokens, with the figures published on
// 19 December 2025, images by the piece, with those of 26 December.
func SeedCosts() []SeedCost {
	tokens := func(operation string, perCredit, least int64) SeedCost {
		return SeedCost{operation, CostTerms{Unit: "token", TokensPerCredit: perCredit, MinCredits: least}}
	}
	each := func(operation string, credits int64) SeedCost {
		return SeedCost{operation, CostTerms{Unit: "image", CreditsPerUnit: credits}}
	}
	return []SeedCost{
		tokens(Clustering, 150, 2),
		tokens(Ideas, 200, 1),
		tokens(Content, 100, 3),
		tokens(ImagePrompts, 100, 1),
		tokens(Linking, 300, 1),
		tokens(Optimization, 200, 1),
		each(ImageBasic, 1),
		each(ImagePremium, 4),
	}
}
